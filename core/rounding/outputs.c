/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sums over a layer's output, channel by channel, in double precision and in the order of the samples. */
#include "rounding/outputs.h"
#include <math.h>

static gboolean
fits (const PareTensor *tensor, guint axis, const PareOutputError *sums)
{
  return tensor->type == PARE_FLOAT32 && tensor->shape.rank > axis && (!sums->n || tensor->shape.dims[axis] == sums->n);
}

/* @given NULL: zeros. */
static void
add_row (PareOutputError *sums, gint64 channel, gint64 n, const float *wanted, const float *given)
{
  double sum = 0, noise = 0, energy = 0;

#pragma omp simd reduction(+ : sum, noise, energy)
  for (gint64 i = 0; i < n; i++)
    {
      double w = wanted[i], difference = w - (given ? (double)given[i] : 0);
      sum += difference;
      noise += difference * difference;
      energy += w * w;
    }
  sums->mean[channel] += sum;
  sums->noise += noise;
  sums->energy += energy;
}

/* Channels that are the last axis. */
static void
add_column (PareOutputError *sums, const float *wanted, const float *given)
{
  double noise = 0, energy = 0, *mean = sums->mean;

#pragma omp simd reduction(+ : noise, energy)
  for (gint64 c = 0; c < sums->n; c++)
    {
      double w = wanted[c], difference = w - (given ? (double)given[c] : 0);
      mean[c] += difference;
      noise += difference * difference;
      energy += w * w;
    }
  sums->noise += noise;
  sums->energy += energy;
}

static void
add_channels (PareOutputError *sums, const PareTensor *wanted, const PareTensor *given, guint axis, gint64 rows)
{
  const PareShape *shape = &wanted->shape;
  gint64 inner = pare_shape_span (shape, axis + 1, shape->rank);
  gint64 outer = pare_shape_span (shape, 0, axis) / MAX (shape->dims[0], 1) * rows;
  const float *w = pare_tensor_data (wanted), *g = given ? pare_tensor_data (given) : NULL;

  for (gint64 o = 0; o < outer; o++)
    if (inner == 1)
      add_column (sums, w + o * sums->n, g ? g + o * sums->n : NULL);
    else
      for (gint64 c = 0; c < sums->n; c++)
        add_row (sums, c, inner, w + (o * sums->n + c) * inner, g ? g + (o * sums->n + c) * inner : NULL);
  sums->count += outer * inner;
}

static gboolean
add_batch (PareOutputError *sums, const PareRoundingLayer *layer, const PareTensor *wanted, const PareTensor *given,
           double part, GError **error)
{
  guint axis = layer->matrix.trait.channels_last ? wanted->shape.rank - 1 : 1;

  if (!wanted->shape.rank || !fits (wanted, axis, sums)
      || (given && (!fits (given, axis, sums) || !pare_shape_equal (&given->shape, &wanted->shape))))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, layer->node, "it does not give float32 in the shape that is wanted.");
      return FALSE;
    }
  if (!sums->n)
    {
      sums->n = wanted->shape.dims[axis];
      sums->mean = g_new0 (double, MAX (sums->n, 1));
    }
  add_channels (sums, wanted, given, axis, rint (wanted->shape.dims[0] * part));
  if (isfinite (sums->noise) && isfinite (sums->energy))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, layer->node,
                   "what it computes is not finite for some of the samples: look at these, or leave the layer alone.");
  return FALSE;
}

/* @given NULL: nothing is taken off. */
static gboolean
sum_up (PareOutputError *sums, const PareRoundingLayer *layer, PareWalk *wanted, PareValue *wanted_value,
        PareWalk *given, PareValue *given_value, GError **error)
{
  guint valid;

  if (!pare_walk_ask (wanted, 1, &wanted_value, error) || (given && !pare_walk_ask (given, 1, &given_value, error)))
    return FALSE;
  for (guint i = 0; i < pare_walk_batches (wanted); i++)
    {
      g_autoptr (GPtrArray) a = pare_walk_get (wanted, i, &valid, error);
      g_autoptr (GPtrArray) b = a && given ? pare_walk_get (given, i, &valid, error) : NULL;
      if (!a || (given && !b)
          || !add_batch (sums, layer, a->pdata[0], b ? b->pdata[0] : NULL,
                         (double)valid / MAX (pare_walk_batch_size (wanted), 1), error))
        return FALSE;
    }
  return TRUE;
}

static void
divide (PareOutputError *sums)
{
  for (gint64 c = 0; c < sums->n; c++)
    sums->mean[c] /= MAX (sums->count, 1);
}

gboolean
pare_rounding_measure (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *result, GError **error)
{
  pare_output_error_clear (result);
  if (!work->samples)
    return TRUE;
  if (!sum_up (result, layer, work->original, layer->target, work->student, pare_node_output (layer->node, 0), error))
    return FALSE;
  divide (result);
  return TRUE;
}

double
pare_output_error_sqnr (const PareOutputError *output)
{
  return output->noise > 0 ? 10 * log10 (output->energy / output->noise) : 999;
}

/* Sum (d - c)^2 = sum d^2 + n c (c - 2 mean (d)). */
void
pare_output_error_shift (PareOutputError *output, const double *change)
{
  for (gint64 c = 0; c < output->n; c++)
    {
      output->noise += output->count * change[c] * (change[c] - 2 * output->mean[c]);
      output->mean[c] -= change[c];
    }
  output->noise = MAX (output->noise, 0);
}

void
pare_output_error_clear (PareOutputError *output)
{
  g_free (output->mean);
  *output = (PareOutputError){ 0 };
}

double *
pare_rounding_channel_means (PareWalk *walk, const PareRoundingLayer *layer, PareValue *value, gint64 *n,
                             GError **error)
{
  g_auto (PareOutputError) sums = { 0 };

  if (!sum_up (&sums, layer, walk, value, NULL, NULL, error))
    return NULL;
  divide (&sums);
  *n = sums.n;
  return g_steal_pointer (&sums.mean);
}
