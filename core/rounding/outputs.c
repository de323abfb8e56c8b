/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sums over a layer's output, channel by channel, in double precision and in the order of the samples. */
#include "rounding/outputs.h"
#include <math.h>

typedef struct
{
  gint64 n, count; /* channels; numbers in each */
  double *sums;    /* of wanted - given */
  double energy, noise;
} Sums;

static void
sums_clear (Sums *sums)
{
  g_clear_pointer (&sums->sums, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sums, sums_clear)

static gboolean
fits (const PareTensor *tensor, guint axis, const Sums *sums)
{
  return tensor->type == PARE_FLOAT32 && tensor->shape.rank > axis && (!sums->n || tensor->shape.dims[axis] == sums->n);
}

/* @given NULL: zeros. */
static void
add_channels (Sums *sums, const PareTensor *wanted, const PareTensor *given, guint axis, gint64 rows)
{
  const PareShape *shape = &wanted->shape;
  gint64 inner = pare_shape_span (shape, axis + 1, shape->rank);
  gint64 outer = pare_shape_span (shape, 0, axis) / MAX (shape->dims[0], 1) * rows;
  const float *w = pare_tensor_data (wanted), *g = given ? pare_tensor_data (given) : NULL;

  for (gint64 o = 0; o < outer; o++)
    for (gint64 c = 0; c < sums->n; c++)
      {
        gint64 first = (o * sums->n + c) * inner;
        for (gint64 i = first; i < first + inner; i++)
          {
            double difference = w[i] - (g ? (double)g[i] : 0);
            sums->sums[c] += difference;
            sums->noise += difference * difference;
            sums->energy += (double)w[i] * w[i];
          }
      }
  sums->count += outer * inner;
}

static gboolean
add_batch (Sums *sums, const PareRoundingLayer *layer, const PareTensor *wanted, const PareTensor *given, double part,
           GError **error)
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
      sums->sums = g_new0 (double, MAX (sums->n, 1));
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
sum_up (Sums *sums, const PareRoundingLayer *layer, PareWalk *wanted, PareValue *wanted_value, PareWalk *given,
        PareValue *given_value, GError **error)
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

/* Takes the sums. */
static double *
means_of (Sums *sums)
{
  for (gint64 c = 0; c < sums->n; c++)
    sums->sums[c] /= MAX (sums->count, 1);
  return g_steal_pointer (&sums->sums);
}

gboolean
pare_rounding_measure (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *result, GError **error)
{
  g_auto (Sums) sums = { 0 };

  if (!sum_up (&sums, layer, work->original, layer->target, work->student, pare_node_output (layer->node, 0), error))
    return FALSE;
  *result = (PareOutputError){ sums.n, means_of (&sums), sums.noise > 0 ? 10 * log10 (sums.energy / sums.noise) : 999 };
  return TRUE;
}

void
pare_output_error_clear (PareOutputError *result)
{
  g_clear_pointer (&result->mean, g_free);
}

double *
pare_rounding_channel_means (PareWalk *walk, const PareRoundingLayer *layer, PareValue *value, gint64 *n,
                             GError **error)
{
  g_auto (Sums) sums = { 0 };

  if (!sum_up (&sums, layer, walk, value, NULL, NULL, error))
    return NULL;
  *n = sums.n;
  return means_of (&sums);
}
