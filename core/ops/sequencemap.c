/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SequenceMap: a subgraph on each element of a sequence; further sequences are read beside it, tensors are the same
 * each time (ONNX operators, SequenceMap). */
#include "exec/run.h"
#include "ops/pieces.h"

static gboolean
check_inputs (const PareRun *run, const PareGraph *body, GError **error)
{
  const PareTensor *first = run->inputs[0];

  if (body->inputs->len != run->n_inputs || body->outputs->len != run->n_outputs)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                       "its body has %u inputs and %u outputs instead of %u and %u.", body->inputs->len,
                       body->outputs->len, run->n_inputs, run->n_outputs);
      return FALSE;
    }
  for (guint i = 0; i < run->n_inputs; i++)
    {
      const PareTensor *input = run->inputs[i];
      if (input && (!input->items || input->items->len >= first->items->len))
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "input %u is missing or a shorter sequence than input 0.",
                       i);
      return FALSE;
    }
  return TRUE;
}

/* Appends the results of element @index to @lists. */
static gboolean
map_one (const PareRun *run, guint index, GPtrArray **lists, GError **error)
{
  g_autofree PareTensor **inputs = g_new (PareTensor *, run->n_inputs);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, run->n_outputs);

  for (guint i = 0; i < run->n_inputs; i++)
    inputs[i] = run->inputs[i]->items ? run->inputs[i]->items->pdata[index] : run->inputs[i];
  if (!pare_run_body_once (run, "body", inputs, outputs, error))
    return FALSE;
  for (guint i = 0; i < run->n_outputs; i++)
    g_ptr_array_add (lists[i], outputs[i]);
  return TRUE;
}

static gboolean
map_run (const PareRun *run, GError **error)
{
  g_autofree GPtrArray **lists = g_new (GPtrArray *, run->n_outputs + 1);
  PareGraph *body;
  gboolean done = TRUE;

  if (!pare_run_counts (run, 1, G_MAXUINT, error) || !pare_run_require (run, 0, PARE_SEQUENCE, error)
      || !(body = pare_run_body (run, "body", error)) || !check_inputs (run, body, error))
    return FALSE;
  for (guint i = 0; i < run->n_outputs; i++)
    lists[i] = pare_pieces_new ();
  for (guint i = 0; done && i < run->inputs[0]->items->len; i++)
    done = map_one (run, i, lists, error);
  for (guint i = 0; i < run->n_outputs; i++)
    run->outputs[i] = pare_tensor_new_sequence (lists[i]);
  return done;
}

PARE_OPERATORS (sequencemap) = {
  { .name = "SequenceMap", .since = 17, .run = map_run },
  { NULL },
};
