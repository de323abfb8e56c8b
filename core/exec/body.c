/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Nodes outside of plans: their arguments, and their subgraphs, which run as networks of their own. */
#include "exec/executor.h"
#include "exec/run.h"

PareTensor *
pare_run_input (const PareRun *run, guint index)
{
  return index < run->n_inputs ? run->inputs[index] : NULL;
}

gboolean
pare_run_counts (const PareRun *run, guint low, guint high, GError **error)
{
  if (run->n_inputs < low || run->n_inputs > high || !pare_node_output (run->node, 0))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                       "it has %u inputs and %u outputs, but takes %u to %u inputs.", run->n_inputs, run->n_outputs,
                       low, high);
      return FALSE;
    }
  for (guint i = 0; i < low; i++)
    if (!run->inputs[i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, run->node, "input %u is missing.", i);
        return FALSE;
      }
  return TRUE;
}

gboolean
pare_run_require (const PareRun *run, guint index, PareDataType type, GError **error)
{
  const PareTensor *input = pare_run_input (run, index);

  if (input && input->type == type)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "input %u is %s instead of %s.", index,
                   input ? pare_data_type_name (input->type) : "missing", pare_data_type_name (type));
  return FALSE;
}

gboolean
pare_run_scalar (const PareRun *run, guint index, PareTensor **scalar, GError **error)
{
  *scalar = pare_run_input (run, index);
  if (*scalar && pare_data_type_bits ((*scalar)->type) && pare_tensor_elements (*scalar) == 1)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "input %u is not one number.", index);
  return FALSE;
}

PareGraph *
pare_run_body (const PareRun *run, const char *name, GError **error)
{
  const PareAttribute *attribute = pare_node_attribute (run->node, name);

  if (attribute && attribute->type == PARE_ATTRIBUTE_GRAPH)
    return attribute->u.graph;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its subgraph '%s' is missing.", name);
  return NULL;
}

/* The body as a network that needs nobody: what it reads from outside are inputs behind its own, or constants. */
static PareGraph *
make_independent (const PareGraph *body)
{
  PareGraph *copy = pare_graph_copy (body);
  const PareGraph *outermost = body;

  while (outermost->outer)
    outermost = outermost->outer;
  for (guint i = 0; i < outermost->opsets->len; i++)
    {
      const PareOpset *opset = &g_array_index (outermost->opsets, PareOpset, i);
      pare_graph_set_opset (copy, opset->domain, opset->version);
    }
  /* What files say of them is often wrong, since nobody looks. */
  for (guint i = 0; i < copy->inputs->len; i++)
    {
      PareValue *input = copy->inputs->pdata[i];
      input->type = PARE_UNDEFINED;
      input->has_shape = FALSE;
    }
  for (guint i = 0; i < copy->values->len; i++)
    {
      PareValue *value = copy->values->pdata[i];
      const PareValue *outside;
      if (value->producer || value->constant || pare_graph_is_input (copy, value))
        continue;
      outside = pare_graph_find_value (body->outer, value->name);
      if (outside && outside->constant)
        pare_value_set_constant (value, outside->constant);
      else
        g_ptr_array_add (copy->inputs, value);
    }
  return copy;
}

typedef struct
{
  PareGraph *graph;
  PareExecutor *executor;
} Body;

static void
body_free (gpointer data)
{
  Body *body = data;

  g_clear_pointer (&body->executor, pare_executor_free);
  g_clear_object (&body->graph);
  g_free (body);
}

static Body *
find_body (const PareRun *run, const PareGraph *graph)
{
  Body *body = g_hash_table_lookup (run->bodies, graph);

  if (body)
    return body;
  body = g_new0 (Body, 1);
  body->graph = make_independent (graph);
  body->executor = pare_executor_new (body->graph);
  g_hash_table_insert (run->bodies, (gpointer)graph, body);
  return body;
}

GHashTable *
pare_run_bodies_new (void)
{
  return g_hash_table_new_full (NULL, NULL, NULL, body_free);
}

static PareTensor *
captured (const PareRun *run, const PareValue *value)
{
  for (guint i = 0; i < run->node->captures->len; i++)
    if (g_str_equal (((PareValue *)run->node->captures->pdata[i])->name, value->name))
      return run->captures[i];
  return NULL;
}

gboolean
pare_run_body_once (const PareRun *run, const char *name, PareTensor *const *inputs, PareTensor **outputs,
                    GError **error)
{
  PareGraph *graph = pare_run_body (run, name, error);
  Body *body = graph ? find_body (run, graph) : NULL;
  g_autoptr (GPtrArray) fed = body ? pare_graph_free_inputs (body->graph) : NULL;
  g_autofree PareTensor **all = NULL;

  if (!body)
    return FALSE;
  all = g_new0 (PareTensor *, fed->len + 1);
  for (guint i = 0; i < fed->len; i++)
    {
      const PareValue *value = fed->pdata[i];
      guint index;
      if (g_ptr_array_find (body->graph->inputs, value, &index) && index < graph->inputs->len)
        all[i] = inputs[index];
      else
        all[i] = captured (run, value);
      if (all[i])
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its subgraph '%s' reads '%s', which nothing computes.",
                       name, value->name);
      return FALSE;
    }
  if (pare_executor_run (body->executor, all, fed->len, outputs, error))
    return TRUE;
  g_prefix_error (error, "In the subgraph '%s' of node '%s': ", name, pare_node_label (run->node));
  return FALSE;
}
