/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Non-uniform quantization: a layer's weights become few different integers of their grid, the best ones (k-means over
 * w / step). With samples an error counts by the mean square of the input that the weight multiplies, and weights that
 * follow make up for it as in gptq. */
#include "reconstruct/hessian.h"
#include "rounding/codebook.h"
#include "rounding/feedback.h"

static gint32
nearest_entry (const PareWeightGrids *grids, gint64 index, double weight, gconstpointer codebook)
{
  return pare_codebook_nearest (codebook, weight / grids->step[index]);
}

/* Mean square of what column @column multiplies. */
static double
energy (const PareRoundingLayer *layer, const PareMoments *moments, gint64 index)
{
  gint64 columns = layer->matrix.columns, column = index % columns;
  gint64 group = index / (columns * layer->matrix.outputs);

  return moments ? moments->xx[(group * columns + column) * columns + column] / MAX (moments->rows, 1) : 1;
}

static void
choose_entries (const PareRoundingLayer *layer, const PareMoments *moments, const PareWeightGrids *grids, guint levels,
                const double *weights, PareCodebook *codebook)
{
  const PareValue *value = pare_node_input (layer->pair.quantize, 0);
  gint64 n = pare_shape_elements (&layer->matrix.shape);
  g_autofree double *numbers = g_new (double, n), *costs = g_new (double, n);
  gint32 lowest = G_MININT32, highest = G_MAXINT32;

  for (gint64 i = 0; i < n; i++)
    {
      lowest = MAX (lowest, grids->lowest[i]);
      highest = MIN (highest, grids->highest[i]);
      numbers[i] = weights[i] / grids->step[i];
      costs[i] = (double)grids->step[i] * grids->step[i] * energy (layer, moments, i);
    }
  pare_codebook_init (codebook, n, numbers, costs, MIN (lowest, 0), MAX (highest, 0), levels,
                      value->sparsity.mode == PARE_SPARSITY_N_OF_M);
}

/* More candidates take long to choose from, and a table of theirs saves nothing beside 16 bits. */
#define MOST_BITS 8

static gboolean
check_grid (const PareRoundingLayer *layer, GError **error)
{
  if (layer->pair.highest - layer->pair.lowest < 1 << MOST_BITS)
    return TRUE;
  pare_node_error (error, PARE_ERROR_SETTINGS, layer->node,
                   "kmeans chooses among integers of %d bits at most: quantize this weight to bits=%d.", MOST_BITS,
                   MOST_BITS);
  return FALSE;
}

static gboolean
round_layer (PareRoundingWork *work, guint first, guint n, GError **error)
{
  const PareRoundingLayer *layer = pare_rounding_work_layer (work, first);
  gboolean sampled = work->samples && pare_hessian_memory (&layer->matrix) <= work->settings->memory_limit;
  g_autoptr (PareMoments) moments = sampled ? pare_rounding_moments (work, layer, error) : NULL;
  g_autofree double *weights = pare_rounding_layer_read (layer);
  g_auto (PareWeightGrids) grids = { 0 };
  g_auto (PareCodebook) codebook = { 0 };

  if (!check_grid (layer, error) || (sampled && !moments))
    return FALSE;
  pare_rounding_layer_grids (layer, &grids);
  choose_entries (layer, moments, &grids, work->settings->levels, weights, &codebook);
  if (moments)
    return pare_rounding_feed_back (work, layer, moments, nearest_entry, &codebook, error);
  for (gint64 i = 0; i < pare_shape_elements (&layer->matrix.shape); i++)
    weights[i] = pare_weight_grids_value (&grids, i, nearest_entry (&grids, i, weights[i], &codebook));
  pare_rounding_layer_write (work->graph, layer, weights);
  return TRUE;
}

PARE_ROUNDING (kmeans) = {
  .name = "kmeans",
  .description = "Few different integers in a layer, the best ones",
  .round = round_layer,
};
