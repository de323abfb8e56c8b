/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorizer: video, audio or tensors in, normalized float tensors out. */
#include "data/layout.h"
#include "data/wire.h"
#include "gst/errors.h"
#include "gst/plugin.h"
#include "gst/properties.h"
#include "gst/tensorcaps.h"
#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>
#include <math.h>

#define GST_TYPE_TENSORIZER (gst_tensorizer_get_type ())
G_DECLARE_FINAL_TYPE (GstTensorizer, gst_tensorizer, GST, TENSORIZER, GstBaseTransform)

typedef enum
{
  INPUT_SAME,
  INPUT_NCHW,
  INPUT_NHWC,
} InputLayout;

typedef enum
{
  ORDER_RGB,
  ORDER_BGR,
} ChannelOrder;

typedef struct _Media Media;

struct _GstTensorizer
{
  GstBaseTransform parent_instance;
  char *mean_text, *std_text;
  double scale;
  int layout, input_layout, order;

  GArray *mean, *std; /* of float */
  const Media *media; /* what comes in, once the caps are known */
  GstVideoInfo video;
  GstAudioInfo audio;
  GArray *specs; /* of tensors in; NULL for flexible ones */
};

G_DEFINE_FINAL_TYPE (GstTensorizer, gst_tensorizer, GST_TYPE_BASE_TRANSFORM)

/* A kind of input. */
struct _Media
{
  const char *caps_name;
  /* Understands fixed caps. *@out receives the caps of the result, without their frame rate. */
  gboolean (*negotiate) (GstTensorizer *self, const GstCaps *caps, GstCaps **out, GError **error);
  /* What each channel of such data is normalized with; NULL when the settings do not fit. */
  PareChannel *(*new_channels) (GstTensorizer *self, GError **error);
  /* Appends the result's tensors to @out. */
  gboolean (*convert) (GstTensorizer *self, GstBuffer *in, GstBuffer *out, GError **error);
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (
        "{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, GBR, "
        "GRAY8, " GST_VIDEO_NE (
            GRAY16) " }") "; " GST_AUDIO_CAPS_MAKE ("{ " GST_AUDIO_NE (S16) ", " GST_AUDIO_NE (S32) ", " GST_AUDIO_NE (F32) ", " GST_AUDIO_NE (F64) " }") ", layout=(string)interleaved; " GST_PARE_TENSORS_CAPS));

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

static float
value_of (const GArray *values, guint channel)
{
  return g_array_index (values, float, values->len == 1 ? 0 : channel);
}

/* What to normalize each of @n channels with; @automatic is the scale unless the user gave one. */
static PareChannel *
new_channels (GstTensorizer *self, guint n, double automatic, GError **error)
{
  const struct
  {
    const char *name;
    const GArray *values;
  } lists[] = { { "mean", self->mean }, { "std", self->std } };
  PareChannel *channels;

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    if (lists[i].values->len != 1 && lists[i].values->len != n)
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                     "The %s has %u values and the data has %u channel%s; give one value, or one for each channel.",
                     lists[i].name, lists[i].values->len, n, n == 1 ? "" : "s");
        return NULL;
      }
  channels = g_new (PareChannel, MAX (n, 1));
  for (guint c = 0; c < n; c++)
    channels[c]
        = (PareChannel){ self->scale < 0 ? automatic : self->scale, value_of (self->mean, c), value_of (self->std, c) };
  return channels;
}

/* Memory for a tensor of @spec, behind a header when @flexible, appended to @buffer and mapped; the data begins at
 * the returned address. */
static float *
append_tensor (GstBuffer *buffer, const PareSpec *spec, gboolean flexible, GstMemory **memory, GstMapInfo *map)
{
  gsize header = flexible ? PARE_WIRE_HEADER : 0;

  *memory = gst_allocator_alloc (NULL, header + sizeof (float) * pare_shape_elements (&spec->shape), NULL);
  gst_memory_map (*memory, map, GST_MAP_WRITE);
  if (flexible)
    pare_wire_write_header (spec, map->data);
  gst_buffer_append_memory (buffer, *memory);
  return (float *)(map->data + header);
}

