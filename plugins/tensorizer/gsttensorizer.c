/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorizer: video, audio or tensors in, normalized float tensors out. Here: the element and its negotiation. */
#include "gsttensorizer.h"
#include "gst/errors.h"
#include "gst/plugin.h"
#include "gst/properties.h"
#include "gst/tensorcaps.h"

G_DEFINE_FINAL_TYPE (GstTensorizer, gst_tensorizer, GST_TYPE_BASE_TRANSFORM)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (
        "{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, GBR, "
        "GRAY8, " GST_VIDEO_NE (
            GRAY16) " }") "; " GST_AUDIO_CAPS_MAKE ("{ " GST_AUDIO_NE (S16) ", " GST_AUDIO_NE (S32) ", " GST_AUDIO_NE (F32) ", " GST_AUDIO_NE (F64) " }") ", layout=(string)interleaved; " GST_PARE_TENSORS_CAPS));

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

static const TensorizerMedia *const media[] = { &tensorizer_video, &tensorizer_audio, &tensorizer_tensors };

static const TensorizerMedia *
find_media (const GstCaps *caps)
{
  for (guint i = 0; i < G_N_ELEMENTS (media); i++)
    if (gst_structure_has_name (gst_caps_get_structure (caps, 0), media[i]->caps_name))
      return media[i];
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
  static const GEnumValue inputs[] = { { TENSORIZER_INPUT_SAME, "That of the output", "same" },
                                       { TENSORIZER_INPUT_NCHW, "Channels before rows and columns", "nchw" },
                                       { TENSORIZER_INPUT_NHWC, "Channels last", "nhwc" },
                                       { 0 } };
  static const GEnumValue orders[]
      = { { TENSORIZER_RGB, "Red, green, blue", "rgb" }, { TENSORIZER_BGR, "Blue, green, red", "bgr" }, { 0 } };
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
      TENSORIZER_INPUT_SAME },
    { "channel-order", "Order of the colours of video in the result, whatever their order in the format",
      g_enum_register_static ("GstTensorizerChannelOrder", orders), G_STRUCT_OFFSET (GstTensorizer, order),
      TENSORIZER_RGB },
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
