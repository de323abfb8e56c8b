/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorsrc: pushes the samples of a tensor file, one buffer each; labels from a second file go behind them. */
#include "data/reader.h"
#include "data/wire.h"
#include "gst/errors.h"
#include "gst/plugin.h"
#include "gst/properties.h"
#include "gst/tensorcaps.h"
#include <gst/base/gstpushsrc.h>

#define GST_TYPE_TENSOR_SRC (gst_tensor_src_get_type ())
G_DECLARE_FINAL_TYPE (GstTensorSrc, gst_tensor_src, GST, TENSOR_SRC, GstPushSrc)

struct _GstTensorSrc
{
  GstPushSrc parent_instance;
  char *location, *labels;
  guint64 start, samples;

  PareReader *readers[2]; /* data, and labels when there are some */
  GstCaps *caps;
  gint64 position, end;
};

G_DEFINE_FINAL_TYPE (GstTensorSrc, gst_tensor_src, GST_TYPE_PUSH_SRC)

static const GstPareProperty properties[] = {
  { "location",
    "File of samples: .npy, .npz, IDX (also .gz), ONNX tensor (.pb) or NNStreamer repository (.json); the first axis "
    "counts the samples",
    G_TYPE_STRING, G_STRUCT_OFFSET (GstTensorSrc, location) },
  { "labels", "File of as many samples, whose tensors follow those of location", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstTensorSrc, labels) },
  { "start", "Samples to skip at the beginning", G_TYPE_UINT64, G_STRUCT_OFFSET (GstTensorSrc, start), 0, NULL, 0,
    G_MAXINT32 },
  { "samples", "Push at most this many samples; 0 is all", G_TYPE_UINT64, G_STRUCT_OFFSET (GstTensorSrc, samples), 0,
    NULL, 0, G_MAXINT32 },
};

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

/* Truth values travel as uint8: tensor pads have no bool. */
static PareDataType
travelling_type (PareDataType type)
{
  return type == PARE_BOOL ? PARE_UINT8 : type;
}

static gboolean
make_caps (GstTensorSrc *self, GError **error)
{
  g_autoptr (GArray) specs = g_array_new (FALSE, FALSE, sizeof (PareSpec));

  for (guint i = 0; i < 2 && self->readers[i]; i++)
    for (guint k = 0; k < pare_reader_tensors (self->readers[i]); k++)
      {
        PareSpec spec = *pare_reader_spec (self->readers[i], k);
        spec.type = travelling_type (spec.type);
        g_array_append_val (specs, spec);
      }
  if (specs->len > PARE_WIRE_TENSORS)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "'%s' has %u tensors in a sample; a buffer carries at most %d.", self->location, specs->len,
                   PARE_WIRE_TENSORS);
      return FALSE;
    }
  self->caps = gst_pare_tensor_caps_new (specs->len, (const PareSpec *)specs->data);
  if (!self->caps)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "'%s' has samples that are empty or of a type that does not travel on tensor pads.", self->location);
  return self->caps != NULL;
}

static gboolean
open_readers (GstTensorSrc *self, GError **error)
{
  gint64 samples;

  if (!self->location || !*self->location)
    {
      g_set_error_literal (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                           "Tensorsrc has no file to read; set its location property.");
      return FALSE;
    }
  if (!(self->readers[0] = pare_reader_open (self->location, error))
      || (self->labels && *self->labels && !(self->readers[1] = pare_reader_open (self->labels, error))))
    return FALSE;
  samples = pare_reader_samples (self->readers[0]);
  if (self->readers[1] && pare_reader_samples (self->readers[1]) != samples)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "'%s' has %" G_GINT64_FORMAT " samples and '%s' has %" G_GINT64_FORMAT
                   " labels; they have to belong to each other.",
                   self->location, samples, self->labels, pare_reader_samples (self->readers[1]));
      return FALSE;
    }
  if (self->start >= (guint64)samples)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                   "'%s' has %" G_GINT64_FORMAT " samples; none is left after skipping %" G_GUINT64_FORMAT ".",
                   self->location, samples, self->start);
      return FALSE;
    }
  self->position = 0;
  self->end = samples;
  if (self->samples && self->samples < (guint64)samples - self->start)
    self->end = self->start + self->samples;
  return TRUE;
}

