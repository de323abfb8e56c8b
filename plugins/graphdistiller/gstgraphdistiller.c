/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphdistiller: teaches a compressed network, block by block, to compute what the original computes. */
#include "gst/gstpare.h"
#include "train/distill.h"

G_DECLARE_FINAL_TYPE (GstGraphDistiller, gst_graph_distiller, GST, GRAPH_DISTILLER, GstPareStage)

struct _GstGraphDistiller
{
  GstPareStage parent_instance;
  PareDistillSettings settings;
  char *groups, *loss, *optimizer, *schedule, *quantizers;
  PareDistiller *distiller;
};

G_DEFINE_TYPE (GstGraphDistiller, gst_graph_distiller, GST_TYPE_PARE_STAGE)

static GType
gst_graph_distiller_input_get_type (void)
{
  static const GEnumValue inputs[] = {
    { PARE_DISTILL_STUDENT, "What the student computed so far, with its errors", "student" },
    { PARE_DISTILL_TEACHER, "What the teacher computes", "teacher" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstGraphDistillerInput", inputs));
  return type;
}

#define FIELD(field) G_STRUCT_OFFSET (GstGraphDistiller, field)

static const GstPareProperty properties[] = {
  { "group-size", "Layers with weights that learn together in a block", G_TYPE_UINT, FIELD (settings.blocks.group_size),
    .initial = 1, .minimum = 1, .maximum = 65536 },
  { "groups", "Blocks by their first and last layers instead: start:end,start:end", G_TYPE_STRING, FIELD (groups) },
  { "loss", "Between what a block computes and what the teacher does: mse or l1", G_TYPE_STRING, FIELD (loss),
    .text = "mse" },
  { "optimizer", "sgd, adam or adamw", G_TYPE_STRING, FIELD (optimizer), .text = "adamw" },
  { "schedule", "constant, step, cosine or one-cycle, for each block", G_TYPE_STRING, FIELD (schedule),
    .text = "cosine" },
  { "quantizers", "How quantizers of activations learn: ulq (their range) or lsq (their scale and zero point)",
    G_TYPE_STRING, FIELD (quantizers), .text = "ulq" },
  { "learning-rate", "Of weights and biases", G_TYPE_DOUBLE, FIELD (settings.learning_rate), .initial = 1e-3,
    .maximum = 1e6 },
  { "scale-learning-rate", "Of the scales of quantized weights; 0 is the clip-learning-rate", G_TYPE_DOUBLE,
    FIELD (settings.scale_rate), .initial = 1e-4, .maximum = 1e6 },
  { "clip-learning-rate", "Of the ranges of quantized activations", G_TYPE_DOUBLE, FIELD (settings.clip_rate),
    .initial = 0.1, .maximum = 1e6 },
  { "weight-decay", "Pull of weights towards zero", G_TYPE_DOUBLE, FIELD (settings.weight_decay), .maximum = 1e6 },
  { "keep-zeros", "Weights that are exactly zero stay zero", G_TYPE_BOOLEAN, FIELD (settings.keep_zeros) },
  { "epochs", "Passes over the samples for each block", G_TYPE_UINT, FIELD (settings.epochs), .initial = 1,
    .minimum = 1, .maximum = 100000 },
  { "seed", "Of the order of the samples", G_TYPE_UINT64, FIELD (settings.seed), .maximum = G_MAXINT64 },
};

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphDistiller *self = GST_GRAPH_DISTILLER (stage);
  PareDistillSettings *settings = &self->settings;
  PareGraph *teacher = gst_pare_stage_get_teacher (stage);

  if (!teacher)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                   "%s has no teacher: link the network as it was before compression to its teacher pad.",
                   GST_OBJECT_NAME (stage));
      return FALSE;
    }
  settings->memory_limit = gst_pare_stage_get_memory_limit (stage);
  settings->blocks.groups = self->groups;
  settings->loss = self->loss;
  settings->optimizer = self->optimizer;
  settings->schedule = self->schedule;
  settings->quantizers = self->quantizers;
  self->distiller = pare_distiller_new (graph, teacher, settings, error);
  return self->distiller != NULL;
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  return pare_distiller_run (GST_GRAPH_DISTILLER (stage)->distiller, gst_pare_stage_get_samples (stage), graph,
                             gst_pare_stage_report, stage, error);
}

static void
reset (GstPareStage *stage)
{
  g_clear_pointer (&GST_GRAPH_DISTILLER (stage)->distiller, pare_distiller_free);
}

static void
gst_graph_distiller_init (GstGraphDistiller *self)
{
}

static void
gst_graph_distiller_class_init (GstGraphDistillerClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);
  GstPareProperty input = { "input", "What a block reads while it learns", gst_graph_distiller_input_get_type (),
                            FIELD (settings.input), .initial = PARE_DISTILL_STUDENT };

  stage_class->needs_samples = TRUE;
  stage_class->needs_float32 = TRUE;
  stage_class->begin = begin;
  stage_class->finish = finish;
  stage_class->reset = reset;
  gst_pare_stage_class_keep_samples (stage_class);
  gst_pare_stage_class_add_teacher_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), &input, 1);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph distiller", "Filter/Graph",
                                         "Teaches a compressed network what the original computes, block by block",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphdistiller, "Distills networks", gst_graph_distiller_get_type ())
