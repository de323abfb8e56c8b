/* SPDX-License-Identifier: LGPL-2.1-or-later
 * mse: the scale of least squared error, argmin over s of sum (w - s clip (round (w / s), lowest, highest))^2. The
 * grids that a few bits leave are so coarse that cutting off the rare large weights pays. */
#include "quantize/weight-algorithm.h"
#include <float.h>
#include <math.h>

#define CANDIDATES 40
#define SMALLEST 0.2f /* of the scale that cuts off nothing */

static double
squared_error (const float *weights, gsize n, float scale, const PareWeightGrid *grid)
{
  float lowest = grid->lowest, highest = grid->highest;
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    {
      float difference = CLAMP (nearbyintf (weights[i] / scale), lowest, highest) * scale - weights[i];
      sum += (double)difference * difference;
    }
  return sum;
}

static float
mse_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  float full = pare_weight_algorithm_minmax.scale (weights, n, grid), best = full;
  double least = INFINITY;

  if (!(full >= FLT_MIN))
    return full;
  for (guint k = 0; k < CANDIDATES; k++)
    {
      float scale = full * (1 - k * (1 - SMALLEST) / CANDIDATES);
      double error = squared_error (weights, n, scale, grid);
      if (error < least)
        {
          least = error;
          best = scale;
        }
    }
  return best;
}

PARE_WEIGHT_ALGORITHM (mse)
    = { "mse", "The scale of least squared error, which cuts off the largest weights.", mse_scale };