/* Video: each component is a channel, wherever the format puts it; alpha is left out. */

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

  return new_channels (self, video_channels (&self->video), 1.0 / ((1u << depth) - 1), error);
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
  data = append_tensor (out, &spec, FALSE, &memory, &map);
  for (guint c = 0; c < n; c++)
    {
      guint component = self->order == ORDER_BGR ? n - 1 - c : c;
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

/* Audio: a buffer becomes [1, channels, samples]. Buffers have any length, so the tensors are flexible. */

static PareChannel *
new_audio_channels (GstTensorizer *self, GError **error)
{
  double automatic = GST_AUDIO_INFO_IS_FLOAT (&self->audio) ? 1 : ldexp (1, 1 - GST_AUDIO_INFO_WIDTH (&self->audio));

  return new_channels (self, GST_AUDIO_INFO_CHANNELS (&self->audio), automatic, error);
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
  data = append_tensor (out, &spec, TRUE, &memory, &map);
  pare_layout_normalize (&change, audio_type (&self->audio), from.data, data, channels);
  gst_memory_unmap (memory, &map);
  gst_buffer_unmap (in, &from);
  return TRUE;
}

/* Tensors: the first is normalized, those behind it (labels) stay as they are. */

static PareLayoutChange
tensor_change (GstTensorizer *self, const PareShape *shape)
{
  PareLayout from = self->input_layout == INPUT_SAME ? (PareLayout)self->layout : (PareLayout)(self->input_layout - 1);

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
  return new_channels (self, change->channels, pare_data_type_is_float (type) ? 1 : 1.0 / 255, error);
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
  data = append_tensor (out, &spec, self->specs == NULL, &memory, &map);
  pare_layout_normalize (&change, first->type, pare_tensor_data (first), data, channels);
  gst_memory_unmap (memory, &map);
  append_labels (out, in, tensors);
  return TRUE;
}

static const Media media[] = {
  { "video/x-raw", video_negotiate, new_video_channels, video_convert },
  { "audio/x-raw", audio_negotiate, new_audio_channels, audio_convert },
  { "other/tensors", tensors_negotiate, new_static_channels, tensors_convert },
};

static const Media *
find_media (const GstCaps *caps)
{
  for (guint i = 0; i < G_N_ELEMENTS (media); i++)
    if (gst_structure_has_name (gst_caps_get_structure (caps, 0), media[i].caps_name))
      return &media[i];
  return NULL;
}

/* Negotiation */

/* What comes out for one alternative of what may come in. Dimensions stay open: their spellings do not intersect. */
static GstStructure *
result_structure (const GstStructure *in)
{
  const char *format = gst_structure_get_string (in, "format");
  const GValue *rate = gst_structure_get_value (in, "framerate");
  GstStructure *out = gst_structure_new_empty ("other/tensors");
  gboolean tensors = gst_structure_has_name (in, "other/tensors");

  if (gst_structure_has_name (in, "audio/x-raw") || (tensors && g_strcmp0 (format, "flexible") == 0))
    gst_structure_set (out, "format", G_TYPE_STRING, "flexible", NULL);
  else
    gst_structure_set (out, "format", G_TYPE_STRING, "static", NULL);
  if (tensors && gst_structure_has_field (in, "num_tensors"))
    gst_structure_set_value (out, "num_tensors", gst_structure_get_value (in, "num_tensors"));
  if (gst_structure_has_name (in, "video/x-raw"))
    gst_structure_set (out, "num_tensors", G_TYPE_INT, 1, NULL);
  if (rate)
    gst_structure_set_value (out, "framerate", rate);
  return out;
}

static GstCaps *
gst_tensorizer_transform_caps (GstBaseTransform *base, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  g_autoptr (GstCaps) result = NULL;

  if (direction == GST_PAD_SRC)
    result = gst_pad_get_pad_template_caps (GST_BASE_TRANSFORM_SINK_PAD (base));
  else
    {
      g_autoptr (GstCaps) template = gst_pad_get_pad_template_caps (GST_BASE_TRANSFORM_SRC_PAD (base));
      g_autoptr (GstCaps) wide = gst_caps_new_empty ();
      for (guint i = 0; i < gst_caps_get_size (caps); i++)
        wide = gst_caps_merge_structure (wide, result_structure (gst_caps_get_structure (caps, i)));
      result = gst_caps_intersect_full (wide, template, GST_CAPS_INTERSECT_FIRST);
    }
  return filter ? gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST) : g_steal_pointer (&result);
}

