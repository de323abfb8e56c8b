/* SPDX-License-Identifier: LGPL-2.1-or-later
 * mse: the scale of least squared error, argmin over s of sum (w - s clip (round (w / s), lowest, highest))^2. The
 * grids that a few bits leave are so coarse that cutting off the rare large weights pays. */
#include "quantize/weight-algorithm.h"
#include <float.h>
#include <math.h>

/* The scale that cuts off nothing, and so many equal steps down from it to a fifth. */
#define STEPS 40
#define STEP 0.02f
/* Then between the neighbours of the best one, as the error has many small dents with more bits. */
#define FINE_STEPS 8

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

typedef struct
{
  float scale;
  double error;
} Candidate;

/* The best of @best, and of @n scales from @from on. */
static Candidate
search (Candidate best, const float *weights, gsize n_weights, const PareWeightGrid *grid, float from, float step,
        guint n)
{
  for (guint k = 0; k < n; k++)
    {
      Candidate candidate = { from + k * step };
      candidate.error = squared_error (weights, n_weights, candidate.scale, grid);
      if (candidate.error < best.error)
        best = candidate;
    }
  return best;
}

static float
mse_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  float full = pare_weight_algorithm_minmax.scale (weights, n, grid), step = STEP * full;
  float fine = 2 * step / (FINE_STEPS + 1);
  Candidate best = { full, INFINITY };

  if (!(full >= FLT_MIN))
    return full;
  best = search (best, weights, n, grid, full, -step, STEPS);
  best = search (best, weights, n, grid, best.scale - step + fine, fine, FINE_STEPS);
  return best.scale;
}

PARE_WEIGHT_ALGORITHM (mse)
    = { "mse", "The scale of least squared error, which cuts off the largest weights.", mse_scale };
