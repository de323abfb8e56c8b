/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphequalizer: the same function with numbers that lose less when they are rounded. */
#include "equalize/equalize.h"
#include "gst/gstpare.h"

G_DECLARE_FINAL_TYPE (GstGraphEqualizer, gst_graph_equalizer, GST, GRAPH_EQUALIZER, GstPareStage)

struct _GstGraphEqualizer
{
  GstPareStage parent_instance;
  PareEqualizeSettings settings;
  char *algorithm, *clip, *layers, *skip_layers;
};

G_DEFINE_TYPE (GstGraphEqualizer, gst_graph_equalizer, GST_TYPE_PARE_STAGE)

#define FIELD(field) G_STRUCT_OFFSET (GstGraphEqualizer, field)

static const GstPareProperty properties[] = {
  { "algorithm", "Methods in the order to apply them, with commas: see pare list", G_TYPE_STRING, FIELD (algorithm),
    .text = "cross-layer" },
  { "clip", "What becomes of a Clip between channels to rescale: per-channel, relu or keep", G_TYPE_STRING,
    FIELD (clip), .text = "per-channel" },
  { "bits", "Bits of weights in the quantizer to come", G_TYPE_UINT, FIELD (settings.bits), .initial = 8, .minimum = 2,
    .maximum = 16 },
  { "activation-bits", "Bits of activations in the quantizer to come", G_TYPE_UINT, FIELD (settings.activation_bits),
    .initial = 8, .minimum = 2, .maximum = 16 },
  { "per-channel", "Weights will have one scale per output channel", G_TYPE_BOOLEAN, FIELD (settings.per_channel),
    .initial = TRUE },
  { "strength", "How much of the ranges of activations goes into weights (balance); 0 searches for each layer",
    G_TYPE_DOUBLE, FIELD (settings.strength), .maximum = 1 },
  { "layers", "Settings of single layers: fc:strength=0.6;conv1:enable=false", G_TYPE_STRING, FIELD (layers) },
  { "skip-layers", "Names of layers to leave alone, with commas", G_TYPE_STRING, FIELD (skip_layers) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphEqualizer *self = GST_GRAPH_EQUALIZER (stage);
  PareEqualizeSettings settings = self->settings;
  g_auto (GStrv) skip_layers = gst_pare_split_names (self->skip_layers);
  g_autoptr (GHashTable) layers = pare_equalize_layers_parse (self->layers, error);

  if (!layers)
    return FALSE;
  settings.algorithm = self->algorithm;
  settings.clip = self->clip;
  settings.memory_limit = gst_pare_stage_get_memory_limit (stage);
  settings.layers = layers;
  settings.skip_layers = (const char *const *)skip_layers;
  return pare_graph_equalize (graph, gst_pare_stage_get_samples (stage), &settings, gst_pare_stage_report, stage,
                              error);
}

static void
gst_graph_equalizer_init (GstGraphEqualizer *self)
{
}

static void
gst_graph_equalizer_class_init (GstGraphEqualizerClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->needs_float32 = TRUE;
  stage_class->finish = finish;
  gst_pare_stage_class_keep_samples (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph equalizer", "Filter/Graph",
                                         "Rescales channels so that rounding loses less, and the function stays",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphequalizer, "Equalizes ranges of channels", gst_graph_equalizer_get_type ())