/* Caps of the result for fixed caps in; NULL with an error when those are malformed. */
static GstCaps *
result_caps (GstTensorizer *self, const GstCaps *caps, GError **error)
{
  const GValue *rate = gst_structure_get_value (gst_caps_get_structure (caps, 0), "framerate");
  g_autoptr (GstCaps) out = NULL;

  self->media = find_media (caps);
  if (!self->media || !self->media->negotiate (self, caps, &out, error))
    return NULL;
  if (rate)
    gst_structure_set_value (gst_caps_get_structure (out, 0), "framerate", rate);
  else
    gst_caps_set_simple (out, "framerate", GST_TYPE_FRACTION, 0, 1, NULL);
  return g_steal_pointer (&out);
}

static PareShape
without_leading_ones (const PareShape *shape)
{
  guint skip = 0;

  while (skip < shape->rank && shape->dims[skip] == 1)
    skip++;
  return pare_shape (shape->rank - skip, shape->dims + skip);
}

/* TRUE when @other describes the same tensors in another spelling: 3:224:224 for 3:224:224:1, or "." for ",". */
static gboolean
same_tensors (const GstCaps *caps, const GstCaps *other)
{
  g_autoptr (GArray) a = NULL;
  g_autoptr (GArray) b = NULL;

  if (!gst_pare_tensor_caps_parse (caps, &a, NULL) || !gst_pare_tensor_caps_parse (other, &b, NULL) || !a || !b
      || a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    {
      const PareSpec *x = &g_array_index (a, PareSpec, i), *y = &g_array_index (b, PareSpec, i);
      PareShape left = without_leading_ones (&x->shape), right = without_leading_ones (&y->shape);
      if (x->type != y->type || !pare_shape_equal (&left, &right))
        return FALSE;
    }
  return TRUE;
}

static GstCaps *
gst_tensorizer_fixate_caps (GstBaseTransform *base, GstPadDirection direction, GstCaps *caps, GstCaps *othercaps)
{
  g_autoptr (GstCaps) owned = othercaps;
  g_autoptr (GstCaps) peer = NULL;
  GstCaps *out;

  if (direction == GST_PAD_SRC || !gst_caps_is_fixed (caps))
    return gst_caps_fixate (g_steal_pointer (&owned));
  /* What is wrong is said once, by set_caps. */
  out = result_caps (GST_TENSORIZER (base), caps, NULL);
  if (!out)
    return gst_caps_fixate (g_steal_pointer (&owned));
  /* Without dimensions the caps here are fixed, so the base class has not asked what the peer would spell. */
  peer = gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (base), NULL);
  for (guint i = 0; i < gst_caps_get_size (peer); i++)
    {
      g_autoptr (GstCaps) wanted = gst_caps_copy_nth (peer, i);
      const GstStructure *fields = gst_caps_get_structure (wanted, 0);
      if (same_tensors (out, wanted))
        {
          gst_caps_set_value (out, "dimensions", gst_structure_get_value (fields, "dimensions"));
          gst_caps_set_value (out, "types", gst_structure_get_value (fields, "types"));
        }
    }
  return out;
}

static gboolean
gst_tensorizer_set_caps (GstBaseTransform *base, GstCaps *in, GstCaps *out)
{
  g_autoptr (GError) error = NULL;
  GstTensorizer *self = GST_TENSORIZER (base);
  g_autoptr (GstCaps) caps = result_caps (self, in, &error);
  g_autofree PareChannel *channels = caps ? self->media->new_channels (self, &error) : NULL;

  if (!channels)
    gst_pare_element_error (base, error);
  return channels != NULL;
}

/* Data */

static gboolean
parse_settings (GstTensorizer *self, GError **error)
{
  if (!(self->mean = pare_channel_values_parse (self->mean_text, "mean", error))
      || !(self->std = pare_channel_values_parse (self->std_text, "std", error)))
    return FALSE;
  for (guint i = 0; i < self->std->len; i++)
    if (g_array_index (self->std, float, i) <= 0)
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The std '%s' has a value that is not above 0.",
                     self->std_text);
        return FALSE;
      }
  return TRUE;
}

static gboolean
gst_tensorizer_stop (GstBaseTransform *base)
{
  GstTensorizer *self = GST_TENSORIZER (base);

  g_clear_pointer (&self->mean, g_array_unref);
  g_clear_pointer (&self->std, g_array_unref);
  g_clear_pointer (&self->specs, g_array_unref);
  return TRUE;
}

