/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layer by layer from the inputs on: an algorithm rounds the weights, so that those behind learn from what the network
 * in front of them computes by then. */
#include "quantize/strip.h"
#include "rounding/correction.h"
#include "rounding/effect.h"
#include "rounding/survey.h"

const PareRoundingLayer *
pare_rounding_work_layer (const PareRoundingWork *work, guint index)
{
  return &g_array_index (work->layers, PareRoundingLayer, index);
}

/* Progress is counted in thousandths of a layer. */
#define PARTS 1000

gboolean
pare_rounding_work_report (const PareRoundingWork *work, guint64 done, guint64 total, GError **error)
{
  guint64 part = total ? MIN (done, total) * PARTS * work->n / total : 0;

  if (!work->progress
      || work->progress (work->first * (guint64)PARTS + part, work->layers->len * (guint64)PARTS, work->user_data))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "The work was cancelled.");
  return FALSE;
}

/* How many layers from @first on their algorithm takes at once. */
static guint
span_of (const PareRoundingWork *work, guint first)
{
  const PareRounding *algorithm = pare_rounding_work_layer (work, first)->algorithm;
  guint most = 1;

  if (!algorithm->span)
    return 1;
  while (first + most < work->layers->len && pare_rounding_work_layer (work, first + most)->algorithm == algorithm)
    most++;
  return CLAMP (algorithm->span (work, first, most), 1, most);
}

/* The walks stand before the first layer of a span; but that of the network may belong together with the quantizer of
 * the network's input, and that of the teacher stands behind a layer of which nothing but the output is asked for. */
static gboolean
advance (PareRoundingWork *work, const PareRoundingLayer *layer, GError **error)
{
  PareNode *teacher = layer->target->producer;

  return !work->samples
         || ((work->first == 0 || pare_walk_advance (work->student, layer->node, error))
             && (!teacher
                 || (layer->algorithm->round ? pare_walk_advance : pare_walk_pass) (work->original, teacher, error)));
}

/* @output: what that of the layer lacked before it was rounded. */
static gboolean
finish_layer (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *output, GError **error)
{
  double before = pare_output_error_sqnr (output);
  const char *note;

  if ((layer->algorithm->round && !pare_rounding_measure (work, layer, output, error))
      || !pare_rounding_correct_bias (work, layer, output, &note, error))
    return FALSE;
  pare_rounding_record (work, layer, before, output, note);
  return TRUE;
}

static gboolean
round_span (PareRoundingWork *work, GError **error)
{
  const PareRoundingLayer *layer = pare_rounding_work_layer (work, work->first);
  g_autoptr (GArray) outputs = g_array_sized_new (FALSE, TRUE, sizeof (PareOutputError), work->n);

  g_array_set_clear_func (outputs, (GDestroyNotify)pare_output_error_clear);
  g_array_set_size (outputs, work->n);
  if (!pare_rounding_work_report (work, 0, 1, error) || !advance (work, layer, error))
    return FALSE;
  for (guint i = 0; i < work->n; i++)
    if (!pare_rounding_measure (work, layer + i, &g_array_index (outputs, PareOutputError, i), error))
      return FALSE;
  if (layer->algorithm->round && !layer->algorithm->round (work, work->first, work->n, error))
    return FALSE;
  for (guint i = 0; i < work->n; i++)
    if (!finish_layer (work, layer + i, &g_array_index (outputs, PareOutputError, i), error))
      return FALSE;
  return pare_rounding_work_report (work, 1, 1, error);
}

static gboolean
round_all (PareRoundingWork *work, GError **error)
{
  for (work->first = 0; work->first < work->layers->len; work->first += work->n)
    {
      work->n = span_of (work, work->first);
      if (!round_span (work, error))
        return FALSE;
    }
  return TRUE;
}

/* Means of channels need few samples of large pictures, but all of the network's layers: no more than what the walks
 * can hold. Algorithms that look closer take the time. */
static gboolean
limit_samples (PareRoundingWork *work, GError **error)
{
  guint64 count = pare_samples_count (work->samples), student, original;

  for (guint i = 0; i < work->layers->len; i++)
    if (pare_rounding_work_layer (work, i)->algorithm->round)
      return TRUE;
  student = pare_walk_fitting (work->student, error);
  original = student ? pare_walk_fitting (work->original, error) : 0;
  if (!original)
    return FALSE;
  if (MIN (student, original) >= count)
    return TRUE;
  pare_walk_limit (work->student, MIN (student, original));
  pare_walk_limit (work->original, MIN (student, original));
  pare_record_add (work->graph->record, PARE_ROUNDING_STAGE, "", "limited", "more samples do not fit into memory-limit",
                   "samples", (double)MIN (student, original), "of", (double)count, NULL);
  return TRUE;
}

static gboolean
check_settings (const PareRoundingWork *work, GError **error)
{
  const PareRoundingSettings *settings = work->settings;

  if (settings->levels < 2 || settings->levels > 256)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "levels=%u is not possible: write a number from 2 to 256.",
                 settings->levels);
  else if (!(settings->drop >= 0 && settings->drop < 1))
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "drop=%g is not possible: write a part from 0 up to, but not, 1.", settings->drop);
  else if (settings->bias_correction == PARE_BIAS_CORRECTION_EMPIRICAL && !work->samples)
    g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                 "Empirical bias correction looks at activations, and no sample came: link samples to the tensors pad, "
                 "or choose analytic or none.");
  else
    return TRUE;
  return FALSE;
}

gboolean
pare_graph_round (PareGraph *graph, PareGraph *teacher, PareSamples *samples, const PareRoundingSettings *settings,
                  PareProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (GHashTable) counterparts = NULL;
  g_autoptr (PareGraph) floats = pare_graph_strip_quantizers (graph, &counterparts, error);
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (PareRoundingLayer));
  g_autoptr (PareWalk) student = NULL, original = NULL;
  PareRoundingWork work = { .graph = graph,
                            .teacher = teacher ? teacher : floats,
                            .samples = samples && pare_samples_count (samples) ? samples : NULL,
                            .settings = settings,
                            .layers = layers,
                            .progress = progress,
                            .user_data = user_data };

  if (!floats || !check_settings (&work, error) || !pare_rounding_survey (&work, counterparts, error))
    return FALSE;
  work.correction = settings->bias_correction;
  if (work.correction == PARE_BIAS_CORRECTION_AUTO)
    work.correction = work.samples ? PARE_BIAS_CORRECTION_EMPIRICAL : PARE_BIAS_CORRECTION_NONE;
  if (work.samples)
    {
      work.student = student = pare_walk_new (graph, samples, settings->memory_limit / 2);
      work.original = original = pare_walk_new (work.teacher, samples, settings->memory_limit / 2);
    }
  return (!work.samples || limit_samples (&work, error)) && round_all (&work, error);
}
