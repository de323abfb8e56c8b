/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up of losses and what they are built from; the table is generated from the list in meson.build. */
#include "train/loss.h"
#include "graph/named.h"

extern const PareLoss *const pare_loss_table[];

const PareLoss *const *
pare_losses (guint *n)
{
  for (*n = 0; pare_loss_table[*n];)
    ++*n;
  return pare_loss_table;
}

const PareLoss *
pare_loss_find (const char *name, GError **error)
{
  return pare_find_named ("loss", name, (const void *const *)pare_loss_table, error);
}

PareValue *
pare_loss_call (PareGraph *graph, const char *op_type, PareValue *a, PareValue *b)
{
  PareNode *node = pare_graph_add_node (graph, "", op_type, "", NULL);
  PareValue *value = pare_graph_add_value_near (graph, "loss");

  pare_node_add_input (node, a);
  if (b)
    pare_node_add_input (node, b);
  pare_node_add_output (node, value);
  return value;
}

PareValue *
pare_loss_mean (PareGraph *graph, PareValue *elements)
{
  static const gint64 last[] = { 1 };
  PareValue *rows = pare_loss_call (graph, "Flatten", elements, NULL);
  PareValue *mean = pare_loss_call (graph, "ReduceMean", rows, NULL);

  pare_node_set_attribute (mean->producer, pare_attribute_new_ints ("axes", 1, last));
  pare_node_set_attribute (mean->producer, pare_attribute_new_int ("keepdims", 0));
  return mean;
}
