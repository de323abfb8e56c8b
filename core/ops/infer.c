/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What infer functions of many operators check the same way. */
#include "ops/infer.h"

const PareDataType pare_types_float32[] = { PARE_FLOAT32, 0 };
const PareDataType pare_types_widened[] = { PARE_FLOAT32, PARE_TYPES_HALF, 0 };
const PareDataType pare_types_float[] = { PARE_TYPES_FLOAT, 0 };
const PareDataType pare_types_number[] = { PARE_TYPES_NUMBER, 0 };
const PareDataType pare_types_plain[] = { PARE_TYPES_PLAIN, 0 };
const PareDataType pare_types_stored[] = { PARE_TYPES_PLAIN, PARE_TYPES_PACKED, 0 };
const PareDataType pare_types_index[] = { PARE_INT64, PARE_INT32, 0 };
const PareDataType pare_types_bool[] = { PARE_BOOL, 0 };

gboolean
pare_infer_has (const PareInfer *infer, guint index)
{
  return index < infer->n_inputs && infer->inputs[index].type != PARE_UNDEFINED;
}

gboolean
pare_infer_wants (const PareInfer *infer, guint index)
{
  return index < infer->n_outputs && infer->node->outputs->pdata[index];
}

gboolean
pare_kernel_has (const PareKernel *kernel, guint index)
{
  return index < kernel->n_inputs && kernel->inputs[index].type != PARE_UNDEFINED;
}

gboolean
pare_kernel_wants (const PareKernel *kernel, guint index)
{
  return index < kernel->n_outputs && kernel->outputs[index].type != PARE_UNDEFINED;
}

gint64
pare_view_elements (const PareView *view)
{
  return pare_shape_elements (&view->shape);
}

gboolean
pare_infer_counts (const PareInfer *infer, guint low, guint high, GError **error)
{
  if (infer->n_inputs < low || infer->n_inputs > high)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has %u inputs, but takes %u to %u.", infer->n_inputs,
                       low, high);
      return FALSE;
    }
  if (!pare_infer_wants (infer, 0))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its first output is missing.");
      return FALSE;
    }
  return TRUE;
}

gboolean
pare_infer_require_one_type (const PareInfer *infer, guint index, GError **error)
{
  for (guint i = index; i < infer->n_inputs; i++)
    if (pare_infer_has (infer, i) && infer->inputs[i].type != infer->inputs[0].type)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u is %s, but input 0 is %s.", i,
                         pare_data_type_name (infer->inputs[i].type), pare_data_type_name (infer->inputs[0].type));
        return FALSE;
      }
  return TRUE;
}

static gboolean
require_float32 (const PareNode *node, guint index, PareDataType type, GError **error)
{
  if (type != PARE_FLOAT32)
    pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "input %u is %s, but only float32 can be executed.",
                     index, pare_data_type_name (type));
  return type == PARE_FLOAT32;
}

gboolean
pare_infer_require_float32 (const PareInfer *infer, guint index, GError **error)
{
  return pare_infer_require (infer, index, NULL, error)
         && require_float32 (infer->node, index, infer->inputs[index].type, error);
}

gboolean
pare_kernel_require_float32 (const PareKernel *kernel, guint index, GError **error)
{
  return require_float32 (kernel->node, index, kernel->inputs[index].type, error);
}

gboolean
pare_infer_require_rank (const PareInfer *infer, guint index, guint rank, GError **error)
{
  if (infer->inputs[index].shape.rank == rank)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u has %u dimensions instead of %u.", index,
                   infer->inputs[index].shape.rank, rank);
  return FALSE;
}

gboolean
pare_infer_axis (const PareInfer *infer, gint64 axis, guint rank, guint *normalized, GError **error)
{
  if (pare_axis_normalize (axis, rank, normalized))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "axis %" G_GINT64_FORMAT " is out of range for %u dimensions.", axis, rank);
  return FALSE;
}

gboolean
pare_infer_axes (const PareInfer *infer, const gint64 *axes, guint n, guint rank, gboolean marks[PARE_MAX_RANK],
                 GError **error)
{
  for (guint i = 0; i < PARE_MAX_RANK; i++)
    marks[i] = FALSE;
  for (guint i = 0; i < n; i++)
    {
      guint axis;
      if (!pare_infer_axis (infer, axes[i], rank, &axis, error))
        return FALSE;
      if (marks[axis])
        {
          pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "axis %u is given twice.", axis);
          return FALSE;
        }
      marks[axis] = TRUE;
    }
  return TRUE;
}

gboolean
pare_infer_rank (const PareInfer *infer, gint64 n, GError **error)
{
  if (n >= 0 && n <= PARE_MAX_RANK)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "its output would have %" G_GINT64_FORMAT " dimensions; at most %d are possible.", n, PARE_MAX_RANK);
  return FALSE;
}

#define GRADIENT_OPSET 17

gboolean
pare_infer_gradient (const PareInfer *infer, gboolean (*forward) (PareInfer *infer, GError **error), guint n,
                     const guint *order, guint dy, GError **error)
{
  g_autofree PareSpec *inputs = g_new0 (PareSpec, n);
  g_autofree PareTensor **constants = g_new0 (PareTensor *, n);
  g_autofree PareSpec *outputs = g_new0 (PareSpec, MAX (infer->n_outputs, 1));
  PareInfer original = { infer->node, GRADIENT_OPSET, n, inputs, constants, infer->n_outputs, outputs };

  for (guint i = 0; i < n; i++)
    if (order[i] < infer->n_inputs)
      {
        inputs[i] = infer->inputs[order[i]];
        constants[i] = infer->constants[order[i]];
      }
  if (!pare_infer_require_float32 (infer, dy, error) || !forward (&original, error))
    return FALSE;
  if (outputs[0].type == PARE_FLOAT32 && pare_shape_equal (&outputs[0].shape, &infer->inputs[dy].shape))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "the gradient has not the shape of what it is the gradient by.");
  return FALSE;
}
