/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare eval: how often a classifier is right. */
#include "command.h"
#include "exec/executor.h"
#include "graph/error.h"
#include "plugins.h"
#include "runner.h"
#include "sampling.h"

typedef struct
{
  guint64 n;
  double top1, top5, loss;
  gboolean arrived;
} Evaluation;

static void
on_message (GstElement *source, const GstStructure *structure, gpointer user_data)
{
  Evaluation *evaluation = user_data;

  if (!gst_structure_has_name (structure, "evaluation"))
    return;
  /* The element counts in fractions, people in percent. */
  *evaluation = (Evaluation){ .n = pare_message_number (structure, "n"),
                              .top1 = 100 * pare_message_number (structure, "top1"),
                              .top5 = 100 * pare_message_number (structure, "top5"),
                              .loss = pare_message_number (structure, "loss"),
                              .arrived = TRUE };
}

static void
print_json (const char *model, const Evaluation *evaluation, double seconds)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  pare_json_string (builder, "model", model);
  pare_json_int (builder, "n", evaluation->n);
  pare_json_double (builder, "top1", evaluation->top1);
  pare_json_double (builder, "top5", evaluation->top5);
  pare_json_double (builder, "loss", evaluation->loss);
  pare_json_double (builder, "seconds", seconds);
  pare_json_print (builder);
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  const char *model = arguments->words[0];
  g_autoptr (GHashTable) values = pare_sampling_parse (arguments->words + 1, TRUE, error);
  g_autoptr (GstElement) pipeline = NULL;
  GstElement *evaluator;
  Evaluation evaluation = { 0 };
  gint64 begun = g_get_monotonic_time ();
  double seconds;

  if (!values || !pare_plugins_init (error))
    return FALSE;
  pare_set_threads (arguments->threads);
  evaluator = gst_element_factory_make ("graphevaluator", NULL);
  if (!evaluator)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND,
                   "The element 'graphevaluator' is not installed: 'pare list' shows those that are.");
      return FALSE;
    }
  g_object_set (evaluator, "integer", arguments->integer, NULL);
  pipeline = pare_sampling_pipeline (model, evaluator, values, error);
  if (!pipeline || !pare_pipeline_play (pipeline, on_message, &evaluation, error))
    return FALSE;
  if (!evaluation.arrived)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY,
                   "The graphevaluator in use reports nothing: install one "
                   "that fits this command.");
      return FALSE;
    }
  seconds = (double)(g_get_monotonic_time () - begun) / G_USEC_PER_SEC;
  if (arguments->json)
    print_json (model, &evaluation, seconds);
  else
    g_print ("%s: top-1 %.2f%%, top-5 %.2f%%, loss %.4f, %" G_GUINT64_FORMAT " samples, %.1f s.\n", model,
             evaluation.top1, evaluation.top5, evaluation.loss, evaluation.n, seconds);
  return TRUE;
}

static char *
parameters (void)
{
  return pare_sampling_help (TRUE);
}

const PareCommand pare_command_eval = {
  .name = "eval",
  .words = "MODEL.onnx data=FILE labels=FILE [NAME=VALUE ...] [--integer]",
  .summary = "Measure top-1, top-5 and loss of a classifier on labelled samples",
  .parameters = parameters,
  .takes = PARE_TAKES_JSON | PARE_TAKES_THREADS | PARE_TAKES_INTEGER,
  .least = 1,
  .most = G_MAXUINT,
  .run = run,
};
