/* SPDX-License-Identifier: LGPL-2.1-or-later
 * minmax: scale = max |w| / highest, so that the largest weight of either sign is the end of the grid. */
#include "quantize/weight-algorithm.h"
#include <math.h>

static float
minmax_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  float largest = 0;

  for (gsize i = 0; i < n; i++)
    largest = MAX (largest, fabsf (weights[i]));
  return largest / grid->highest;
}

PARE_WEIGHT_ALGORITHM (minmax) = { "minmax", "The largest weight is the end of the grid.", minmax_scale };
