/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The source pads of tensorstore as objects. */
#include "storepad.h"

G_DEFINE_FINAL_TYPE (GstTensorStorePad, gst_tensor_store_pad, GST_TYPE_PAD)

enum
{
  PASSES = 1,
  SHUFFLE,
  SEED,
  SAMPLES,
  PART,
};

#define GST_TYPE_TENSOR_STORE_PART (gst_tensor_store_part_get_type ())

static GType
gst_tensor_store_part_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue parts[] = {
    { TENSOR_STORE_ALL, "All samples", "all" },
    { TENSOR_STORE_TRAIN, "All but the validation samples", "train" },
    { TENSOR_STORE_VALIDATION, "The store's validation-split of the samples", "validation" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstTensorStorePart", parts));
  return type;
}

static void
gst_tensor_store_pad_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TensorStoreWish *wish = &GST_TENSOR_STORE_PAD (object)->wish;

  GST_OBJECT_LOCK (object);
  switch (id)
    {
    case PASSES:
      wish->passes = g_value_get_uint (value);
      break;
    case SHUFFLE:
      wish->shuffle = g_value_get_boolean (value);
      break;
    case SEED:
      wish->seed = g_value_get_uint64 (value);
      break;
    case SAMPLES:
      wish->samples = g_value_get_uint64 (value);
      break;
    case PART:
      wish->part = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (object);
}

static void
gst_tensor_store_pad_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TensorStoreWish wish = gst_tensor_store_pad_get_wish (GST_TENSOR_STORE_PAD (object));

  switch (id)
    {
    case PASSES:
      g_value_set_uint (value, wish.passes);
      break;
    case SHUFFLE:
      g_value_set_boolean (value, wish.shuffle);
      break;
    case SEED:
      g_value_set_uint64 (value, wish.seed);
      break;
    case SAMPLES:
      g_value_set_uint64 (value, wish.samples);
      break;
    case PART:
      g_value_set_enum (value, wish.part);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
gst_tensor_store_pad_finalize (GObject *object)
{
  GstTensorStorePad *pad = GST_TENSOR_STORE_PAD (object);

  tensor_store_order_clear (&pad->order);
  gst_clear_caps (&pad->caps);
  G_OBJECT_CLASS (gst_tensor_store_pad_parent_class)->finalize (object);
}

static void
gst_tensor_store_pad_init (GstTensorStorePad *pad)
{
  pad->flushing = TRUE;
}

static void
gst_tensor_store_pad_class_init (GstTensorStorePadClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_tensor_store_pad_set_property;
  object_class->get_property = gst_tensor_store_pad_get_property;
  object_class->finalize = gst_tensor_store_pad_finalize;
  g_object_class_install_property (
      object_class, PASSES,
      g_param_spec_uint ("passes", "passes", "Times that the samples are pushed; 0 is until downstream has enough", 0,
                         G_MAXUINT, 0, flags));
  g_object_class_install_property (
      object_class, SHUFFLE,
      g_param_spec_boolean ("shuffle", "shuffle", "Push the samples in another order in every pass", FALSE, flags));
  g_object_class_install_property (
      object_class, SEED,
      g_param_spec_uint64 ("seed", "seed", "What the orders are drawn from", 0, G_MAXUINT64, 0, flags));
  g_object_class_install_property (object_class, SAMPLES,
                                   g_param_spec_uint64 ("samples", "samples",
                                                        "Take only the first so many samples of the part; 0 is all", 0,
                                                        G_MAXUINT64, 0, flags));
  g_object_class_install_property (object_class, PART,
                                   g_param_spec_enum ("part", "part", "Which of the samples to push",
                                                      GST_TYPE_TENSOR_STORE_PART, TENSOR_STORE_ALL, flags));
}

GstTensorStorePad *
gst_tensor_store_pad_new (GstPadTemplate *template, const char *name)
{
  return g_object_new (GST_TYPE_TENSOR_STORE_PAD, "name", name, "template", template, "direction", GST_PAD_SRC, NULL);
}

TensorStoreWish
gst_tensor_store_pad_get_wish (GstTensorStorePad *pad)
{
  TensorStoreWish wish;

  GST_OBJECT_LOCK (pad);
  wish = pad->wish;
  GST_OBJECT_UNLOCK (pad);
  return wish;
}

void
gst_tensor_store_pad_reset (GstTensorStorePad *pad)
{
  pad->done = pad->had_enough = FALSE;
  pad->pushed = 0;
  pad->greeted = FALSE;
  tensor_store_order_clear (&pad->order);
  gst_clear_caps (&pad->caps);
}
