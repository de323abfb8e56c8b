/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IsNaN and IsInf: float in, bool out. */
#include "ops/infer.h"
#include <math.h>

static gboolean
float_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_float, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_BOOL, infer->inputs[0].shape };
  return TRUE;
}

static gboolean
isnan_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  guint8 *y = kernel->outputs[0].data;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, isnan_forward, error);
  for (gint64 i = 0; i < pare_view_elements (x); i++)
    y[i] = x->type == PARE_FLOAT32 ? isnan (((float *)x->data)[i]) != 0 : isnan (((double *)x->data)[i]) != 0;
  return TRUE;
}

static gboolean
isinf_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gboolean positive = pare_node_get_int (kernel->node, "detect_positive", 1);
  gboolean negative = pare_node_get_int (kernel->node, "detect_negative", 1);
  guint8 *y = kernel->outputs[0].data;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, isinf_forward, error);
  for (gint64 i = 0; i < pare_view_elements (x); i++)
    {
      double value = x->type == PARE_FLOAT32 ? ((float *)x->data)[i] : ((double *)x->data)[i];
      y[i] = (positive && value == INFINITY) || (negative && value == -INFINITY);
    }
  return TRUE;
}

PARE_OPERATORS (isnan) = {
  { .name = "IsNaN", .since = 9, .infer = float_infer, .forward = isnan_forward },
  { .name = "IsInf", .since = 10, .infer = float_infer, .forward = isinf_forward },
  { NULL },
};
