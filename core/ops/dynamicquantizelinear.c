/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DynamicQuantizeLinear: uint8 with scale and zero point from the data's own range, widened to hold 0. */
#include "ops/infer.h"
#include "ops/vector.h"
#include <math.h>

static gboolean
dynamic_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require_float32 (infer, 0, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_UINT8, infer->inputs[0].shape };
  if (pare_infer_wants (infer, 1))
    infer->outputs[1] = (PareSpec){ PARE_FLOAT32, pare_shape_of (0) };
  if (pare_infer_wants (infer, 2))
    infer->outputs[2] = (PareSpec){ PARE_UINT8, pare_shape_of (0) };
  return TRUE;
}

static gboolean
dynamic_forward (const PareKernel *kernel, GError **error)
{
  const float *x = kernel->inputs[0].data;
  guint8 *y = kernel->outputs[0].data;
  gint64 n = pare_view_elements (&kernel->inputs[0]);
  float low = 0, high = 0, scale, zero;

  for (gint64 i = 0; i < n; i++)
    {
      low = x[i] < low ? x[i] : low;
      high = x[i] > high ? x[i] : high;
    }
  if (!isfinite (low) || !isfinite (high))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, kernel->node, "the data is not finite and has no range.");
      return FALSE;
    }
  scale = high > low ? (high - low) / 255 : 1;
  zero = pare_round_small (CLAMP (-low / scale, 0, 255));
  for (gint64 i = 0; i < n; i++)
    y[i] = CLAMP (pare_round_small (x[i] / scale) + zero, 0, 255);
  if (pare_kernel_wants (kernel, 1))
    *(float *)kernel->outputs[1].data = scale;
  if (pare_kernel_wants (kernel, 2))
    *(guint8 *)kernel->outputs[2].data = zero;
  return TRUE;
}

PARE_OPERATORS (dynamicquantizelinear) = {
  { .name = "DynamicQuantizeLinear", .since = 11, .infer = dynamic_infer, .forward = dynamic_forward },
  { NULL },
};
