/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales of weights and the integers under them. */
#include "quantize/parameters.h"
#include "quantize/weight-algorithm.h"
#include <float.h>
#include <math.h>

PareWeightGrid
pare_weight_grid (guint bits, gboolean narrow)
{
  gint32 half = 1 << (bits - 1);

  return (PareWeightGrid){ narrow ? 1 - half : -half, half - 1 };
}

PareDataType
pare_weight_grid_type (const PareWeightGrid *grid)
{
  return grid->highest > G_MAXINT8 ? PARE_INT16 : PARE_INT8;
}

/* The weight's numbers, those of each scale together. */
typedef struct
{
  const float *weights;
  float *sorted;
  gint64 *ends; /* of what was put in so far, per scale */
} Sorting;

static void
count_row (gint64 offset, gint64 n, gint64 scale, gint64 step, gpointer user_data)
{
  gint64 *counts = user_data;

  for (gint64 i = 0; i < (step ? n : 1); i++)
    counts[scale + i] += step ? 1 : n;
}

static void
sort_row (gint64 offset, gint64 n, gint64 scale, gint64 step, gpointer user_data)
{
  Sorting *sorting = user_data;

  for (gint64 i = 0; i < n; i++)
    sorting->sorted[sorting->ends[scale + i * step]++] = sorting->weights[offset + i];
}

/* Scale of each of the @n sets of numbers. */
static void
choose_scales (const PareTensor *weight, const PareGranularity *granularity, const PareWeightGrid *grid,
               const PareWeightAlgorithm *algorithm, gint64 n, float *scales)
{
  g_autofree gint64 *ends = g_new0 (gint64, n + 1);
  g_autofree float *sorted = g_new (float, MAX (pare_tensor_elements (weight), 1));
  Sorting sorting = { pare_tensor_data (weight), sorted, ends };

  pare_granularity_walk (granularity, &weight->shape, count_row, ends + 1);
  for (gint64 i = 1; i <= n; i++)
    ends[i] += ends[i - 1];
  /* Sorting moves the start of each set to its end, which is where the next one started. */
  pare_granularity_walk (granularity, &weight->shape, sort_row, &sorting);
  for (gint64 i = 0, start = 0; i < n; start = ends[i++])
    scales[i] = algorithm->scale (sorted + start, ends[i] - start, grid);
}

static float
largest_of (const float *numbers, gint64 n)
{
  float largest = 0;

  for (gint64 i = 0; i < n; i++)
    largest = MAX (largest, numbers[i]);
  return largest;
}

PareTensor *
pare_weight_scales (const PareTensor *weight, const PareGranularity *granularity, const PareWeightGrid *grid,
                    const PareWeightAlgorithm *algorithm, const float *floors, guint *raised)
{
  PareShape shape = pare_granularity_scales (granularity, &weight->shape);
  gint64 n = pare_shape_elements (&shape);
  g_autofree float *scales = g_new (float, MAX (n, 1));
  float largest;
  guint raises = 0;

  choose_scales (weight, granularity, grid, algorithm, n, scales);
  largest = largest_of (scales, n);
  /* A channel without weights must still resolve its bias: it takes the layer's scale. */
  for (gint64 i = 0; i < n; i++)
    {
      float least = floors ? floors[i] : 0;
      raises += scales[i] >= FLT_MIN && scales[i] < least;
      scales[i] = MAX (scales[i], least);
      if (!(scales[i] >= FLT_MIN))
        scales[i] = largest >= FLT_MIN ? largest : 1;
    }
  if (raised)
    *raised = raises;
  return pare_tensor_new_floats (&shape, scales);
}

typedef struct
{
  const float *weights, *scales;
  float lowest, highest;
  float *integers;
} Rounding;

static void
round_row (gint64 offset, gint64 n, gint64 scale, gint64 step, gpointer user_data)
{
  const Rounding *rounding = user_data;
  const float *weights = rounding->weights + offset, *scales = rounding->scales + scale;
  float *integers = rounding->integers + offset;

  for (gint64 i = 0; i < n; i++)
    integers[i] = CLAMP (nearbyintf (weights[i] / scales[i * step]), rounding->lowest, rounding->highest);
}

PareTensor *
pare_weight_quantize (const PareTensor *weight, const PareGranularity *granularity, const PareTensor *scales,
                      const PareWeightGrid *grid)
{
  gint64 n = pare_tensor_elements (weight);
  PareDataType type = pare_weight_grid_type (grid);
  g_autofree float *integers = g_new (float, MAX (n, 1));
  Rounding rounding = { pare_tensor_data (weight), pare_tensor_data (scales), grid->lowest, grid->highest, integers };
  gpointer data = g_malloc (MAX (pare_data_size (type, n), 1));

  pare_granularity_walk (granularity, &weight->shape, round_row, &rounding);
  g_assert (pare_convert (PARE_FLOAT32, integers, type, data, n));
  return pare_tensor_new_take (type, &weight->shape, data);
}

typedef struct
{
  const float *weights, *scales;
  float lowest, highest;
  double signal, noise;
} Noise;

static void
measure_row (gint64 offset, gint64 n, gint64 scale, gint64 step, gpointer user_data)
{
  Noise *noise = user_data;
  const float *weights = noise->weights + offset, *scales = noise->scales + scale;

  for (gint64 i = 0; i < n; i++)
    {
      float rounded = CLAMP (nearbyintf (weights[i] / scales[i * step]), noise->lowest, noise->highest);
      double difference = weights[i] - rounded * scales[i * step];
      noise->signal += (double)weights[i] * weights[i];
      noise->noise += difference * difference;
    }
}

double
pare_weight_sqnr (const PareTensor *weight, const PareGranularity *granularity, const PareTensor *scales,
                  const PareWeightGrid *grid)
{
  Noise noise = { pare_tensor_data (weight), pare_tensor_data (scales), grid->lowest, grid->highest };

  pare_granularity_walk (granularity, &weight->shape, measure_row, &noise);
  return noise.noise > 0 ? 10 * log10 (noise.signal / noise.noise) : INFINITY;
}
