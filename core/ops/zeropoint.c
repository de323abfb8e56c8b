/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales and zero points of operators that multiply 8-bit integers. */
#include "ops/zeropoint.h"

gboolean
pare_infer_one_or (const PareInfer *infer, guint index, gint64 n, const PareDataType *types, GError **error)
{
  gint64 elements;

  if (!pare_infer_has (infer, index))
    return TRUE;
  if (!pare_infer_require (infer, index, types, error))
    return FALSE;
  elements = pare_shape_elements (&infer->inputs[index].shape);
  if (elements == 1 || elements == n)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "input %u has %" G_GINT64_FORMAT " numbers instead of 1 or %" G_GINT64_FORMAT ".", index, elements,
                   n);
  return FALSE;
}

gint32
pare_kernel_zero_point (const PareKernel *kernel, guint index, gint64 i)
{
  const PareView *view = &kernel->inputs[index];

  if (!pare_kernel_has (kernel, index))
    return 0;
  i = pare_view_elements (view) == 1 ? 0 : i;
  return view->type == PARE_UINT8 ? ((const guint8 *)view->data)[i] : ((const gint8 *)view->data)[i];
}
