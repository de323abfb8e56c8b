/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear of all inputs -> Concat (-> Relu or Clip) -> QuantizeLinear: inputs on another grid than the result
 * come to it first. */
#include "integer/lookup.h"

static gboolean
read_inputs (const PareNode *node, PareGrid *grids)
{
  for (guint i = 0; i < node->inputs->len; i++)
    if (!pare_grid_before (pare_node_input (node, i), &grids[i]))
      return FALSE;
  return node->inputs->len > 0;
}

static PareValue *
bring_to (PareGraph *graph, const PareGrid *from, const PareGrid *to, PareNode *before)
{
  float numbers[256];
  PareNode *table;

  if (pare_grid_equal (from, to) && from->lowest == to->lowest && from->highest == to->highest)
    return from->integers;
  pare_lookup_numbers (from, numbers);
  table = pare_lookup_add (graph, from->integers, numbers, to, before);
  pare_node_add_output (table, pare_graph_add_value_near (graph, "rescaled"));
  return table->outputs->pdata[0];
}

static gboolean
join_apply (PareGraph *graph, PareNode *node)
{
  g_autofree PareGrid *grids = g_new (PareGrid, MAX (node->inputs->len, 1));
  PareNode *last, *joined;
  PareGrid y;

  if (!pare_node_is (node, "Concat") || !read_inputs (node, grids) || !pare_grid_behind (node, &y, &last))
    return FALSE;
  joined = pare_graph_add_node (graph, "", "Concat", node->name, node);
  for (guint i = 0; i < node->inputs->len; i++)
    pare_node_add_input (joined, bring_to (graph, &grids[i], &y, joined));
  pare_node_copy_attributes (joined, node);
  pare_grid_remove (graph, node, last);
  pare_node_add_output (joined, y.integers);
  return TRUE;
}

PARE_INTEGER_RULE (join) = { "join", join_apply };
