/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LpNormalization (ONNX operator of that name): x / |x| along an axis, |x| the sum of the magnitudes or the root of the
 * sum of the squares; where that is 0, so is the result. */
#include "ops/infer.h"
#include <math.h>

static gboolean
normalize_infer (PareInfer *infer, GError **error)
{
  gint64 p = pare_node_get_int (infer->node, "p", 2);
  guint axis;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  if (p == 1 || p == 2)
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its p is neither 1 nor 2.");
  return FALSE;
}

static gboolean
normalize_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gint64 p = pare_node_get_int (kernel->node, "p", 2), n, inner;
  guint axis = 0;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, normalize_forward, error);
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), x->shape.rank, &axis);
  n = x->shape.dims[axis];
  inner = pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  for (gint64 i = 0; i < pare_shape_span (&x->shape, 0, axis) * inner; i++)
    {
      gint64 start = i / inner * n * inner + i % inner;
      const float *from = (const float *)x->data + start;
      float *to = (float *)kernel->outputs[0].data + start;
      double sum = 0;
      for (gint64 k = 0; k < n; k++)
        sum += p == 1 ? fabs ((double)from[k * inner]) : (double)from[k * inner] * from[k * inner];
      sum = p == 1 ? sum : sqrt (sum);
      for (gint64 k = 0; k < n; k++)
        to[k * inner] = sum == 0 ? 0 : from[k * inner] / sum;
    }
  return TRUE;
}

PARE_OPERATORS (lpnormalization) = {
  { .name = "LpNormalization", .infer = normalize_infer, .forward = normalize_forward },
  { NULL },
};
