/* SPDX-License-Identifier: LGPL-2.1-or-later
 * If: one of two subgraphs, by a condition (ONNX operators, If). */
#include "exec/run.h"

static gboolean
if_run (const PareRun *run, GError **error)
{
  const char *branch;
  PareTensor *condition;
  PareGraph *body;

  if (!pare_run_counts (run, 1, 1, error) || !pare_run_scalar (run, 0, &condition, error))
    return FALSE;
  branch = pare_tensor_get_int (condition, 0) ? "then_branch" : "else_branch";
  body = pare_run_body (run, branch, error);
  if (!body)
    return FALSE;
  if (body->outputs->len != run->n_outputs || body->inputs->len)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                       "its %s has %u inputs and %u outputs instead of none and %u.", branch, body->inputs->len,
                       body->outputs->len, run->n_outputs);
      return FALSE;
    }
  return pare_run_body_once (run, branch, NULL, run->outputs, error);
}

PARE_OPERATORS (if) = {
  { .name = "If", .run = if_run },
  { NULL },
};
