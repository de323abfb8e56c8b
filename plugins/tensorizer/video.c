/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Video: each component is a channel, wherever the format puts it; alpha is left out. */
#include "gst/tensorcaps.h"
#include "gsttensorizer.h"

static guint
video_channels (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_IS_GRAY (info) ? 1 : 3;
}

static PareSpec
video_spec (GstTensorizer *self)
{
  gint64 width = GST_VIDEO_INFO_WIDTH (&self->video), height = GST_VIDEO_INFO_HEIGHT (&self->video);
  gint64 channels = video_channels (&self->video);

  if (self->layout == PARE_LAYOUT_NCHW)
    return (PareSpec){ PARE_FLOAT32, { 4, { 1, channels, height, width } } };
  return (PareSpec){ PARE_FLOAT32, { 4, { 1, height, width, channels } } };
}

static PareChannel *
new_video_channels (GstTensorizer *self, GError **error)
{
  guint depth = GST_VIDEO_INFO_COMP_DEPTH (&self->video, 0);

  return tensorizer_new_channels (self, video_channels (&self->video), 1.0 / ((1u << depth) - 1), error);
}

static gboolean
video_negotiate (GstTensorizer *self, const GstCaps *caps, GstCaps **out, GError **error)
{
  PareSpec spec;

  if (!gst_video_info_from_caps (&self->video, caps))
    {
      g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT, "The video caps are malformed.");
      return FALSE;
    }
  spec = video_spec (self);
  *out = gst_pare_tensor_caps_new (1, &spec);
  return TRUE;
}

static gboolean
video_convert (GstTensorizer *self, GstBuffer *in, GstBuffer *out, GError **error)
{
  g_autofree PareChannel *channels = new_video_channels (self, error);
  guint n = video_channels (&self->video);
  PareSpec spec = video_spec (self);
  gsize width = GST_VIDEO_INFO_WIDTH (&self->video), height = GST_VIDEO_INFO_HEIGHT (&self->video);
  gsize bytes = GST_VIDEO_INFO_COMP_DEPTH (&self->video, 0) / 8;
  GstVideoFrame frame;
  GstMemory *memory;
  GstMapInfo map;
  float *data;

  if (!channels)
    return FALSE;
  if (!gst_video_frame_map (&frame, &self->video, in, GST_MAP_READ))
    {
      g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT, "A video buffer is smaller than its caps say.");
      return FALSE;
    }
  data = tensorizer_append (out, &spec, FALSE, &memory, &map);
  for (guint c = 0; c < n; c++)
    {
      guint component = self->order == TENSORIZER_BGR ? n - 1 - c : c;
      ParePlane from = { GST_VIDEO_FRAME_COMP_DATA (&frame, component), GST_VIDEO_FRAME_COMP_STRIDE (&frame, component),
                         GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, component) / bytes };
      ParePlane to = { data + c * width * height, width * sizeof (float), 1 };
      if (self->layout == PARE_LAYOUT_NHWC)
        to = (ParePlane){ data + c, n * width * sizeof (float), n };
      pare_normalize_plane (bytes == 1 ? PARE_UINT8 : PARE_UINT16, &from, &to, height, width, &channels[c]);
    }
  gst_memory_unmap (memory, &map);
  gst_video_frame_unmap (&frame);
  return TRUE;
}

const TensorizerMedia tensorizer_video = { "video/x-raw", video_negotiate, new_video_channels, video_convert };
