/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the operators on accumulators check and read the same way. */
#include "ops/accumulators.h"
#include <float.h>
#include <math.h>

static const PareDataType float_types[] = { PARE_FLOAT32, 0 };

gboolean
pare_accumulators_infer (const PareInfer *infer, guint first, guint n_inputs, guint *axis, GError **error)
{
  gint64 scales;

  if (!pare_infer_counts (infer, n_inputs, n_inputs, error))
    return FALSE;
  for (guint i = 0; i < n_inputs; i++)
    if (!pare_infer_require (infer, i, float_types, error))
      return FALSE;
  if (!pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[first].shape.rank, axis,
                        error))
    return FALSE;
  scales = pare_shape_elements (&infer->inputs[first + 2].shape);
  if (pare_shape_elements (&infer->inputs[first + 1].shape) == 1
      && (scales == 1 || scales == infer->inputs[first].shape.dims[*axis]))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "there is not one scale of its data, and one or one per channel of its weight.");
  return FALSE;
}

void
pare_accumulators_read (const PareKernel *kernel, guint first, PareAccumulators *accumulators)
{
  const PareView *y = &kernel->inputs[first];
  const float *data = kernel->inputs[first + 1].data, *weight = kernel->inputs[first + 2].data;
  gboolean per_channel = pare_view_elements (&kernel->inputs[first + 2]) > 1;
  guint axis = 0;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), y->shape.rank, &axis);
  *accumulators = (PareAccumulators){ pare_shape_span (&y->shape, 0, axis), y->shape.dims[axis],
                                      pare_shape_span (&y->shape, axis + 1, y->shape.rank), NULL };
  accumulators->steps = g_new (float, MAX (accumulators->channels, 1));
  for (gint64 c = 0; c < accumulators->channels; c++)
    /* Scales that are being learnt are reflected at zero, as in pare_grid_from_scale(). */
    accumulators->steps[c] = MAX (fabsf (data[0] * weight[per_channel ? c : 0]), FLT_MIN);
}

void
pare_accumulators_clear (PareAccumulators *accumulators)
{
  g_clear_pointer (&accumulators->steps, g_free);
}

PareShift
pare_shift_of (float step, guint n)
{
  return (PareShift){ step, ldexpf (1, n), ldexpf (1, -(int)n) };
}
