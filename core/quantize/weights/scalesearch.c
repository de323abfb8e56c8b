/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The best of a list of scales, and then of finer ones about it. */
#include "quantize/weights/scalesearch.h"
#include "quantize/weight-algorithm.h"
#include <float.h>
#include <math.h>

/* Equal steps down from the scale that cuts off nothing, to a fifth of it. */
#define STEPS 40
#define STEP 0.02f
/* Then between the neighbours of the best one, as the error has many small dents with more bits. */
#define FINE_STEPS 8

typedef struct
{
  const float *weights;
  gsize n;
  const PareWeightGrid *grid;
  double gain;
} Problem;

typedef struct
{
  float scale;
  double error;
} Candidate;

static double
error_of (const Problem *problem, float scale)
{
  const float *weights = problem->weights;
  float lowest = problem->grid->lowest, highest = problem->grid->highest;
  double error = 0, along = 0, power = 0;

  for (gsize i = 0; i < problem->n; i++)
    {
      float difference = CLAMP (nearbyintf (weights[i] / scale), lowest, highest) * scale - weights[i];
      error += (double)difference * difference;
      along += (double)difference * weights[i];
      power += (double)weights[i] * weights[i];
    }
  return power > 0 ? error + problem->gain * along * along / power : error;
}

/* The best of @best, and of @n scales from @from on. */
static Candidate
search (Candidate best, const Problem *problem, float from, float step, guint n)
{
  for (guint k = 0; k < n; k++)
    {
      Candidate candidate = { from + k * step };
      candidate.error = error_of (problem, candidate.scale);
      if (candidate.error < best.error)
        best = candidate;
    }
  return best;
}

float
pare_scale_search (const float *weights, gsize n, const PareWeightGrid *grid, double gain)
{
  const Problem problem = { weights, n, grid, gain };
  float full = pare_weight_algorithm_minmax.scale (weights, n, grid), step = STEP * full;
  float fine = 2 * step / (FINE_STEPS + 1);
  Candidate best = { full, INFINITY };

  if (!(full >= FLT_MIN))
    return full;
  best = search (best, &problem, full, -step, STEPS);
  best = search (best, &problem, best.scale - step + fine, fine, FINE_STEPS);
  return best.scale;
}
