/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cast and CastLike between numeric types and bool; floats to integers truncate. Strings are a matter of caststring.c.
 */
#include "ops/caststring.h"
#include "ops/infer.h"
#include "sparsify/channels.h"
#include "train/gradient.h"

static gboolean
check_target (PareInfer *infer, gint64 target, GError **error)
{
  for (const PareDataType *type = pare_types_stored; *type; type++)
    if (*type == target)
      {
        infer->outputs[0] = (PareSpec){ *type, infer->inputs[0].shape };
        return TRUE;
      }
  pare_node_error (error, target == PARE_STRING ? PARE_ERROR_DATA_DEPENDENT : PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                   "casting to type %s is not possible here.",
                   pare_data_type_name (target >= 0 && target < PARE_DATA_TYPES ? target : PARE_UNDEFINED));
  return FALSE;
}

static gboolean
cast_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_stored, error)
         && check_target (infer, pare_node_get_int (infer->node, "to", PARE_UNDEFINED), error);
}

static gboolean
cast_like_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 2, 2, error) && pare_infer_require (infer, 0, pare_types_stored, error)
         && pare_infer_require (infer, 1, NULL, error) && check_target (infer, infer->inputs[1].type, error);
}

static gboolean
cast_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];

  pare_convert (x->type, x->data, y->type, y->data, pare_view_elements (x));
  return TRUE;
}

static gboolean
cast_run (const PareRun *run, GError **error)
{
  return pare_run_counts (run, 1, 1, error)
         && pare_run_cast (run, (PareDataType)pare_node_get_int (run->node, "to", PARE_UNDEFINED), error);
}

static gboolean
cast_like_run (const PareRun *run, GError **error)
{
  return pare_run_counts (run, 2, 2, error) && pare_run_cast (run, run->inputs[1]->type, error);
}

static gboolean
cast_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  pare_gradient_add (
      gradient, 0,
      pare_gradient_call (gradient, "CastLike", pare_gradient_of_output (gradient, 0), pare_node_input (node, 0)));
  return TRUE;
}

PARE_OPERATORS (cast) = {
  { .name = "Cast",
    .since = 6,
    .infer = cast_infer,
    .forward = cast_forward,
    .run = cast_run,
    .backward = cast_backward,
    .channels = pare_channels_same },
  { .name = "CastLike",
    .infer = cast_like_infer,
    .forward = cast_forward,
    .run = cast_like_run,
    .backward = cast_backward,
    .shape_inputs = 1 << 1,
    .channels = pare_channels_same },
  { NULL },
};
