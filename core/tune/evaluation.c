/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Runs networks on kept samples and adds up what they cost, up to a bound. */
#include "tune/evaluation.h"
#include "data/batch.h"
#include "integer/integer.h"
#include <math.h>
#include <stdlib.h>

struct _PareEvaluation
{
  PareGraph *graph;
  PareSamples *samples;   /* inputs, then labels; not owned */
  guint64 first, n;       /* which of them are run on */
  PareSamples *reference; /* the float network's outputs for these */
  guint n_inputs;
  gboolean has_labels, has_classes;
  PareProgress progress;
  gpointer user_data;
  guint64 run, expected; /* samples, over all networks */
};

void
pare_evaluation_free (PareEvaluation *evaluation)
{
  g_clear_pointer (&evaluation->reference, pare_samples_free);
  g_object_unref (evaluation->graph);
  g_free (evaluation);
}

static gboolean
count (PareEvaluation *evaluation, guint valid, GError **error)
{
  evaluation->run += valid;
  if (!evaluation->progress
      || evaluation->progress (evaluation->run, MAX (evaluation->run, evaluation->expected), evaluation->user_data))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "The work was cancelled.");
  return FALSE;
}

/* A batch of the @n samples @indices, counted from the first one on that networks are run on. */
static GPtrArray *
read_samples (PareEvaluation *evaluation, const guint64 *indices, guint n, GError **error)
{
  g_autofree guint64 *numbers = g_new (guint64, n);

  for (guint i = 0; i < n; i++)
    numbers[i] = evaluation->first + indices[i];
  return pare_samples_stack (evaluation->samples, numbers, n, error);
}

/* What is known of the next samples from @first on: everything but the outputs. */
static gboolean
read_batch (PareEvaluation *evaluation, const PareYardstick *yardstick, guint64 first, GPtrArray **inputs,
            PareMetricBatch *batch, GError **error)
{
  guint n = MIN (pare_samples_batch (evaluation->samples), yardstick->n - first);
  const guint64 *indices = yardstick->order + first;

  *inputs = read_samples (evaluation, indices, n, error);
  if (!*inputs)
    return FALSE;
  batch->reference = pare_samples_stack (evaluation->reference, indices, n, error);
  batch->labels = evaluation->has_labels ? (*inputs)->pdata[evaluation->n_inputs] : NULL;
  batch->valid = n;
  batch->first = evaluation->first + first;
  return batch->reference != NULL;
}

static gboolean
check_outputs (const GPtrArray *outputs, const PareTensor *input, GError **error)
{
  for (guint i = 0; i < outputs->len; i++)
    {
      const PareTensor *output = outputs->pdata[i];
      if (output->shape.rank && output->shape.dims[0] == input->shape.dims[0])
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Output %u of the network has no axis that counts samples: networks are compared sample by sample.",
                   i);
      return FALSE;
    }
  return TRUE;
}

/* Whatever is compared with such a number counts as equal, and a network that loses everything as good. */
static gboolean
check_numbers (PareTensor *const *tensors, guint n_tensors, const char *what, guint64 first, GError **error)
{
  for (guint i = 0; i < n_tensors; i++)
    {
      const float *data = pare_tensor_data (tensors[i]);
      gint64 n = tensors[i]->type == PARE_FLOAT32 ? pare_tensor_elements (tensors[i]) : 0;
      gint64 samples = n ? tensors[i]->shape.dims[0] : 1;
      for (gint64 k = 0; k < n; k++)
        if (isnan (data[k]))
          {
            g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                         "Evaluation sample %" G_GUINT64_FORMAT
                         ": %s %u holds a number that is not finite: check the samples and their normalization.",
                         first + k / (n / samples), what, i);
            return FALSE;
          }
    }
  return TRUE;
}

/* Keeps what the float network computes for the samples from @first on. */
static gboolean
run_reference (PareEvaluation *evaluation, PareExecutor *executor, guint64 first, guint64 memory_limit, GError **error)
{
  guint n = MIN (pare_samples_batch (evaluation->samples), evaluation->n - first);
  g_autofree guint64 *indices = g_new (guint64, n);
  g_autoptr (GPtrArray) inputs = NULL, outputs = NULL;

  for (guint i = 0; i < n; i++)
    indices[i] = first + i;
  inputs = read_samples (evaluation, indices, n, error);
  if (!inputs
      || !check_numbers ((PareTensor **)inputs->pdata, evaluation->n_inputs, "input", evaluation->first + first, error))
    return FALSE;
  outputs = pare_batch_run (evaluation->graph, executor, (PareTensor **)inputs->pdata, inputs->len, error);
  if (!outputs || !check_outputs (outputs, inputs->pdata[0], error)
      || !check_numbers ((PareTensor **)outputs->pdata, outputs->len, "output", evaluation->first + first, error))
    return FALSE;
  if (!evaluation->reference)
    {
      evaluation->reference = pare_samples_new (outputs->len, memory_limit);
      evaluation->has_classes = outputs->len && pare_metric_is_classes (outputs->pdata[0]);
    }
  return pare_samples_add (evaluation->reference, (PareTensor **)outputs->pdata, outputs->len, n, error)
         && count (evaluation, n, error);
}

