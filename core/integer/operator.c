/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The making of operators of the domain "pare" that take and give 8-bit integers. */
#include "integer/operator.h"
#include "train/gradient.h"

void
pare_grid_describe (PareNode *node, const PareGrid *y)
{
  pare_node_set_attribute (node, pare_attribute_new_int ("y_type", y->type));
  pare_node_set_attribute (node, pare_attribute_new_int ("y_zero_point", y->zero_point));
  pare_node_set_attribute (node, pare_attribute_new_int ("lowest", y->lowest));
  pare_node_set_attribute (node, pare_attribute_new_int ("highest", y->highest));
}

PareNode *
pare_grid_replace (PareGraph *graph, const char *op_type, PareNode *node, PareNode *last, const PareGrid *y)
{
  PareNode *integer = pare_graph_add_node (graph, PARE_DOMAIN, op_type, pare_node_label (node), node);

  pare_grid_describe (integer, y);
  pare_grid_remove (graph, node, last);
  pare_node_add_output (integer, y->integers);
  return integer;
}

PareValue *
pare_grid_add_floats (PareGraph *graph, const char *stem, guint n, const float *numbers)
{
  PareShape shape = pare_shape (1, (gint64[]){ n });
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, numbers);

  return pare_graph_add_constant (graph, stem, tensor);
}
