/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One node on tensors, for tests of operators. */
#pragma once
#include "ops/operator.h"

/* A graph of opset 13 with one node of @op_type, @n_inputs inputs and @n_outputs outputs. */
static inline PareNode *
make_node (PareGraph *graph, const char *op_type, guint n_inputs, guint n_outputs)
{
  PareNode *node;

  pare_graph_set_opset (graph, "", 13);
  node = pare_graph_add_node (graph, "", op_type, "the node", NULL);
  for (guint i = 0; i < n_inputs; i++)
    pare_node_add_input (node, pare_graph_add_value_near (graph, "x"));
  for (guint i = 0; i < n_outputs; i++)
    pare_node_add_output (node, pare_graph_add_value_near (graph, "y"));
  return node;
}

static inline PareTensor *
make_floats (guint n, const float *data)
{
  PareShape shape = pare_shape_of (1, (int)n);

  return pare_tensor_new_floats (&shape, data);
}

/* The one output of @op_type on the inputs (NULL: omitted), with attributes added by @node. */
static inline PareTensor *
evaluate (PareNode *node, PareTensor *const *inputs, GError **error)
{
  PareTensor *outputs[8] = { NULL };

  g_assert_cmpuint (node->outputs->len, <=, G_N_ELEMENTS (outputs));
  if (!pare_evaluate_node (node, inputs, outputs, error))
    return NULL;
  for (guint i = 1; i < node->outputs->len; i++)
    g_clear_pointer (&outputs[i], pare_tensor_unref);
  return outputs[0];
}
