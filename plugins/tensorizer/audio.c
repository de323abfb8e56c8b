/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Audio: a buffer becomes [1, channels, samples]. Buffers have any length, so the tensors are flexible. */
#include "gsttensorizer.h"
#include <math.h>

static PareChannel *
new_audio_channels (GstTensorizer *self, GError **error)
{
  double automatic = GST_AUDIO_INFO_IS_FLOAT (&self->audio) ? 1 : ldexp (1, 1 - GST_AUDIO_INFO_WIDTH (&self->audio));

  return tensorizer_new_channels (self, GST_AUDIO_INFO_CHANNELS (&self->audio), automatic, error);
}

static gboolean
audio_negotiate (GstTensorizer *self, const GstCaps *caps, GstCaps **out, GError **error)
{
  if (!gst_audio_info_from_caps (&self->audio, caps))
    {
      g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT, "The audio caps are malformed.");
      return FALSE;
    }
  *out = gst_caps_new_simple ("other/tensors", "format", G_TYPE_STRING, "flexible", NULL);
  return TRUE;
}

static PareDataType
audio_type (const GstAudioInfo *info)
{
  gboolean wide = GST_AUDIO_INFO_WIDTH (info) > (GST_AUDIO_INFO_IS_FLOAT (info) ? 32 : 16);

  if (GST_AUDIO_INFO_IS_FLOAT (info))
    return wide ? PARE_FLOAT64 : PARE_FLOAT32;
  return wide ? PARE_INT32 : PARE_INT16;
}

static gboolean
audio_convert (GstTensorizer *self, GstBuffer *in, GstBuffer *out, GError **error)
{
  g_autofree PareChannel *channels = new_audio_channels (self, error);
  gint64 n = GST_AUDIO_INFO_CHANNELS (&self->audio), samples;
  PareSpec spec = { PARE_FLOAT32 };
  PareLayoutChange change;
  GstMemory *memory;
  GstMapInfo map, from;
  float *data;

  if (!channels)
    return FALSE;
  samples = gst_buffer_get_size (in) / GST_AUDIO_INFO_BPF (&self->audio);
  if (samples == 0 || !gst_buffer_map (in, &from, GST_MAP_READ))
    {
      g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT, "An audio buffer has no samples.");
      return FALSE;
    }
  change = pare_layout_change (&(PareShape){ 3, { samples, 1, n } }, PARE_LAYOUT_NHWC, self->layout);
  spec.shape
      = self->layout == PARE_LAYOUT_NCHW ? (PareShape){ 3, { 1, n, samples } } : (PareShape){ 3, { 1, samples, n } };
  data = tensorizer_append (out, &spec, TRUE, &memory, &map);
  pare_layout_normalize (&change, audio_type (&self->audio), from.data, data, channels);
  gst_memory_unmap (memory, &map);
  gst_buffer_unmap (in, &from);
  return TRUE;
}

const TensorizerMedia tensorizer_audio = { "audio/x-raw", audio_negotiate, new_audio_channels, audio_convert };
