/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphrounder: decides which way each weight of a quantized network is rounded, and corrects the biases. */
#include "gst/gstpare.h"
#include "rounding/rounding.h"

G_DECLARE_FINAL_TYPE (GstGraphRounder, gst_graph_rounder, GST, GRAPH_ROUNDER, GstPareStage)

struct _GstGraphRounder
{
  GstPareStage parent_instance;
  char *algorithm, *skip_layers, *layers;
  PareRoundingSettings settings;
};

G_DEFINE_TYPE (GstGraphRounder, gst_graph_rounder, GST_TYPE_PARE_STAGE)

static GType
gst_graph_rounder_bias_correction_get_type (void)
{
  static const GEnumValue corrections[] = {
    { PARE_BIAS_CORRECTION_AUTO, "Empirical with samples, else none", "auto" },
    { PARE_BIAS_CORRECTION_NONE, "Biases stay", "none" },
    { PARE_BIAS_CORRECTION_ANALYTIC, "For what the layer's own weights lost, with the mean input", "analytic" },
    { PARE_BIAS_CORRECTION_EMPIRICAL, "For what the layer's output lost over the samples", "empirical" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstGraphRounderBiasCorrection", corrections));
  return type;
}

#define FIELD(field) G_STRUCT_OFFSET (GstGraphRounder, field)

static const GstPareProperty properties[] = {
  { "algorithm", "What rounds the weights: see pare list; auto: gptq with samples below 8 bits, else nearest",
    G_TYPE_STRING, FIELD (algorithm), .text = PARE_ROUNDING_AUTO },
  { "levels", "algorithm=kmeans: different integers in a layer", G_TYPE_UINT, FIELD (settings.levels), .initial = 16,
    .minimum = 2, .maximum = 256 },
  { "iterations", "Steps of algorithms that learn, for each layer or block; 0: their own default", G_TYPE_UINT,
    FIELD (settings.iterations), .maximum = G_MAXINT },
  { "learning-rate", "Of algorithms that learn; 0: their own default", G_TYPE_DOUBLE, FIELD (settings.learning_rate),
    .maximum = 1e6 },
  { "drop", "algorithm=block: part of the activations that are not quantized while it learns, at random", G_TYPE_DOUBLE,
    FIELD (settings.drop), .maximum = 0.99 },
  { "seed", "Of the order of the samples", G_TYPE_UINT64, FIELD (settings.seed), .maximum = G_MAXINT64 },
  { "rows", "Positions to look at in each sample at most; 0: all", G_TYPE_UINT, FIELD (settings.rows),
    .maximum = G_MAXINT },
  { "skip-layers", "Names of layers to round to nearest, with commas", G_TYPE_STRING, FIELD (skip_layers) },
  { "layers", "Settings of single layers: conv1:algorithm=nearest;fc:enable=false", G_TYPE_STRING, FIELD (layers) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphRounder *self = GST_GRAPH_ROUNDER (stage);
  g_auto (GStrv) skip_layers = gst_pare_split_names (self->skip_layers);

  self->settings.algorithm = self->algorithm ? self->algorithm : "";
  self->settings.skip_layers = (const char *const *)skip_layers;
  self->settings.layers = self->layers;
  self->settings.memory_limit = gst_pare_stage_get_memory_limit (stage);
  return pare_graph_round (graph, gst_pare_stage_get_teacher (stage), gst_pare_stage_get_samples (stage),
                           &self->settings, gst_pare_stage_report, stage, error);
}

static void
gst_graph_rounder_init (GstGraphRounder *self)
{
}

static void
gst_graph_rounder_class_init (GstGraphRounderClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);
  GstPareProperty correction = { "bias-correction", "What biases make up for when the weights are rounded",
                                 gst_graph_rounder_bias_correction_get_type (), FIELD (settings.bias_correction),
                                 .initial = PARE_BIAS_CORRECTION_AUTO };

  stage_class->needs_float32 = TRUE;
  stage_class->finish = finish;
  gst_pare_stage_class_keep_samples (stage_class);
  gst_pare_stage_class_add_teacher_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), &correction, 1);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph rounder", "Filter/Graph",
                                         "Decides which way each weight of a quantized network is rounded",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphrounder, "Rounds weights", gst_graph_rounder_get_type ())
