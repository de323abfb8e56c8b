/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Balanced L2 norm: a filter's norm ||W_c||_2 per element, put between 0 and 1 within its layer, so that layers of any
 * scale count alike where several share their channels; summed over these. (The BCP ranking of Huawei's AMCT, as
 * documented.) */
#include "sparsify/ranking.h"
#include <float.h>
#include <math.h>

/* Sums of squares over what each channel's filters hold. */
static void
add_squares (const PareChannelGroup *group, const PareChannelSlice *slice, double *sums)
{
  g_autoptr (PareTensor) weight = pare_tensor_cast (pare_channel_slice_tensor (slice), PARE_FLOAT32);
  const float *data = pare_tensor_data (weight);
  gint64 inner = pare_shape_span (&weight->shape, slice->axis + 1, weight->shape.rank);

  for (gint64 from = 0; from < pare_tensor_elements (weight); from += inner)
    {
      gint channel = pare_channel_group_channel (group, slice, from / inner % slice->n);
      for (gint64 i = 0; channel >= 0 && i < inner; i++)
        sums[channel] += (double)data[from + i] * data[from + i];
    }
}

static void
score_producer (const PareChannelGroup *group, const PareChannelSlice *slice, double *scores)
{
  g_autofree double *norms = g_new0 (double, group->n);
  double lowest = DBL_MAX, highest = 0;

  add_squares (group, slice, norms);
  for (guint i = 0; i < group->n; i++)
    {
      norms[i] = sqrt (norms[i]);
      lowest = MIN (lowest, norms[i]);
      highest = MAX (highest, norms[i]);
    }
  /* A layer whose filters are all alike has no opinion. */
  for (guint i = 0; highest > lowest && i < group->n; i++)
    scores[i] += (norms[i] - lowest) / (highest - lowest);
}

static gboolean
score (const PareRankingInput *input, GError **error)
{
  pare_ranking_for_each_producer (input, score_producer);
  return TRUE;
}

PARE_RANKING (bcp) = {
  .name = "bcp",
  .description = "Filters of a small norm go first, balanced between layers that share channels",
  .score = score,
};
