/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Numbers that networks compute from shapes (Shape, Gather, Concat ..) become constants, and so does the shape of a
 * Reshape in which only one size depends on the batch: that size is -1. */
#include "fuse/fuse.h"

/* Numbers about shapes are few. */
#define MOST_ELEMENTS 1024

static gboolean
is_about_shapes (const PareTensor *tensor)
{
  return (tensor->type == PARE_INT64 || tensor->type == PARE_INT32 || tensor->type == PARE_BOOL)
         && pare_tensor_elements (tensor) <= MOST_ELEMENTS;
}

static gboolean
fold (PareFuse *fuse, PareNode *node)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareValue *output = pare_node_output (node, 0);
  PareTensor *known = output && node->outputs->len == 1 ? pare_fuse_known (fuse, output) : NULL;

  if (!known || output->constant || !is_about_shapes (known) || pare_graph_is_output (graph, output)
      || node->captures->len || !node->inputs->len)
    return FALSE;
  pare_record_add (graph->record, "graphfuser", pare_node_label (node), "computed from shapes", NULL, NULL);
  pare_graph_remove_node (graph, node);
  pare_value_set_constant (output, known);
  return TRUE;
}

/* The shape of the result, with -1 for the one size that depends on the batch; FALSE when there are more. */
static gboolean
reshape_target (PareFuse *fuse, const PareNode *node, PareShape *target)
{
  PareShape shapes[2];
  guint open = 0;

  if (!pare_node_output (node, 0) || !pare_fuse_shapes (fuse, pare_node_output (node, 0), shapes))
    return FALSE;
  *target = shapes[0];
  for (guint i = 0; i < target->rank; i++)
    {
      if (shapes[0].dims[i] == 0 || shapes[1].dims[i] == 0)
        return FALSE;
      if (shapes[0].dims[i] != shapes[1].dims[i])
        {
          target->dims[i] = -1;
          open++;
        }
    }
  return target->rank && open <= 1;
}

/* What computed the shape dies. */
static gboolean
fix_reshape (PareFuse *fuse, PareNode *node)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareValue *shape = pare_node_input (node, 1);
  g_autoptr (PareTensor) tensor = NULL;
  PareShape target, length;

  if (!pare_node_is (node, "Reshape") || !shape || !shape->producer || shape->consumers->len != 1
      || pare_graph_is_output (graph, shape) || !reshape_target (fuse, node, &target))
    return FALSE;
  length = pare_shape_of (1, (int)target.rank);
  tensor = pare_tensor_new_copy (PARE_INT64, &length, target.dims);
  pare_record_add (graph->record, "graphfuser", pare_node_label (node), "computed shape of Reshape ahead", NULL, NULL);
  pare_node_set_input (node, 1, pare_graph_add_constant (graph, shape->name, tensor));
  return TRUE;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  return fold (fuse, node) || fix_reshape (fuse, node);
}

PARE_FUSION (shape_subgraph) = {
  .name = "shape-subgraph",
  .description = "Computes shapes ahead that depend on the batch in one size at most.",
  .apply = apply,
};
