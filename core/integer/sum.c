/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Two DequantizeLinear -> Add (-> Relu or Clip) -> QuantizeLinear. */
#include "integer/operator.h"
#include <math.h>

static gboolean
sum_apply (PareGraph *graph, PareNode *node)
{
  PareGrid a, b, y;
  PareNode *last;
  float factors[3];

  if (!pare_node_is (node, "Add") || !pare_grid_before (pare_node_input (node, 0), &a)
      || !pare_grid_before (pare_node_input (node, 1), &b) || !pare_grid_behind (node, &y, &last))
    return FALSE;
  factors[0] = a.scale / y.scale;
  factors[1] = b.scale / y.scale;
  factors[2] = y.zero_point - fmaf (factors[0], a.zero_point, factors[1] * b.zero_point);
  node = pare_grid_replace (graph, "IntegerAdd", node, last, &y);
  pare_node_add_input (node, a.integers);
  pare_node_add_input (node, b.integers);
  pare_node_add_input (node, pare_grid_add_floats (graph, "factors", 3, factors));
  return TRUE;
}

PARE_INTEGER_RULE (sum) = { "sum", sum_apply };
