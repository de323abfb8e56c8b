/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear -> functions of one number -> QuantizeLinear: a table with an entry for every integer. Without a
 * function between them they do nothing, or bring the integers to another scale. */
#include "integer/lookup.h"
#include <string.h>

/* Replaces the numbers by what @node makes of them. */
static gboolean
evaluate (const PareNode *node, float numbers[256])
{
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, node->inputs->len);
  PareShape shape = pare_shape (1, (gint64[]){ 256 });
  g_autoptr (PareTensor) x = pare_tensor_new_floats (&shape, numbers), y = NULL;

  inputs[0] = x;
  for (guint i = 1; i < node->inputs->len; i++)
    if (!(inputs[i] = pare_node_constant (node, i)) && pare_node_input (node, i))
      return FALSE;
  if (!pare_evaluate_node (node, inputs, &y, NULL) || y->type != PARE_FLOAT32 || pare_tensor_elements (y) != 256)
    return FALSE;
  memcpy (numbers, pare_tensor_data (y), 256 * sizeof *numbers);
  return TRUE;
}

static gboolean
is_function (const PareNode *node)
{
  const PareOperator *op = node ? pare_operator_of (node) : NULL;
  PareEltwise eltwise;

  return op && op->eltwise && op->eltwise (node, &eltwise) && node->outputs->len == 1;
}

static gboolean
function_apply (PareGraph *graph, PareNode *node)
{
  g_autoptr (GPtrArray) functions = g_ptr_array_new ();
  PareValue *value = pare_node_input (node, 0);
  float numbers[256];
  PareNode *last, *table;
  PareGrid x, y;

  if (pare_grid_join (graph, node))
    return TRUE;
  if (!value || !pare_grid_of_quantizer (node, &y, &last))
    return FALSE;
  for (; !pare_grid_before (value, &x); value = pare_node_input (value->producer, 0))
    {
      if (!value->producer || !is_function (value->producer) || !pare_node_input (value->producer, 0))
        return FALSE;
      g_ptr_array_add (functions, value->producer);
    }
  pare_lookup_numbers (&x, numbers);
  for (guint i = functions->len; i-- > 0;)
    if (!evaluate (functions->pdata[i], numbers))
      return FALSE;
  table = pare_lookup_add (graph, x.integers, numbers, &y, node);
  pare_grid_remove (graph, node, last);
  pare_node_add_output (table, y.integers);
  return TRUE;
}

PARE_INTEGER_RULE (function) = { "function", function_apply };
