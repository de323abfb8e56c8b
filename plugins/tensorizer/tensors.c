/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Tensors: the first is normalized, those behind it (labels) stay as they are. */
#include "gst/tensorcaps.h"
#include "gsttensorizer.h"

static PareLayoutChange
tensor_change (GstTensorizer *self, const PareShape *shape)
{
  PareLayout from
      = self->input_layout == TENSORIZER_INPUT_SAME ? (PareLayout)self->layout : (PareLayout)(self->input_layout - 1);

  return pare_layout_change (shape, from, self->layout);
}

static PareChannel *
new_tensor_channels (GstTensorizer *self, PareDataType type, const PareLayoutChange *change, GError **error)
{
  if (change->channels > G_MAXINT16)
    {
      g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT,
                           "The tensors have too many channels; check the layout and input-layout properties.");
      return NULL;
    }
  return tensorizer_new_channels (self, change->channels, pare_data_type_is_float (type) ? 1 : 1.0 / 255, error);
}

static gboolean
tensors_negotiate (GstTensorizer *self, const GstCaps *caps, GstCaps **out, GError **error)
{
  g_autoptr (GArray) specs = NULL;
  PareLayoutChange change;
  PareSpec *first;

  g_clear_pointer (&self->specs, g_array_unref);
  if (!gst_pare_tensor_caps_parse (caps, &self->specs, error))
    return FALSE;
  if (!self->specs)
    {
      *out = gst_caps_new_simple ("other/tensors", "format", G_TYPE_STRING, "flexible", NULL);
      return TRUE;
    }
  specs = g_array_copy (self->specs);
  first = &g_array_index (specs, PareSpec, 0);
  change = tensor_change (self, &first->shape);
  *first = (PareSpec){ PARE_FLOAT32, change.shape };
  *out = gst_pare_tensor_caps_new (specs->len, (PareSpec *)specs->data);
  return TRUE;
}

static PareChannel *
new_static_channels (GstTensorizer *self, GError **error)
{
  const PareSpec *first;
  PareLayoutChange change;

  if (!self->specs) /* each buffer tells, and is checked */
    return g_new0 (PareChannel, 1);
  first = &g_array_index (self->specs, PareSpec, 0);
  change = tensor_change (self, &first->shape);
  return new_tensor_channels (self, first->type, &change, error);
}

/* Memories of @in behind the first, or of @tensors where @in has them merged. */
static void
append_labels (GstBuffer *out, GstBuffer *in, GPtrArray *tensors)
{
  g_autoptr (GstBuffer) split = NULL;

  if (tensors->len > 1 && gst_buffer_n_memory (in) != tensors->len)
    in = split = gst_pare_buffer_from_tensors ((PareTensor *const *)tensors->pdata, tensors->len);
  for (guint i = 1; i < tensors->len; i++)
    gst_buffer_append_memory (out, gst_buffer_get_memory (in, i));
}

static gboolean
tensors_convert (GstTensorizer *self, GstBuffer *in, GstBuffer *out, GError **error)
{
  g_autoptr (GPtrArray) tensors = gst_pare_buffer_to_tensors (in, self->specs, error);
  g_autoptr (PareTensor) first = NULL;
  g_autofree PareChannel *channels = NULL;
  PareLayoutChange change;
  PareSpec spec;
  GstMemory *memory;
  GstMapInfo map;
  float *data;

  if (!tensors)
    return FALSE;
  first = pare_tensor_ref (tensors->pdata[0]);
  change = tensor_change (self, &first->shape);
  if (!(channels = new_tensor_channels (self, first->type, &change, error)))
    return FALSE;
  if (first->type == PARE_FLOAT16)
    {
      pare_tensor_unref (first);
      first = pare_tensor_cast (tensors->pdata[0], PARE_FLOAT32);
    }
  spec = (PareSpec){ PARE_FLOAT32, change.shape };
  data = tensorizer_append (out, &spec, self->specs == NULL, &memory, &map);
  pare_layout_normalize (&change, first->type, pare_tensor_data (first), data, channels);
  gst_memory_unmap (memory, &map);
  append_labels (out, in, tensors);
  return TRUE;
}

const TensorizerMedia tensorizer_tensors = { "other/tensors", tensors_negotiate, new_static_channels, tensors_convert };