static gboolean
gst_tensor_src_stop (GstBaseSrc *base)
{
  GstTensorSrc *self = GST_TENSOR_SRC (base);

  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&self->readers[i], pare_reader_free);
  gst_clear_caps (&self->caps);
  return TRUE;
}

static gboolean
gst_tensor_src_start (GstBaseSrc *base)
{
  GstTensorSrc *self = GST_TENSOR_SRC (base);
  g_autoptr (GError) error = NULL;

  if (open_readers (self, &error) && make_caps (self, &error))
    return TRUE;
  gst_pare_element_error (self, error);
  gst_tensor_src_stop (base);
  return FALSE;
}

static GstCaps *
gst_tensor_src_get_caps (GstBaseSrc *base, GstCaps *filter)
{
  GstTensorSrc *self = GST_TENSOR_SRC (base);
  g_autoptr (GstCaps) caps
      = self->caps ? gst_caps_ref (self->caps) : gst_pad_get_pad_template_caps (GST_BASE_SRC_PAD (base));

  return filter ? gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST) : g_steal_pointer (&caps);
}

/* Reads the next sample of both files behind each other into @sample; their number, or 0 on error. */
static guint
read_sample (GstTensorSrc *self, PareTensor **sample, GError **error)
{
  guint n = 0;

  for (guint i = 0; i < 2 && self->readers[i]; i++)
    {
      if (pare_reader_next (self->readers[i], sample + n, error) != 1)
        {
          while (n > 0)
            pare_tensor_unref (sample[--n]);
          return 0;
        }
      n += pare_reader_tensors (self->readers[i]);
    }
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (PareTensor) read = sample[i];
      sample[i] = pare_tensor_cast (read, travelling_type (read->type));
    }
  return n;
}

static GstFlowReturn
gst_tensor_src_create (GstPushSrc *push, GstBuffer **buffer)
{
  GstTensorSrc *self = GST_TENSOR_SRC (push);
  PareTensor *sample[PARE_WIRE_TENSORS];

  while (self->position < self->end)
    {
      g_autoptr (GError) error = NULL;
      guint n = read_sample (self, sample, &error);
      if (n == 0)
        {
          gst_pare_element_error (self, error);
          return GST_FLOW_ERROR;
        }
      /* Compressed files can only be skipped by reading. */
      *buffer = self->position < (gint64)self->start ? NULL : gst_pare_buffer_from_tensors (sample, n);
      for (guint i = 0; i < n; i++)
        pare_tensor_unref (sample[i]);
      self->position++;
      if (*buffer)
        {
          GST_BUFFER_OFFSET (*buffer) = self->position - 1 - self->start;
          return GST_FLOW_OK;
        }
    }
  return GST_FLOW_EOS;
}

static gboolean
gst_tensor_src_is_seekable (GstBaseSrc *base)
{
  return FALSE;
}

/* The number of samples, as a duration in buffers, for whoever shows progress. */
static gboolean
gst_tensor_src_query (GstBaseSrc *base, GstQuery *query)
{
  GstTensorSrc *self = GST_TENSOR_SRC (base);
  GstFormat format;

  if (GST_QUERY_TYPE (query) == GST_QUERY_DURATION)
    {
      gst_query_parse_duration (query, &format, NULL);
      if (format != GST_FORMAT_BUFFERS || !self->caps)
        return FALSE;
      gst_query_set_duration (query, format, self->end - self->start);
      return TRUE;
    }
  return GST_BASE_SRC_CLASS (gst_tensor_src_parent_class)->query (base, query);
}

static void
gst_tensor_src_init (GstTensorSrc *self)
{
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
}

static void
gst_tensor_src_class_init (GstTensorSrcClass *klass)
{
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS (klass);

  base_class->start = gst_tensor_src_start;
  base_class->stop = gst_tensor_src_stop;
  base_class->get_caps = gst_tensor_src_get_caps;
  base_class->is_seekable = gst_tensor_src_is_seekable;
  base_class->query = gst_tensor_src_query;
  GST_PUSH_SRC_CLASS (klass)->create = gst_tensor_src_create;

  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass), &src_template);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Tensor file source", "Source/File",
                                         "Reads samples from a tensor file", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (tensorsrc, "Source of samples in tensor files", GST_TYPE_TENSOR_SRC)
