/* SPDX-License-Identifier: LGPL-2.1-or-later
 * auto: minmax where the grid is fine enough to reach the largest weights at no cost, mse below 8 bits. */
#include "quantize/weight-algorithm.h"

static float
auto_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  const PareWeightAlgorithm *chosen
      = grid->highest < G_MAXINT8 ? &pare_weight_algorithm_mse : &pare_weight_algorithm_minmax;

  return chosen->scale (weights, n, grid);
}

PARE_WEIGHT_ALGORITHM (auto) = { "auto", "minmax at 8 and 16 bits, mse with fewer.", auto_scale };
