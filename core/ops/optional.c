/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Optional, OptionalHasElement and OptionalGetElement. An optional that holds something is that thing (ONNX operators,
 * Optional*). */
#include "exec/run.h"

static gboolean
optional_run (const PareRun *run, GError **error)
{
  PareTensor *element = pare_run_input (run, 0);

  if (!pare_run_counts (run, 0, 1, error))
    return FALSE;
  run->outputs[0] = element ? pare_tensor_ref (element) : pare_tensor_new_absent ();
  return TRUE;
}

static gboolean
has_element_run (const PareRun *run, GError **error)
{
  static const PareShape scalar = { 0 };
  const PareTensor *optional = pare_run_input (run, 0);
  guint8 has = optional && optional->type != PARE_ABSENT;

  if (!pare_run_counts (run, 0, 1, error))
    return FALSE;
  run->outputs[0] = pare_tensor_new_copy (PARE_BOOL, &scalar, &has);
  return TRUE;
}

static gboolean
get_element_run (const PareRun *run, GError **error)
{
  if (!pare_run_counts (run, 1, 1, error))
    return FALSE;
  if (run->inputs[0]->type == PARE_ABSENT)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "the optional is empty: there is no element to get.");
      return FALSE;
    }
  run->outputs[0] = pare_tensor_ref (run->inputs[0]);
  return TRUE;
}

PARE_OPERATORS (optional) = {
  { .name = "Optional", .since = 15, .run = optional_run },
  { .name = "OptionalHasElement", .since = 15, .run = has_element_run },
  { .name = "OptionalGetElement", .since = 15, .run = get_element_run },
  { NULL },
};
