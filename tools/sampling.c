/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Samples for commands: their parameters are properties of tensorsrc, tensorizer and the stage that looks at them, so
 * that a command and a pipeline mean the same by the same words. */
#include "sampling.h"
#include "graph/error.h"

typedef enum
{
  SOURCE,
  TENSORIZER,
  STAGE,
  ELEMENTS,
} Element;

static const PareAssignment parameters[] = {
  { "data", "file of samples: .npy, .npz, IDX, .pb or an NNStreamer repository", TRUE },
  { "labels", "file with one label per sample", TRUE },
  { "samples", "how many to take [all]" },
  { "mean", "mean per channel, comma-separated [0]" },
  { "std", "standard deviation per channel, comma-separated [1]" },
  { "scale", "factor before the mean is taken off [1/255 for integers, else 1]" },
  { "layout", "layout that the model takes: nchw or nhwc [nchw]" },
  { "batch-size", "samples at once, where the model leaves it open" },
};

/* Where each of them goes, in the same order. */
static const struct
{
  Element element;
  const char *property;
} targets[] = {
  { SOURCE, "location" }, { SOURCE, "labels" },    { SOURCE, "samples" },    { TENSORIZER, "mean" },
  { TENSORIZER, "std" },  { TENSORIZER, "scale" }, { TENSORIZER, "layout" }, { STAGE, "batch-size" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (parameters) == G_N_ELEMENTS (targets));

/* The table without labels, for who does not want them. */
static guint
choose (gboolean labels, PareAssignment known[G_N_ELEMENTS (parameters)])
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    if (labels || !g_str_equal (parameters[i].name, "labels"))
      known[n++] = parameters[i];
  return n;
}

GHashTable *
pare_sampling_parse (char *const *words, gboolean labels, GError **error)
{
  PareAssignment known[G_N_ELEMENTS (parameters)];
  guint n = choose (labels, known);

  return pare_assignments_parse (words, known, n, error);
}

char *
pare_sampling_help (gboolean labels)
{
  PareAssignment known[G_N_ELEMENTS (parameters)];
  guint n = choose (labels, known);

  return pare_assignments_help (known, n);
}

/* Sets @property from text, strictly: gst_util_set_object_arg() would ignore what it cannot read. */
static gboolean
set_property (GstElement *element, const char *property, const char *name, const char *text, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), property);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert (pspec);
  g_value_init (&value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  if (G_VALUE_HOLDS_STRING (&value))
    g_value_set_string (&value, text);
  else if ((G_VALUE_HOLDS_UINT (&value) && *text == '-') || !gst_value_deserialize_with_pspec (&value, text, pspec)
           || g_param_value_validate (pspec, &value))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Parameter '%s' cannot be '%s': %s.", name, text,
                   g_param_spec_get_blurb (pspec));
      return FALSE;
    }
  g_object_set_property (G_OBJECT (element), property, &value);
  return TRUE;
}

static gboolean
set_properties (GstElement *const *elements, GHashTable *values, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    {
      const char *text = g_hash_table_lookup (values, parameters[i].name);
      if (text && !set_property (elements[targets[i].element], targets[i].property, parameters[i].name, text, error))
        return FALSE;
    }
  return TRUE;
}

GstElement *
pare_sampling_add (GstElement *pipeline, const char *factory, const char *location, GError **error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (!element)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND,
                   "The element '%s' is not installed: 'pare list' shows those that are.", factory);
      return NULL;
    }
  if (location)
    g_object_set (element, "location", location, NULL);
  gst_bin_add (GST_BIN (pipeline), element);
  return element;
}

GstElement *
pare_sampling_pipeline (const char *model, GstElement *stage, GHashTable *values, GError **error)
{
  g_autoptr (GstElement) pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  GstElement *elements[ELEMENTS] = { [STAGE] = stage };
  GstElement *loader, *sink;

  gst_bin_add (GST_BIN (pipeline), stage);
  loader = pare_sampling_add (pipeline, "onnxloader", model, error);
  sink = loader ? pare_sampling_add (pipeline, "fakesink", NULL, error) : NULL;
  elements[SOURCE] = sink ? pare_sampling_add (pipeline, "tensorsrc", NULL, error) : NULL;
  elements[TENSORIZER] = elements[SOURCE] ? pare_sampling_add (pipeline, "tensorizer", NULL, error) : NULL;
  if (!elements[TENSORIZER] || !set_properties (elements, values, error))
    return NULL;
  /* The graph arrives after the samples have been read: a sink that waits in preroll would never see it play. */
  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  if (!gst_element_link_many (loader, stage, sink, NULL) || !gst_element_link (elements[SOURCE], elements[TENSORIZER])
      || !gst_element_link_pads (elements[TENSORIZER], "src", stage, "tensors"))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The elements for '%s' do not fit: install one version of all.", model);
      return NULL;
    }
  return g_steal_pointer (&pipeline);
}
