/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphtuner: quantizes as much of a network as a target of accuracy allows, or as well as a budget allows. */
#include "gst/gstpare.h"
#include "gst/quantizing.h"
#include "tune/tune.h"

G_DECLARE_FINAL_TYPE (GstGraphTuner, gst_graph_tuner, GST, GRAPH_TUNER, GstPareStage)

struct _GstGraphTuner
{
  GstPareStage parent_instance;
  PareTuneSettings settings;
  GstPareQuantizing quantizing;
  char *metric, *sensitivity, *ladder, *candidates, *rounding, *configuration;
  double drop, evaluations;
  guint n_layers, raised;
};

G_DEFINE_TYPE (GstGraphTuner, gst_graph_tuner, GST_TYPE_PARE_STAGE)

static GType
gst_graph_tuner_budget_get_type (void)
{
  static const GEnumValue budgets[] = {
    { PARE_TUNE_BUDGET_NONE, "None: meet target-drop", "none" },
    { PARE_TUNE_BUDGET_SIZE, "Bytes of weights", "size" },
    { PARE_TUNE_BUDGET_BITOPS, "Multiply-accumulates times bits of weights times bits of activations", "bitops" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstGraphTunerBudget", budgets));
  return type;
}

#define FIELD(field) G_STRUCT_OFFSET (GstGraphTuner, field)

static const GstPareProperty properties[] = {
  { "target-drop", "The most that the metric may get worse, in percent; points for top1 and agreement", G_TYPE_DOUBLE,
    FIELD (settings.target_drop), .initial = 0.1, .minimum = -100, .maximum = 1e6 },
  { "metric",
    "top1, agreement, loss, kl, sqnr or cosine; unset: top1 with labels, else agreement, or sqnr without classes",
    G_TYPE_STRING, FIELD (metric) },
  { "sensitivity", "What layers are ranked by: a metric, with that layer alone quantized", G_TYPE_STRING,
    FIELD (sensitivity), .text = "sqnr" },
  { "sensitivity-samples", "How many of the samples that takes", G_TYPE_UINT, FIELD (settings.sensitivity_samples),
    .initial = 256, .minimum = 1, .maximum = G_MAXINT },
  { "ladder", "What a layer falls back to, step by step: bits of weights, 16 for bits of activations, or float",
    G_TYPE_STRING, FIELD (ladder), .text = "8,float" },
  { "limit", "Of the budget: up to 1 a share of what float32 takes, above that bytes or bit operations of a sample",
    G_TYPE_DOUBLE, FIELD (settings.limit), .initial = 0.15, .maximum = G_MAXDOUBLE },
  { "candidates", "Bits of weights to share out within the budget", G_TYPE_STRING, FIELD (candidates),
    .text = "8,6,4" },
  { "rounding", "What rounds weights of fewer than 8 bits: see pare list; none: to the nearest", G_TYPE_STRING,
    FIELD (rounding), .text = "none" },
  { "rounding-samples", "How many of the first samples that learns from; networks are evaluated on the others",
    G_TYPE_UINT, FIELD (settings.rounding_samples), .initial = 512, .minimum = 1, .maximum = G_MAXINT },
  { "max-evaluations", "Stop the search after running networks this often on all samples; 0: no bound", G_TYPE_DOUBLE,
    FIELD (settings.max_evaluations), .maximum = 1e9 },
  { "allow-miss", "A target that cannot be met is no error: the best there is goes on", G_TYPE_BOOLEAN,
    FIELD (settings.allow_miss) },
  { "configuration", "File to write the bits of each layer into, as graphquantizer reads it: layers=@FILE",
    G_TYPE_STRING, FIELD (configuration) },
  { "drop", "Of the result: how much worse the metric is than the float network's, in percent", G_TYPE_DOUBLE,
    FIELD (drop), .minimum = -G_MAXDOUBLE, .maximum = G_MAXDOUBLE, .read_only = TRUE },
  { "evaluations", "How often networks ran on all samples, single ones counted as shares", G_TYPE_DOUBLE,
    FIELD (evaluations), .maximum = G_MAXDOUBLE, .read_only = TRUE },
  { "tuned", "Layers that could be tuned", G_TYPE_UINT, FIELD (n_layers), .maximum = G_MAXUINT, .read_only = TRUE },
  { "raised", "How many of them did not keep what they began with", G_TYPE_UINT, FIELD (raised), .maximum = G_MAXUINT,
    .read_only = TRUE },
};

static void
report_result (GstGraphTuner *self, const PareTuneResult *result)
{
  GstStructure *structure;

  self->drop = result->drop;
  self->evaluations = result->evaluations;
  self->n_layers = result->layers;
  self->raised = result->raised;
  structure = gst_structure_new ("tuning", "drop", G_TYPE_DOUBLE, result->drop, "met", G_TYPE_BOOLEAN, result->met,
                                 "evaluations", G_TYPE_DOUBLE, result->evaluations, "layers", G_TYPE_UINT,
                                 result->layers, "raised", G_TYPE_UINT, result->raised, NULL);
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), structure));
  if (!result->met && !self->settings.budget)
    GST_ELEMENT_WARNING (
        self, LIBRARY, SETTINGS,
        ("The network loses %.4g%%, more than the target of %.4g%%.", result->drop, self->settings.target_drop),
        (NULL));
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphTuner *self = GST_GRAPH_TUNER (stage);
  g_auto (GstPareQuantization) quantization = { 0 };
  PareTuneSettings settings = self->settings;
  PareTuneResult result;

  if (!gst_pare_quantizing_read (&self->quantizing, &quantization, error))
    return FALSE;
  settings.quantize = quantization.settings;
  settings.metric = self->metric;
  settings.sensitivity = self->sensitivity;
  settings.ladder = self->ladder;
  settings.candidates = self->candidates;
  settings.rounding = self->rounding;
  settings.configuration = self->configuration;
  settings.memory_limit = gst_pare_stage_get_memory_limit (stage);
  if (!pare_graph_tune (graph, gst_pare_stage_get_samples (stage), &settings, gst_pare_stage_report, stage, &result,
                        error))
    return FALSE;
  report_result (self, &result);
  return TRUE;
}

static void
gst_graph_tuner_init (GstGraphTuner *self)
{
}

static void
gst_graph_tuner_class_init (GstGraphTunerClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);
  GstPareProperty budget = { "budget", "Share bits out within it, instead of meeting target-drop",
                             gst_graph_tuner_budget_get_type (), FIELD (settings.budget) };

  stage_class->needs_samples = TRUE;
  stage_class->needs_float32 = TRUE;
  stage_class->finish = finish;
  gst_pare_stage_class_keep_labelled_samples (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), &budget, 1);
  gst_pare_class_install_quantizing (G_OBJECT_CLASS (klass), FIELD (quantizing));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph tuner", "Filter/Graph",
                                         "Quantizes as much of a network as a target of accuracy allows",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphtuner, "Tunes quantization", gst_graph_tuner_get_type ())
