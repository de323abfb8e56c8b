/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear -> an operator that only moves or picks numbers: it does so with the integers, and DequantizeLinear
 * comes behind it. */
#include "integer/grid.h"

/* Operators of this kind that bring in numbers or outputs of their own. */
static const char *const exceptions[] = { "Pad", "Dropout", NULL };

static gboolean
moves_integers (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);

  return op && op->quantize == PARE_QUANTIZE_PASS && !g_strv_contains (exceptions, node->op_type)
         && (node->outputs->len == 1 || pare_node_is (node, "Split"));
}

static gboolean
move_apply (PareGraph *graph, PareNode *node)
{
  PareNode *moved;
  PareGrid grid;

  if (!moves_integers (node) || !pare_grid_before (pare_node_input (node, 0), &grid))
    return FALSE;
  moved = pare_graph_add_node (graph, node->domain, node->op_type, node->name, node);
  for (guint i = 0; i < node->attributes->len; i++)
    pare_node_set_attribute (moved, pare_attribute_copy (node->attributes->pdata[i], graph));
  for (guint i = 0; i < node->inputs->len; i++)
    pare_node_add_input (moved, i ? node->inputs->pdata[i] : grid.integers);
  for (guint i = 0; i < node->outputs->len; i++)
    {
      PareValue *output = node->outputs->pdata[i];
      PareNode *dequantize;
      pare_node_add_output (moved, output ? pare_graph_add_value_near (graph, "moved") : NULL);
      if (!output)
        continue;
      dequantize = pare_grid_dequantize (graph, &grid, moved->outputs->pdata[i], node);
      pare_node_set_output (node, i, pare_graph_add_value_near (graph, "unused"));
      pare_node_add_output (dequantize, output);
    }
  pare_graph_remove_node (graph, node);
  return TRUE;
}

PARE_INTEGER_RULE (move) = { "move", move_apply };
