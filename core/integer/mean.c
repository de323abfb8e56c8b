/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear -> GlobalAveragePool -> QuantizeLinear. */
#include "integer/operator.h"

static gboolean
mean_apply (PareGraph *graph, PareNode *node)
{
  PareGrid x, y;
  PareNode *last;
  float factor;

  if (!pare_node_is (node, "GlobalAveragePool") || !pare_grid_before (pare_node_input (node, 0), &x)
      || !pare_grid_behind (node, &y, &last))
    return FALSE;
  factor = x.scale / y.scale;
  node = pare_grid_replace (graph, "IntegerMean", node, last, &y);
  pare_node_set_attribute (node, pare_attribute_new_int ("x_zero_point", x.zero_point));
  pare_node_add_input (node, x.integers);
  pare_node_add_input (node, pare_grid_add_floats (graph, "factor", 1, &factor));
  return TRUE;
}

PARE_INTEGER_RULE (mean) = { "mean", mean_apply };
