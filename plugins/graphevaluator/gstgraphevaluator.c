/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphevaluator: runs a classifier on labelled samples and says how often it is right. The graph goes on unchanged. */
#include "data/accuracy.h"
#include "data/batch.h"
#include "gst/gstpare.h"
#include "integer/integer.h"

G_DECLARE_FINAL_TYPE (GstGraphEvaluator, gst_graph_evaluator, GST, GRAPH_EVALUATOR, GstPareStage)

struct _GstGraphEvaluator
{
  GstPareStage parent_instance;
  gboolean integer;
  double top1, top5, loss;
  guint64 n;
  PareAccuracy accuracy;
  PareExecutor *executor;
  guint n_inputs;
};

G_DEFINE_TYPE (GstGraphEvaluator, gst_graph_evaluator, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "integer", "Execute a quantized network on integers instead of simulating them in floats", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphEvaluator, integer) },
  { "top1", "Fraction of samples whose class had the highest score", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstGraphEvaluator, top1), .maximum = 1, .read_only = TRUE },
  { "top5", "Fraction of samples whose class was among the five highest scores", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstGraphEvaluator, top5), .maximum = 1, .read_only = TRUE },
  { "loss", "Mean cross-entropy, the scores taken as logits", G_TYPE_DOUBLE, G_STRUCT_OFFSET (GstGraphEvaluator, loss),
    .minimum = -G_MAXDOUBLE, .maximum = G_MAXDOUBLE, .read_only = TRUE },
  { "n", "Number of samples", G_TYPE_UINT64, G_STRUCT_OFFSET (GstGraphEvaluator, n), .maximum = G_MAXINT64,
    .read_only = TRUE },
};

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphEvaluator *evaluator = GST_GRAPH_EVALUATOR (stage);
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  evaluator->accuracy = (PareAccuracy){ 0 };
  evaluator->n_inputs = inputs->len;
  evaluator->executor = pare_graph_executor (graph, evaluator->integer, error);
  return evaluator->executor != NULL;
}

static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  GstGraphEvaluator *evaluator = GST_GRAPH_EVALUATOR (stage);
  g_autoptr (GPtrArray) outputs = NULL;

  if (n <= evaluator->n_inputs)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Samples have %u tensors but the network alone takes %u: the labels are missing.", n,
                   evaluator->n_inputs);
      return FALSE;
    }
  outputs = pare_batch_run (gst_pare_stage_get_graph (stage), evaluator->executor, batch, n, error);
  return outputs
         && pare_accuracy_add (&evaluator->accuracy, outputs->pdata[0], batch[evaluator->n_inputs],
                               gst_pare_stage_get_valid (stage), error);
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphEvaluator *evaluator = GST_GRAPH_EVALUATOR (stage);
  double n = evaluator->accuracy.n;
  GstStructure *structure;

  evaluator->n = evaluator->accuracy.n;
  evaluator->top1 = evaluator->accuracy.top1 / n;
  evaluator->top5 = evaluator->accuracy.top5 / n;
  evaluator->loss = evaluator->accuracy.loss / n;
  pare_record_add (graph->record, "graphevaluator", "", "evaluated", NULL, "top1", evaluator->top1, "top5",
                   evaluator->top5, "loss", evaluator->loss, "n", n, NULL);
  structure
      = gst_structure_new ("evaluation", "top1", G_TYPE_DOUBLE, evaluator->top1, "top5", G_TYPE_DOUBLE, evaluator->top5,
                           "loss", G_TYPE_DOUBLE, evaluator->loss, "n", G_TYPE_INT64, (gint64)evaluator->n, NULL);
  gst_element_post_message (GST_ELEMENT (stage), gst_message_new_element (GST_OBJECT (stage), structure));
  return TRUE;
}

static void
reset (GstPareStage *stage)
{
  g_clear_pointer (&GST_GRAPH_EVALUATOR (stage)->executor, pare_executor_free);
}

static void
gst_graph_evaluator_init (GstGraphEvaluator *evaluator)
{
}

static void
gst_graph_evaluator_class_init (GstGraphEvaluatorClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->needs_samples = TRUE;
  stage_class->begin = begin;
  stage_class->feed = feed;
  stage_class->finish = finish;
  stage_class->reset = reset;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph evaluator", "Filter/Graph",
                                         "Measures a classifier on labelled samples", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphevaluator, "Evaluates classifiers", gst_graph_evaluator_get_type ())
