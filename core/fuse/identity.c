/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Removes nodes that hand their input on: Identity, and Dropout outside training. An Identity of a constant goes the
 * same way: its readers share the constant, which is how exporters spell equal weights. When normalization is kept to
 * be trained they get constants of their own instead, since parameters that are equal now need not stay so. */
#include "fuse/fuse.h"

static gboolean
is_read (const PareNode *node, guint output)
{
  const PareValue *value = pare_node_output (node, output);

  return value && (value->consumers->len || pare_graph_is_output (node->graph, value));
}

/* Dropout-7 and later drop nothing unless the input training_mode (Dropout-12) says so. */
static gboolean
is_training (const PareNode *node)
{
  const PareTensor *mode = pare_node_constant (node, 2);

  if (pare_graph_opset (node->graph, node->domain) < 7)
    return pare_node_get_int (node, "is_test", 0) == 0;
  if (!pare_node_input (node, 2))
    return FALSE;
  return !mode || pare_tensor_elements (mode) != 1 || pare_tensor_get_int (mode, 0);
}

/* Makes the result of an Identity the constant that it repeats, on the same memory. */
static gboolean
repeat_constant (PareFuse *fuse, PareNode *node)
{
  PareValue *output = pare_node_output (node, 0);
  g_autoptr (PareTensor) tensor = pare_tensor_ref (pare_node_constant (node, 0));

  if (pare_graph_is_output (node->graph, output))
    return FALSE;
  pare_record_add (node->graph->record, "graphfuser", pare_node_label (node), "removed Identity",
                   "its readers have a constant of their own to train", NULL);
  pare_graph_remove_node (node->graph, node);
  pare_value_set_constant (output, tensor);
  return TRUE;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareValue *input = pare_node_input (node, 0), *output = pare_node_output (node, 0);
  gboolean dropout = pare_node_is (node, "Dropout");

  if (!(dropout || pare_node_is (node, "Identity")) || !input || !output)
    return FALSE;
  if (dropout && is_training (node))
    {
      pare_fuse_leave (fuse, node, "Dropout in training mode.");
      return FALSE;
    }
  if (is_read (node, 1))
    {
      pare_fuse_leave (fuse, node, "The mask of the Dropout is read.");
      return FALSE;
    }
  if (!dropout && input->constant && pare_fuse_skips (fuse, "layer-batchnorm") && repeat_constant (fuse, node))
    return TRUE;
  if (!pare_graph_replace_value (graph, output, input))
    {
      pare_fuse_leave (fuse, node,
                       "Needed for its name: it joins two inputs or outputs of the network, or a subgraph "
                       "reads it.");
      return FALSE;
    }
  pare_record_add (graph->record, "graphfuser", pare_node_label (node),
                   dropout ? "removed Dropout" : "removed Identity",
                   input->constant ? "its readers share the constant" : NULL, NULL);
  pare_graph_remove_node (graph, node);
  return TRUE;
}

PARE_FUSION (identity) = {
  .name = "identity",
  .description = "Removes Identity, and Dropout outside training.",
  .apply = apply,
};
