/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Geometric median: a filter's sum of distances to all filters of its layer, sum_j ||W_c - W_j||_2; the lowest can best
 * be replaced by the others. (He et al., Filter Pruning via Geometric Median, CVPR 2019, equation 8.) In units of the
 * layer's mean, and summed where several layers share their channels. */
#include "linalg/linalg.h"
#include "sparsify/ranking.h"
#include <math.h>
#include <string.h>

/* Columns per product: bounds memory. */
#define PIECE 512

/* How many entries of the slice's axis the channel has that has most. */
static guint
most_entries (const PareChannelGroup *group, const PareChannelSlice *slice, guint *entries)
{
  guint most = 0;

  for (guint i = 0; i < slice->n; i++)
    {
      gint channel = pare_channel_group_channel (group, slice, i);
      if (channel >= 0)
        most = MAX (most, ++entries[channel]);
    }
  return most;
}

/* The weight as a row per channel; channels with fewer entries than others are filled up with zeros. */
static float *
filter_rows (const PareChannelGroup *group, const PareChannelSlice *slice, gint64 *columns)
{
  g_autoptr (PareTensor) weight = pare_tensor_cast (pare_channel_slice_tensor (slice), PARE_FLOAT32);
  const float *data = pare_tensor_data (weight);
  gint64 inner = pare_shape_span (&weight->shape, slice->axis + 1, weight->shape.rank);
  g_autofree guint *entries = g_new0 (guint, group->n);
  g_autofree gint64 *filled = g_new0 (gint64, group->n);
  float *rows;

  *columns = pare_tensor_elements (weight) / slice->n * most_entries (group, slice, entries);
  rows = g_new0 (float, group->n **columns);
  for (gint64 from = 0; from < pare_tensor_elements (weight); from += inner)
    {
      gint channel = pare_channel_group_channel (group, slice, from / inner % slice->n);
      if (channel < 0)
        continue;
      memcpy (rows + channel * *columns + filled[channel], data + from, inner * sizeof *rows);
      filled[channel] += inner;
    }
  return rows;
}

/* rows rows^T, piece by piece. */
static double *
products (guint n, gint64 columns, const float *rows)
{
  double *gram = g_new0 (double, (gsize)n *n);
  g_autofree double *piece = g_new (double, n *MIN (columns, PIECE));

  for (gint64 from = 0; from < columns; from += PIECE)
    {
      gint64 width = MIN (PIECE, columns - from);
      for (guint i = 0; i < n; i++)
        for (gint64 k = 0; k < width; k++)
          piece[i * width + k] = rows[i * columns + from + k];
      pare_linalg_gemm (FALSE, TRUE, n, n, width, 1, piece, piece, 1, gram);
    }
  return gram;
}

static void
score_producer (const PareChannelGroup *group, const PareChannelSlice *slice, double *scores)
{
  guint n = group->n;
  gint64 columns;
  g_autofree float *rows = filter_rows (group, slice, &columns);
  g_autofree double *gram = products (n, columns, rows), *distances = g_new0 (double, n);
  double total = 0;

  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < n; j++)
      distances[i] += sqrt (MAX (gram[i * n + i] + gram[j * n + j] - 2 * gram[i * n + j], 0));
  for (guint i = 0; i < n; i++)
    total += distances[i];
  for (guint i = 0; total > 0 && i < n; i++)
    scores[i] += distances[i] * n / total;
}

static gboolean
score (const PareRankingInput *input, GError **error)
{
  pare_ranking_for_each_producer (input, score_producer);
  return TRUE;
}

PARE_RANKING (geometricmedian) = {
  .name = "geometric-median",
  .description = "Filters that others of the layer can best replace go first",
  .score = score,
};
