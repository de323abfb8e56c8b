/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Hardmax: one at the first of the highest numbers, zero elsewhere. Since opset 13 along one axis; before, over all
 * axes from the given one on. */
#include "ops/infer.h"
#include <string.h>

static gint64
axis_of (const PareNode *node, gint64 opset)
{
  return pare_node_get_int (node, "axis", opset < 13 ? 1 : -1);
}

static gboolean
hardmax_infer (PareInfer *infer, GError **error)
{
  guint axis;

  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_widened, error)
         && pare_infer_axis (infer, axis_of (infer->node, infer->opset), infer->inputs[0].shape.rank, &axis, error)
         && pare_infer_same (infer, error);
}

static gboolean
hardmax_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *shape = &kernel->inputs[0].shape;
  const float *x = kernel->inputs[0].data;
  float *y = kernel->outputs[0].data;
  gint64 n, inner, all = pare_shape_elements (shape);
  guint axis = 0;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, hardmax_forward, error);
  pare_axis_normalize (axis_of (kernel->node, kernel->opset), shape->rank, &axis);
  n = kernel->opset < 13 ? pare_shape_span (shape, axis, shape->rank) : shape->dims[axis];
  inner = kernel->opset < 13 ? 1 : pare_shape_span (shape, axis + 1, shape->rank);
  memset (y, 0, all * sizeof *y);
  for (gint64 column = 0; n && column < all / n; column++)
    {
      gint64 at = column / inner * n * inner + column % inner, best = at;
      for (gint64 i = 1; i < n; i++)
        if (x[at + i * inner] > x[best])
          best = at + i * inner;
      y[best] = 1;
    }
  return TRUE;
}

PARE_OPERATORS (hardmax) = {
  { .name = "Hardmax", .infer = hardmax_infer, .forward = hardmax_forward },
  { NULL },
};
