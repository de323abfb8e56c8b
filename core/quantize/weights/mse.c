/* SPDX-License-Identifier: LGPL-2.1-or-later
 * mse: the scale of least squared error, argmin over s of sum (w - s clip (round (w / s), lowest, highest))^2. The
 * grids that a few bits leave are so coarse that cutting off the rare large weights pays. */
#include "quantize/weight-algorithm.h"
#include "quantize/weights/scalesearch.h"

static float
mse_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  return pare_scale_search (weights, n, grid, 0);
}

PARE_WEIGHT_ALGORITHM (mse)
    = { "mse", "The scale of least squared error, which cuts off the largest weights.", mse_scale };