static gboolean
gst_tensorizer_start (GstBaseTransform *base)
{
  g_autoptr (GError) error = NULL;

  if (parse_settings (GST_TENSORIZER (base), &error))
    return TRUE;
  gst_pare_element_error (base, error);
  gst_tensorizer_stop (base);
  return FALSE;
}

/* An empty buffer: the conversion knows what memories it needs. */
static GstFlowReturn
gst_tensorizer_prepare_output_buffer (GstBaseTransform *base, GstBuffer *in, GstBuffer **out)
{
  *out = gst_buffer_new ();
  gst_buffer_copy_into (*out, in, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_tensorizer_transform (GstBaseTransform *base, GstBuffer *in, GstBuffer *out)
{
  GstTensorizer *self = GST_TENSORIZER (base);
  g_autoptr (GError) error = NULL;

  if (self->media->convert (self, in, out, &error))
    return GST_FLOW_OK;
  gst_pare_element_error (self, error);
  return GST_FLOW_ERROR;
}

static void
gst_tensorizer_init (GstTensorizer *self)
{
}

static void
install_properties (GObjectClass *klass)
{
  static const GEnumValue layouts[] = { { PARE_LAYOUT_NCHW, "Channels before rows and columns", "nchw" },
                                        { PARE_LAYOUT_NHWC, "Channels last", "nhwc" },
                                        { 0 } };
  static const GEnumValue inputs[] = { { INPUT_SAME, "That of the output", "same" },
                                       { INPUT_NCHW, "Channels before rows and columns", "nchw" },
                                       { INPUT_NHWC, "Channels last", "nhwc" },
                                       { 0 } };
  static const GEnumValue orders[]
      = { { ORDER_RGB, "Red, green, blue", "rgb" }, { ORDER_BGR, "Blue, green, red", "bgr" }, { 0 } };
  const GstPareProperty properties[] = {
    { "mean", "Subtracted after scaling: one number, or one for each channel with commas between", G_TYPE_STRING,
      G_STRUCT_OFFSET (GstTensorizer, mean_text), 0, "0" },
    { "std", "Divided by, last: one number, or one for each channel with commas between", G_TYPE_STRING,
      G_STRUCT_OFFSET (GstTensorizer, std_text), 0, "1" },
    { "scale",
      "Multiplied with first; -1 is 1 for floats, 1/255 for 8-bit video and integer tensors, and for wider video and "
      "integer audio what brings full scale to 1",
      G_TYPE_DOUBLE, G_STRUCT_OFFSET (GstTensorizer, scale), -1, NULL, -1, G_MAXFLOAT },
    { "layout", "Where the channels of the result are", g_enum_register_static ("GstTensorizerLayout", layouts),
      G_STRUCT_OFFSET (GstTensorizer, layout), PARE_LAYOUT_NCHW },
    { "input-layout", "Where the channels of tensors that come in are; media have theirs",
      g_enum_register_static ("GstTensorizerInputLayout", inputs), G_STRUCT_OFFSET (GstTensorizer, input_layout),
      INPUT_SAME },
    { "channel-order", "Order of the colours of video in the result, whatever their order in the format",
      g_enum_register_static ("GstTensorizerChannelOrder", orders), G_STRUCT_OFFSET (GstTensorizer, order), ORDER_RGB },
  };

  gst_pare_class_install_properties (klass, properties, G_N_ELEMENTS (properties));
  for (guint i = 3; i < G_N_ELEMENTS (properties); i++)
    gst_type_mark_as_plugin_api (properties[i].type, 0);
}

static void
gst_tensorizer_class_init (GstTensorizerClass *klass)
{
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  base_class->start = gst_tensorizer_start;
  base_class->stop = gst_tensorizer_stop;
  base_class->transform_caps = gst_tensorizer_transform_caps;
  base_class->fixate_caps = gst_tensorizer_fixate_caps;
  base_class->set_caps = gst_tensorizer_set_caps;
  base_class->prepare_output_buffer = gst_tensorizer_prepare_output_buffer;
  base_class->transform = gst_tensorizer_transform;
  install_properties (G_OBJECT_CLASS (klass));
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Tensorizer", "Filter/Converter",
                                         "Turns video, audio and tensors into normalized float tensors",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (tensorizer, "Media into tensors", GST_TYPE_TENSORIZER)