PareEvaluation *
pare_evaluation_new (PareGraph *graph, PareSamples *samples, guint64 first, guint64 memory_limit, PareProgress progress,
                     gpointer user_data, GError **error)
{
  g_autoptr (PareEvaluation) evaluation = g_new0 (PareEvaluation, 1);
  g_autoptr (PareExecutor) executor = pare_graph_executor (graph, FALSE, error);
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  g_assert (pare_samples_count (samples) > first);
  evaluation->first = first;
  evaluation->n = pare_samples_count (samples) - first;
  evaluation->graph = g_object_ref (graph);
  evaluation->samples = samples;
  evaluation->n_inputs = inputs->len;
  evaluation->has_labels = pare_samples_specs (samples)->len > inputs->len;
  evaluation->progress = progress;
  evaluation->user_data = user_data;
  if (!executor)
    return NULL;
  for (guint64 next = 0; next < evaluation->n; next += pare_samples_batch (samples))
    if (!run_reference (evaluation, executor, next, memory_limit, error))
      return NULL;
  return g_steal_pointer (&evaluation);
}

gboolean
pare_evaluation_has_labels (const PareEvaluation *evaluation)
{
  return evaluation->has_labels;
}

gboolean
pare_evaluation_has_classes (const PareEvaluation *evaluation)
{
  return evaluation->has_classes;
}

double
pare_evaluation_used (const PareEvaluation *evaluation)
{
  return (double)evaluation->run / evaluation->n;
}

void
pare_evaluation_expect (PareEvaluation *evaluation, double evaluations)
{
  evaluation->expected = (guint64)(evaluations * evaluation->n);
}

/* Yardsticks */

typedef struct
{
  guint64 index;
  float margin;
} Ranked;

static gint
compare_margins (gconstpointer a, gconstpointer b)
{
  const Ranked *left = a, *right = b;

  if (left->margin != right->margin)
    return left->margin < right->margin ? -1 : 1;
  return (left->index > right->index) - (left->index < right->index);
}

/* Score of the labelled class, or of the best one, over the best of the others: below 0 where the network is wrong. */
static float
margin_of (const float *scores, gint64 classes, gint64 label)
{
  float other = -INFINITY;

  for (gint64 i = 0; i < classes; i++)
    if (i != label)
      other = MAX (other, scores[i]);
  return isnan (scores[label] - other) ? -INFINITY : scores[label] - other;
}

static void
rank_batch (const PareMetricBatch *batch, const PareMetric *metric, Ranked *ranked)
{
  g_autoptr (PareTensor) scores = pare_tensor_cast (batch->reference->pdata[0], PARE_FLOAT32);
  gint64 classes = scores->shape.dims[1];

  for (guint i = 0; i < batch->valid; i++)
    {
      const float *row = (const float *)pare_tensor_data (scores) + i * classes;
      gint64 label = metric->needs_labels ? pare_tensor_get_int (batch->labels, i) : pare_metric_class (row, classes);
      /* Labels were checked when their cost was taken. */
      ranked[i].margin = margin_of (row, classes, label);
    }
}

/* Baseline, variance and margins in one pass over what the float network computed. */
typedef struct
{
  double (*sums)[3]; /* one per output */
  guint n_sums;
  Ranked *ranked;
} Survey;

static gboolean
survey_batch (PareEvaluation *evaluation, PareYardstick *yardstick, guint64 first, Survey *survey, GError **error)
{
  g_autoptr (GPtrArray) inputs = NULL, reference = NULL;
  PareMetricBatch batch = { 0 };
  double cost;
  gboolean done = read_batch (evaluation, yardstick, first, &inputs, &batch, error);

  reference = batch.outputs = batch.reference;
  if (!done || !yardstick->metric->cost (&batch, &cost, error))
    return FALSE;
  yardstick->baseline += cost;
  for (guint o = 0; o < survey->n_sums; o++)
    pare_metric_add_moments (reference->pdata[o], batch.valid, survey->sums[o]);
  if (survey->ranked)
    rank_batch (&batch, yardstick->metric, survey->ranked + first);
  return TRUE;
}

