/* SPDX-License-Identifier: LGPL-2.1-or-later
 * And, Or, Xor and Not on bool. Any non-zero byte counts as true. */
#include "ops/rows.h"

PARE_ROW (, and_row, guint8, guint8, x &&z)
PARE_ROW (, or_row, guint8, guint8, x || z)
PARE_ROW (, xor_row, guint8, guint8, !x != !z)
PARE_ROW (, not_row, guint8, guint8, !(x | z))

static gboolean
logic_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_bool, error)
      || !pare_infer_require (infer, 1, pare_types_bool, error))
    return FALSE;
  infer->outputs[0].type = PARE_BOOL;
  return pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

static gboolean
and_forward (const PareKernel *kernel, GError **error)
{
  pare_broadcast (2, kernel->inputs, &kernel->outputs[0], and_row);
  return TRUE;
}

static gboolean
or_forward (const PareKernel *kernel, GError **error)
{
  pare_broadcast (2, kernel->inputs, &kernel->outputs[0], or_row);
  return TRUE;
}

static gboolean
xor_forward (const PareKernel *kernel, GError **error)
{
  pare_broadcast (2, kernel->inputs, &kernel->outputs[0], xor_row);
  return TRUE;
}

static gboolean
not_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_bool, error)
         && pare_infer_same (infer, error);
}

static gboolean
not_forward (const PareKernel *kernel, GError **error)
{
  pare_broadcast (2, (PareView[]){ kernel->inputs[0], kernel->inputs[0] }, &kernel->outputs[0], not_row);
  return TRUE;
}

PARE_OPERATORS (logic) = {
  { .name = "And", .infer = logic_infer, .forward = and_forward },
  { .name = "Or", .infer = logic_infer, .forward = or_forward },
  { .name = "Xor", .infer = logic_infer, .forward = xor_forward },
  { .name = "Not", .infer = not_infer, .forward = not_forward },
  { NULL },
};
