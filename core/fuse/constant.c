/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Constant folding: a node that reads nothing but constants is evaluated once, here. */
#include "fuse/fuse.h"
#include "ops/opset.h"
#include <string.h>

/* Results beyond this stay computed: a file should not swell for the sake of a node. */
#define MOST_BYTES (G_GINT64_CONSTANT (64) << 20)
#define MOST_GROWTH (G_GINT64_CONSTANT (1) << 20)

/* Operators whose result is not a matter of their inputs alone, or whose presence is what the graph wants to say. */
static const char *const never[] = {
  "QuantizeLinear", "DequantizeLinear",  "RandomNormal", "RandomNormalLike",
  "RandomUniform",  "RandomUniformLike", "Multinomial",  "Bernoulli",
};

static gboolean
is_candidate (const PareNode *node, const PareOperator *op)
{
  if (!op || !op->forward || node->captures->len || !node->outputs->len || !pare_graph_check_opset (node->graph, NULL))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (never); i++)
    if (pare_node_is (node, never[i]))
      return FALSE;
  for (guint i = 0; i < node->attributes->len; i++)
    if (((PareAttribute *)node->attributes->pdata[i])->type == PARE_ATTRIBUTE_GRAPH)
      return FALSE;
  for (guint i = 0; i < node->inputs->len; i++)
    if (node->inputs->pdata[i] && !pare_node_constant (node, i))
      return FALSE;
  return TRUE;
}

/* The sizes that shape inference promises are within the limits: asked before anything is allocated. */
static gboolean
is_affordable (PareFuse *fuse, const PareNode *node, const PareOperator *op, PareTensor *const *inputs)
{
  guint n_inputs = node->inputs->len, n_outputs = node->outputs->len;
  g_autofree PareSpec *input_specs = g_new0 (PareSpec, n_inputs + 1);
  g_autofree PareSpec *output_specs = g_new0 (PareSpec, n_outputs + 1);
  PareInfer infer
      = { node, pare_graph_opset (node->graph, node->domain), n_inputs, input_specs, inputs, n_outputs, output_specs };
  g_autoptr (GError) error = NULL;
  gint64 room = MOST_GROWTH;

  for (guint i = 0; i < n_inputs; i++)
    if (inputs[i])
      {
        input_specs[i] = (PareSpec){ inputs[i]->type, inputs[i]->shape };
        room += pare_tensor_size (inputs[i]);
      }
  /* A Constant node has no inputs, but it holds its result already. */
  room = MIN (n_inputs ? room : MOST_BYTES, MOST_BYTES);
  if (!op->infer (&infer, &error))
    {
      pare_fuse_leave (fuse, node, "Cannot be computed ahead: %s", error->message);
      return FALSE;
    }
  for (guint i = 0; i < n_outputs; i++)
    {
      gint64 elements = pare_shape_elements (&output_specs[i].shape);
      if (!node->outputs->pdata[i])
        continue;
      if (elements >= 0 && elements <= room)
        room -= pare_data_size (output_specs[i].type, elements);
      else
        room = -1;
      if (room < 0)
        {
          pare_fuse_leave (fuse, node, "Computed ahead, it would be much larger than its inputs.");
          return FALSE;
        }
    }
  return TRUE;
}

/* @node goes, and its outputs are constants from now on. */
static void
replace_node (PareGraph *graph, PareNode *node, PareTensor **results)
{
  g_autoptr (GPtrArray) outputs = g_ptr_array_copy (node->outputs, NULL, NULL);

  pare_graph_remove_node (graph, node);
  for (guint i = 0; i < outputs->len; i++)
    if (outputs->pdata[i])
      pare_value_set_constant (outputs->pdata[i], results[i]);
}

static gboolean
fold (PareFuse *fuse, PareNode *node, PareTensor *const *inputs)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  guint n = node->outputs->len;
  g_autofree PareTensor **results = g_new0 (PareTensor *, n + 1);
  g_autofree char *label = g_strdup (pare_node_label (node));
  g_autoptr (GError) error = NULL;
  double bytes = 0;

  if (!pare_evaluate_node (node, inputs, results, &error))
    {
      pare_fuse_leave (fuse, node, "Cannot be computed ahead: %s", error->message);
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    bytes += results[i] ? pare_tensor_size (results[i]) : 0;
  if (node->inputs->len) /* a Constant node only changes its spelling */
    {
      g_autofree char *action = g_strdup_printf ("computed %s ahead", node->op_type);
      pare_record_add (graph->record, "graphfuser", label, action, NULL, "bytes", bytes, NULL);
    }
  replace_node (graph, node, results);
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&results[i], pare_tensor_unref);
  return TRUE;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, node->inputs->len + 1);

  if (!is_candidate (node, op))
    return FALSE;
  for (guint i = 0; i < node->outputs->len; i++)
    if (node->outputs->pdata[i] && pare_graph_is_output (node->graph, node->outputs->pdata[i]))
      {
        pare_fuse_leave (fuse, node, "A constant, but an output of the network.");
        return FALSE;
      }
  for (guint i = 0; i < node->inputs->len; i++)
    inputs[i] = pare_node_constant (node, i);
  return is_affordable (fuse, node, op, inputs) && fold (fuse, node, inputs);
}

PARE_FUSION (constant) = {
  .name = "constant",
  .description = "Computes nodes that read nothing but constants.",
  .apply = apply,
};
