/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales and zero points. */
#include "quantize/parameters.h"
#include <float.h>
#include <math.h>

PareQuantizeParameters
pare_quantize_parameters (const PareRange *range, guint bits, gboolean symmetric)
{
  float low = MIN (range->low, 0), high = MAX (range->high, 0);
  gint32 most = (1 << bits) - 1, half = 1 << (bits - 1);
  float scale = symmetric ? MAX (-low, high) / (half - 1) : (float)(((double)high - low) / most);

  /* A value that never leaves zero; any scale will do. */
  if (!(scale >= FLT_MIN))
    scale = 1;
  if (symmetric)
    return (PareQuantizeParameters){ PARE_INT8, scale, 0, -half, half - 1 };
  return (PareQuantizeParameters){ PARE_UINT8, scale, CLAMP ((gint32)lrintf (-low / scale), 0, most), 0, most };
}

PareWeightGrid
pare_weight_grid (guint bits, gboolean narrow)
{
  gint32 half = 1 << (bits - 1);

  return (PareWeightGrid){ narrow ? 1 - half : -half, half - 1 };
}

/* Largest magnitude per index of @axis. */
static void
magnitudes (const PareTensor *weight, guint axis, float *largest)
{
  const float *data = pare_tensor_data (weight);
  gint64 channels = weight->shape.dims[axis];
  gint64 inner = pare_shape_span (&weight->shape, axis + 1, weight->shape.rank);
  gint64 n = pare_tensor_elements (weight);

  for (gint64 i = 0; i < n; i++)
    {
      gint64 c = i / inner % channels;
      largest[c] = MAX (largest[c], fabsf (data[i]));
    }
}

/* Sum of the squared errors of channel @c (-1: of all) on the grid of @scale. */
static double
squared_error (const PareTensor *weight, guint axis, gint64 c, float scale, const PareWeightGrid *grid)
{
  const float *data = pare_tensor_data (weight);
  gint64 channels = weight->shape.dims[axis];
  gint64 inner = c < 0 ? pare_tensor_elements (weight) : pare_shape_span (&weight->shape, axis + 1, weight->shape.rank);
  gint64 outer = c < 0 ? 1 : pare_shape_span (&weight->shape, 0, axis);
  float lowest = grid->lowest, highest = grid->highest;
  double sum = 0;

  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < inner; i++)
      {
        float w = data[(o * (c < 0 ? 0 : channels) + MAX (c, 0)) * inner + i];
        float difference = CLAMP (nearbyintf (w / scale), lowest, highest) * scale - w;
        sum += (double)difference * difference;
      }
  return sum;
}

#define CANDIDATES 40
#define SMALLEST 0.2f /* of the scale that cuts off nothing */

/* The grids that a few bits leave are so coarse that cutting off the rare large weights pays. */
static float
best_scale (const PareTensor *weight, guint axis, gint64 c, float largest, const PareWeightGrid *grid)
{
  float full = largest / grid->highest, best = full;
  double least = INFINITY;

  if (!(full >= FLT_MIN))
    return full;
  for (guint k = 0; k < CANDIDATES; k++)
    {
      float scale = full * (1 - k * (1 - SMALLEST) / CANDIDATES);
      double error = squared_error (weight, axis, c, scale, grid);
      if (error < least)
        {
          least = error;
          best = scale;
        }
    }
  return best;
}

PareTensor *
pare_weight_scales (const PareTensor *weight, guint axis, gboolean per_channel, const PareWeightGrid *grid,
                    const float *bias_floor)
{
  gint64 channels = weight->shape.dims[axis];
  PareShape shape = per_channel ? pare_shape (1, &channels) : (PareShape){ 0 };
  gint64 n = per_channel ? channels : 1;
  gint32 highest = grid->highest;
  g_autofree float *scales = g_new0 (float, channels);
  float largest = 0, floor = 0;

  magnitudes (weight, axis, scales);
  for (gint64 c = 0; c < channels; c++)
    {
      largest = MAX (largest, scales[c] / highest);
      floor = bias_floor ? MAX (floor, bias_floor[c]) : 0;
    }
  /* A channel without weights must still resolve its bias: it takes the layer's scale. */
  for (gint64 c = 0; c < n; c++)
    {
      float scale = per_channel ? scales[c] / highest : largest;
      if (highest < G_MAXINT8)
        scale = best_scale (weight, axis, per_channel ? c : -1, per_channel ? scales[c] : largest * highest, grid);
      scale = MAX (scale, per_channel ? (bias_floor ? bias_floor[c] : 0) : floor);
      scales[c] = scale >= FLT_MIN ? scale : largest >= FLT_MIN ? largest : 1;
    }
  return pare_tensor_new_floats (&shape, scales);
}

PareTensor *
pare_weight_quantize (const PareTensor *weight, guint axis, const PareTensor *scales, const PareWeightGrid *grid)
{
  const float *data = pare_tensor_data (weight), *scale = pare_tensor_data (scales);
  gint64 channels = pare_tensor_elements (scales);
  gint64 inner = channels > 1 ? pare_shape_span (&weight->shape, axis + 1, weight->shape.rank) : 1;
  gint64 n = pare_tensor_elements (weight);
  gint8 *integers = g_new (gint8, MAX (n, 1));
  float lowest = grid->lowest, highest = grid->highest;

  for (gint64 i = 0; i < n; i++)
    integers[i] = CLAMP (nearbyintf (data[i] / scale[channels > 1 ? i / inner % channels : 0]), lowest, highest);
  return pare_tensor_new_take (PARE_INT8, &weight->shape, integers);
}