static double
unit_of (const PareYardstick *yardstick, const Survey *survey)
{
  double energy = 0;

  for (guint o = 0; o < survey->n_sums; o++)
    energy += survey->sums[o][1] - survey->sums[o][0] * survey->sums[o][0] / MAX (survey->sums[o][2], 1);
  switch (yardstick->metric->unit)
    {
    case PARE_METRIC_OF_BASELINE:
      return yardstick->baseline > 0 ? yardstick->baseline : 1;
    case PARE_METRIC_OF_ENERGY:
      return energy > 0 ? energy : 1;
    default:
      return yardstick->n;
    }
}

static gboolean
check_metric (const PareEvaluation *evaluation, const PareMetric *metric, GError **error)
{
  if (metric->needs_classes && !evaluation->has_classes)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "'%s' compares classes, but the network's first output is no scores of shape [batch,classes]: take "
                 "sqnr or cosine.",
                 metric->name);
  else if (metric->needs_labels && !evaluation->has_labels)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "'%s' needs labels, and the samples have none: give labels, or take %s.", metric->name,
                 evaluation->has_classes ? "agreement or kl" : "sqnr or cosine");
  else
    return TRUE;
  return FALSE;
}

static gboolean
survey_samples (PareEvaluation *evaluation, PareYardstick *yardstick, Survey *survey, GError **error)
{
  guint size = pare_samples_batch (evaluation->samples);

  for (guint64 first = 0; first < yardstick->n; first += size)
    if (!survey_batch (evaluation, yardstick, first, survey, error))
      return FALSE;
  if (!isfinite (yardstick->baseline))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The float network computes numbers that are not finite: nothing can be compared with it. Check the "
                   "samples and their normalization.");
      return FALSE;
    }
  yardstick->unit = unit_of (yardstick, survey);
  if (survey->ranked)
    {
      qsort (survey->ranked, yardstick->n, sizeof *survey->ranked, compare_margins);
      for (guint64 i = 0; i < yardstick->n; i++)
        yardstick->order[i] = survey->ranked[i].index;
    }
  return TRUE;
}

PareYardstick *
pare_yardstick_new (PareEvaluation *evaluation, const PareMetric *metric, guint64 n, gboolean hardest_first,
                    GError **error)
{
  g_autoptr (PareYardstick) yardstick = g_new0 (PareYardstick, 1);
  guint n_outputs = pare_samples_specs (evaluation->reference)->len;
  g_autofree double (*sums)[3] = g_malloc0_n (MAX (n_outputs, 1), sizeof *sums);
  g_autofree Ranked *ranked = NULL;
  Survey survey;

  if (!check_metric (evaluation, metric, error))
    return NULL;
  yardstick->metric = metric;
  yardstick->n = MIN (n, evaluation->n);
  yardstick->order = g_new (guint64, yardstick->n);
  ranked = hardest_first && metric->by_margin ? g_new (Ranked, yardstick->n) : NULL;
  for (guint64 i = 0; i < yardstick->n; i++)
    {
      yardstick->order[i] = i;
      if (ranked)
        ranked[i].index = i;
    }
  survey = (Survey){ sums, n_outputs, ranked };
  return survey_samples (evaluation, yardstick, &survey, error) ? g_steal_pointer (&yardstick) : NULL;
}

void
pare_yardstick_free (PareYardstick *yardstick)
{
  g_free (yardstick->order);
  g_free (yardstick);
}

/* Other networks */

static gboolean
run_batch (PareEvaluation *evaluation, const PareYardstick *yardstick, PareGraph *graph, PareExecutor *executor,
           guint64 first, double *cost, GError **error)
{
  g_autoptr (GPtrArray) inputs = NULL, reference = NULL, outputs = NULL;
  PareMetricBatch batch = { 0 };
  gboolean done = read_batch (evaluation, yardstick, first, &inputs, &batch, error);

  reference = batch.reference;
  if (!done)
    return FALSE;
  batch.outputs = outputs = pare_batch_run (graph, executor, (PareTensor **)inputs->pdata, inputs->len, error);
  if (!outputs || !yardstick->metric->cost (&batch, cost, error))
    return FALSE;
  if (isnan (*cost))
    *cost = INFINITY;
  return count (evaluation, batch.valid, error);
}

gboolean
pare_evaluation_run (PareEvaluation *evaluation, const PareYardstick *yardstick, PareGraph *graph, double limit,
                     double *drop, GError **error)
{
  g_autoptr (PareExecutor) executor = pare_graph_executor (graph, FALSE, error);
  guint size = pare_samples_batch (evaluation->samples);
  double total = 0;

  *drop = 0;
  if (!executor)
    return FALSE;
  for (guint64 first = 0; first < yardstick->n; first += size)
    {
      double cost;
      if (!run_batch (evaluation, yardstick, graph, executor, first, &cost, error))
        return FALSE;
      total += cost;
      *drop = 100 * (total - yardstick->baseline) / yardstick->unit;
      if (*drop > limit)
        break;
    }
  return TRUE;
}
