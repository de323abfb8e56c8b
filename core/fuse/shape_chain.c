/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Chains of nodes that only say how the same elements are arranged become shorter: what ends in the shape where it
 * began goes, a Reshape does not care for the shape of what it reads, and two Transpose are one. */
#include "fuse/fuse.h"

/* They keep the elements in their order. */
static const char *const shapers[] = { "Reshape", "Flatten", "Squeeze", "Unsqueeze" };

static gboolean
is_shaper (const PareNode *node)
{
  for (guint i = 0; node && i < G_N_ELEMENTS (shapers); i++)
    if (pare_node_is (node, shapers[i]))
      return pare_node_input (node, 0) != NULL;
  return FALSE;
}

static gboolean
is_same_shape (PareFuse *fuse, const PareValue *a, const PareValue *b)
{
  PareShape of_a[2], of_b[2];

  return pare_fuse_shapes (fuse, a, of_a) && pare_fuse_shapes (fuse, b, of_b) && pare_shape_equal (&of_a[0], &of_b[0])
         && pare_shape_equal (&of_a[1], &of_b[1]);
}

/* @node's output is @value from now on. */
static gboolean
drop (PareFuse *fuse, PareNode *node, PareValue *value)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  g_autofree char *action = g_strdup_printf ("removed %s", node->op_type);

  if (value->constant || !pare_graph_replace_value (graph, pare_node_output (node, 0), value))
    return FALSE;
  pare_record_add (graph->record, "graphfuser", pare_node_label (node), action, "the shape is as it was before", NULL);
  pare_graph_remove_node (graph, node);
  return TRUE;
}

static gboolean
drop_shapers (PareFuse *fuse, PareNode *node)
{
  for (PareNode *first = node; is_shaper (first); first = pare_node_input (first, 0)->producer)
    if (is_same_shape (fuse, pare_node_input (first, 0), pare_node_output (node, 0)))
      return drop (fuse, node, pare_node_input (first, 0));
  return FALSE;
}

/* Sizes of 0 stand for what the input has there. */
static gboolean
asks_its_input (const PareNode *reshape)
{
  const PareTensor *shape = pare_node_constant (reshape, 1);

  for (gint64 i = 0; shape && i < pare_tensor_elements (shape); i++)
    if (pare_tensor_get_int (shape, i) == 0)
      return TRUE;
  return !shape;
}

static gboolean
merge_reshape (PareFuse *fuse, PareNode *node)
{
  PareNode *before = pare_node_input (node, 0)->producer;

  if (!pare_node_is (node, "Reshape") || !is_shaper (before) || asks_its_input (node)
      || pare_value_only_consumer (pare_node_input (node, 0)) != node)
    return FALSE;
  pare_record_add (pare_fuse_graph (fuse)->record, "graphfuser", pare_node_label (node),
                   "merged with the shape before it", NULL, NULL);
  pare_node_set_input (node, 0, pare_node_input (before, 0));
  return TRUE;
}

/* The permutation of @node, of at most @n axes; FALSE when it is left to the rank. */
static const gint64 *
permutation (const PareNode *node, guint *n)
{
  return node && pare_node_is (node, "Transpose") ? pare_node_get_ints (node, "perm", n) : NULL;
}

static gboolean
merge_transpose (PareFuse *fuse, PareNode *node)
{
  guint n, n_before;
  PareNode *before = pare_node_input (node, 0)->producer;
  const gint64 *order = permutation (node, &n), *first = permutation (before, &n_before);
  gint64 merged[PARE_MAX_RANK];
  gboolean same = TRUE;

  if (!order || n > PARE_MAX_RANK || (first && n != n_before))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      if (order[i] < 0 || order[i] >= n)
        return FALSE;
      merged[i] = first ? first[order[i]] : order[i];
      same &= merged[i] == i;
    }
  if (same)
    return drop (fuse, node, first ? pare_node_input (before, 0) : pare_node_input (node, 0));
  if (!first || pare_value_only_consumer (pare_node_input (node, 0)) != node)
    return FALSE;
  pare_record_add (pare_fuse_graph (fuse)->record, "graphfuser", pare_node_label (node), "merged two Transpose", NULL,
                   NULL);
  pare_node_set_attribute (node, pare_attribute_new_ints ("perm", n, merged));
  pare_node_set_input (node, 0, pare_node_input (before, 0));
  return TRUE;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  if (!pare_node_input (node, 0) || !pare_node_output (node, 0))
    return FALSE;
  return (is_shaper (node) && (drop_shapers (fuse, node) || merge_reshape (fuse, node)))
         || merge_transpose (fuse, node);
}

PARE_FUSION (shape_chain) = {
  .name = "shape-chain",
  .description = "Shortens chains of Reshape, Flatten, Squeeze, Unsqueeze and Transpose.",
  .apply = apply,
};
