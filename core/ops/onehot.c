/* SPDX-License-Identifier: LGPL-2.1-or-later
 * OneHot: each index becomes a row of "off" with one "on"; an index out of range becomes all "off". */
#include "ops/infer.h"
#include <string.h>

static gboolean
onehot_infer (PareInfer *infer, GError **error)
{
  const PareShape *indices;
  PareShape *to = &infer->outputs[0].shape;
  gint64 depth;
  guint axis, next = 0;

  if (!pare_infer_counts (infer, 3, 3, error) || !pare_infer_require (infer, 0, pare_types_number, error)
      || !pare_infer_require (infer, 1, pare_types_number, error)
      || !pare_infer_require (infer, 2, pare_types_plain, error) || !pare_infer_require_constant (infer, 1, error)
      || !pare_infer_rank (infer, (gint64)infer->inputs[0].shape.rank + 1, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[0].shape.rank + 1, &axis,
                           error))
    return FALSE;
  depth = pare_tensor_elements (infer->constants[1]) == 1 ? pare_tensor_get_int (infer->constants[1], 0) : 0;
  if (depth < 1 || pare_shape_elements (&infer->inputs[2].shape) != 2)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "the depth is not a number above 0, or the values are not two.");
      return FALSE;
    }
  indices = &infer->inputs[0].shape;
  infer->outputs[0].type = infer->inputs[2].type;
  to->rank = indices->rank + 1;
  for (guint i = 0; i < to->rank; i++)
    to->dims[i] = i == axis ? depth : indices->dims[next++];
  return TRUE;
}

static gboolean
onehot_forward (const PareKernel *kernel, GError **error)
{
  const PareView *y = &kernel->outputs[0];
  const guint8 *values = kernel->inputs[2].data;
  gsize size = pare_data_type_bits (y->type) / 8;
  g_autofree gint64 *indices = NULL;
  gint64 depth, inner;
  guint axis = 0, n;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), y->shape.rank, &axis);
  depth = y->shape.dims[axis];
  inner = pare_shape_span (&y->shape, axis + 1, y->shape.rank);
  indices = pare_kernel_ints (kernel, 0, NULL, &n);
  for (gint64 i = 0; i < pare_view_elements (y); i++)
    {
      gint64 index = indices[i / (inner * depth) * inner + i % inner];
      gboolean on = (index < 0 ? index + depth : index) == i / inner % depth;
      memcpy ((guint8 *)y->data + i * size, values + on * size, size);
    }
  return TRUE;
}

PARE_OPERATORS (onehot) = {
  { .name = "OneHot", .since = 9, .infer = onehot_infer, .forward = onehot_forward },
  { NULL },
};
