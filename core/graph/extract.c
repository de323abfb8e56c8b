/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cutting a piece out of a graph. */
#include "graph/extract.h"

/* From now on @value comes from outside, whoever computed it. */
static void
detach (PareGraph *piece, PareValue *value)
{
  PareNode *producer = value->producer;
  guint index;

  if (!producer || !g_ptr_array_find (producer->outputs, value, &index))
    return;
  pare_node_set_output (producer, index, pare_graph_add_value_near (piece, value->name));
}

static PareValue *
twin_of (PareGraph *piece, const PareValue *value)
{
  PareValue *twin = pare_graph_find_value (piece, value->name);

  g_assert (twin);
  return twin;
}

static gboolean
check_closed (const PareGraph *piece, GError **error)
{
  for (guint i = 0; i < piece->values->len; i++)
    {
      const PareValue *value = piece->values->pdata[i];
      if (value->producer || value->constant || pare_graph_is_input (piece, value))
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "A piece of the network needs '%s', which comes from outside of it: choose other ends.",
                   value->name);
      return FALSE;
    }
  return TRUE;
}

PareGraph *
pare_graph_extract (const PareGraph *graph, guint n_inputs, PareValue *const *inputs, guint n_outputs,
                    PareValue *const *outputs, GError **error)
{
  g_autoptr (PareGraph) piece = pare_graph_copy (graph);

  for (guint i = 0; i < n_inputs; i++)
    detach (piece, twin_of (piece, inputs[i]));
  g_ptr_array_set_size (piece->inputs, 0);
  g_ptr_array_set_size (piece->outputs, 0);
  for (guint i = 0; i < n_inputs; i++)
    g_ptr_array_add (piece->inputs, twin_of (piece, inputs[i]));
  for (guint i = 0; i < n_outputs; i++)
    g_ptr_array_add (piece->outputs, twin_of (piece, outputs[i]));
  pare_graph_remove_dead (piece);
  return check_closed (piece, error) ? g_steal_pointer (&piece) : NULL;
}
