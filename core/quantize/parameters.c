/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales and zero points. */
#include "quantize/parameters.h"
#include <float.h>
#include <math.h>

PareQuantizeParameters
pare_quantize_parameters (const PareRange *range, gboolean symmetric)
{
  float low = MIN (range->low, 0), high = MAX (range->high, 0);
  float scale = symmetric ? MAX (-low, high) / 127 : (float)(((double)high - low) / 255);

  /* A value that never leaves zero; any scale will do. */
  if (!(scale >= FLT_MIN))
    scale = 1;
  if (symmetric)
    return (PareQuantizeParameters){ PARE_INT8, scale, 0 };
  return (PareQuantizeParameters){ PARE_UINT8, scale, CLAMP ((gint32) lrintf (-low / scale), 0, 255) };
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

PareTensor *
pare_weight_scales (const PareTensor *weight, guint axis, gboolean per_channel, const float *bias_floor)
{
  gint64 channels = weight->shape.dims[axis];
  PareShape shape = per_channel ? pare_shape (1, &channels) : (PareShape){ 0 };
  gint64 n = per_channel ? channels : 1;
  g_autofree float *scales = g_new0 (float, channels);
  float largest = 0, floor = 0;

  magnitudes (weight, axis, scales);
  for (gint64 c = 0; c < channels; c++)
    {
      largest = MAX (largest, scales[c] / 127);
      floor = bias_floor ? MAX (floor, bias_floor[c]) : 0;
    }
  /* A channel without weights must still resolve its bias: it takes the layer's scale. */
  for (gint64 c = 0; c < n; c++)
    {
      float scale = per_channel ? scales[c] / 127 : largest;
      scale = MAX (scale, per_channel ? (bias_floor ? bias_floor[c] : 0) : floor);
      scales[c] = scale >= FLT_MIN ? scale : largest >= FLT_MIN ? largest : 1;
    }
  return pare_tensor_new_floats (&shape, scales);
}

PareTensor *
pare_weight_quantize (const PareTensor *weight, guint axis, const PareTensor *scales)
{
  const float *data = pare_tensor_data (weight), *scale = pare_tensor_data (scales);
  gint64 channels = pare_tensor_elements (scales);
  gint64 inner = channels > 1 ? pare_shape_span (&weight->shape, axis + 1, weight->shape.rank) : 1;
  gint64 n = pare_tensor_elements (weight);
  gint8 *integers = g_new (gint8, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    integers[i] = CLAMP (nearbyintf (data[i] / scale[channels > 1 ? i / inner % channels : 0]), -128.f, 127.f);
  return pare_tensor_new_take (PARE_INT8, &weight->shape, integers);
}
