/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Identity: the data passes unchanged. */
#include "exec/run.h"
#include "ops/infer.h"
#include "sparsify/channels.h"
#include "train/gradient.h"

static gboolean
identity_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_stored, error)
         && pare_infer_same (infer, error);
}

static gboolean
identity_run (const PareRun *run, GError **error)
{
  if (!pare_run_counts (run, 1, 1, error))
    return FALSE;
  run->outputs[0] = pare_tensor_ref (run->inputs[0]);
  return TRUE;
}

static gboolean
identity_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  pare_gradient_add (gradient, 0, pare_gradient_of_output (gradient, 0));
  return TRUE;
}

PARE_OPERATORS (identity) = {
  { .name = "Identity",
    .infer = identity_infer,
    .forward = pare_forward_copy,
    .run = identity_run,
    .backward = identity_backward,
    .alias = TRUE,
    .factors = PARE_FACTORS_PASS,
    .channels = pare_channels_same,
    .quantize = PARE_QUANTIZE_PASS },
  { NULL },
};
