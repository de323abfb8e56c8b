/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorsink: writes every sample that comes into one .npy or .npz file, which appears when the stream has ended. */
#include "data/writer.h"
#include "gst/errors.h"
#include "gst/plugin.h"
#include "gst/properties.h"
#include "gst/tensorcaps.h"
#include <gst/base/gstbasesink.h>

#define GST_TYPE_TENSOR_SINK (gst_tensor_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstTensorSink, gst_tensor_sink, GST, TENSOR_SINK, GstBaseSink)

struct _GstTensorSink
{
  GstBaseSink parent_instance;
  char *location;

  GArray *specs; /* NULL for flexible caps */
  PareWriter *writer;
};

G_DEFINE_FINAL_TYPE (GstTensorSink, gst_tensor_sink, GST_TYPE_BASE_SINK)

static const GstPareProperty properties[] = {
  { "location",
    "File to write: .npy for one tensor in a sample, .npz for any number; it appears at the end of the stream",
    G_TYPE_STRING, G_STRUCT_OFFSET (GstTensorSink, location) },
};

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

static gboolean
gst_tensor_sink_start (GstBaseSink *base)
{
  GstTensorSink *self = GST_TENSOR_SINK (base);
  g_autoptr (GError) error = NULL;

  if (self->location && *self->location)
    return TRUE;
  g_set_error_literal (&error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "Tensorsink has no file to write; set its location property.");
  gst_pare_element_error (self, error);
  return FALSE;
}

static gboolean
gst_tensor_sink_stop (GstBaseSink *base)
{
  GstTensorSink *self = GST_TENSOR_SINK (base);

  g_clear_pointer (&self->writer, pare_writer_free);
  g_clear_pointer (&self->specs, g_array_unref);
  return TRUE;
}

static gboolean
gst_tensor_sink_set_caps (GstBaseSink *base, GstCaps *caps)
{
  GstTensorSink *self = GST_TENSOR_SINK (base);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->specs, g_array_unref);
  if (gst_pare_tensor_caps_parse (caps, &self->specs, &error))
    return TRUE;
  gst_pare_element_error (self, error);
  return FALSE;
}

/* The first sample decides on types and shapes. */
static gboolean
write_sample (GstTensorSink *self, GPtrArray *tensors, GError **error)
{
  if (!self->writer)
    {
      g_autofree PareSpec *specs = g_new (PareSpec, tensors->len);
      for (guint i = 0; i < tensors->len; i++)
        {
          const PareTensor *tensor = tensors->pdata[i];
          specs[i] = (PareSpec){ tensor->type, tensor->shape };
        }
      if (!(self->writer = pare_writer_new (self->location, tensors->len, specs, error)))
        return FALSE;
    }
  return pare_writer_add (self->writer, (PareTensor *const *)tensors->pdata, tensors->len, error);
}

static GstFlowReturn
gst_tensor_sink_render (GstBaseSink *base, GstBuffer *buffer)
{
  GstTensorSink *self = GST_TENSOR_SINK (base);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) tensors = gst_pare_buffer_to_tensors (buffer, self->specs, &error);

  if (tensors && write_sample (self, tensors, &error))
    return GST_FLOW_OK;
  gst_pare_element_error (self, error);
  return GST_FLOW_ERROR;
}

static gboolean
finish (GstTensorSink *self, GError **error)
{
  gboolean done;

  if (!self->writer)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "'%s' is not written: the stream ended without a sample.",
                   self->location);
      return FALSE;
    }
  done = pare_writer_finish (self->writer, error);
  g_clear_pointer (&self->writer, pare_writer_free);
  return done;
}

/* The file is complete before the end of the stream is announced to the application. */
static gboolean
gst_tensor_sink_event (GstBaseSink *base, GstEvent *event)
{
  GstTensorSink *self = GST_TENSOR_SINK (base);
  g_autoptr (GError) error = NULL;

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    g_clear_pointer (&self->writer, pare_writer_free);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && !finish (self, &error))
    {
      gst_pare_element_error (self, error);
      gst_event_unref (event);
      return FALSE;
    }
  return GST_BASE_SINK_CLASS (gst_tensor_sink_parent_class)->event (base, event);
}

static void
gst_tensor_sink_init (GstTensorSink *self)
{
  /* The job may run whole before PLAYING, and a second sink must not wait for this one's preroll. */
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
  gst_base_sink_set_async_enabled (GST_BASE_SINK (self), FALSE);
  gst_base_sink_set_last_sample_enabled (GST_BASE_SINK (self), FALSE);
}

static void
gst_tensor_sink_class_init (GstTensorSinkClass *klass)
{
  GstBaseSinkClass *base_class = GST_BASE_SINK_CLASS (klass);

  base_class->start = gst_tensor_sink_start;
  base_class->stop = gst_tensor_sink_stop;
  base_class->set_caps = gst_tensor_sink_set_caps;
  base_class->render = gst_tensor_sink_render;
  base_class->event = gst_tensor_sink_event;

  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass), &sink_template);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Tensor file sink", "Sink/File",
                                         "Writes samples into one tensor file", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (tensorsink, "Sink that writes samples into tensor files", GST_TYPE_TENSOR_SINK)
