/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=qdq: int8 weights and int32 biases behind DequantizeLinear, activations between pairs. What ONNX Runtime, TensorRT
 * and others take and run on integers. */
#include "quantize/quantize.h"
#include <math.h>

/* Weights: QuantizeLinear of a constant becomes the integers. */
static gboolean
store_integers (PareGraph *graph, PareNode *node, GError **error)
{
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, node->inputs->len);
  PareTensor *outputs[1] = { NULL };
  g_autoptr (PareTensor) integers = NULL;
  PareValue *value = node->outputs->pdata[0];

  for (guint i = 0; i < node->inputs->len; i++)
    {
      inputs[i] = pare_node_constant (node, i);
      if (!inputs[i] && node->inputs->pdata[i])
        return TRUE;
    }
  if (!pare_evaluate_node (node, inputs, outputs, error))
    return FALSE;
  integers = outputs[0];
  pare_graph_remove_node (graph, node);
  pare_value_set_constant (value, integers);
  return TRUE;
}

static PareTensor *
scale_of (const PareNode *node, guint input)
{
  const PareValue *value = pare_node_input (node, input);

  if (!value || !value->producer || !pare_node_is (value->producer, "DequantizeLinear"))
    return NULL;
  return pare_node_constant (value->producer, 1);
}

/* Biases: integers of scale data x weight, whose sum with the products needs no conversion. */
static void
store_bias (PareGraph *graph, PareNode *node)
{
  PareWeightTrait trait;
  const PareOperator *op = pare_operator_of (node);
  PareTensor *data_scale, *weight_scale, *bias;

  if (!op || !op->weight || !op->weight (node, &trait) || !trait.has_bias)
    return;
  bias = pare_node_constant (node, trait.bias);
  data_scale = scale_of (node, 0);
  weight_scale = scale_of (node, trait.input);
  if (!bias || bias->type != PARE_FLOAT32 || !data_scale || !weight_scale || data_scale->shape.rank)
    return;

  PareValue *old = pare_node_input (node, trait.bias);
  gint64 channels = pare_tensor_elements (weight_scale), n = pare_tensor_elements (bias);
  g_autofree float *scales = g_new (float, MAX (channels, 1));
  gint32 *integers = g_new (gint32, MAX (n, 1));
  const float *b = pare_tensor_data (bias);
  float step = (float) pare_tensor_get_double (data_scale, 0);
  g_autofree char *stem = g_strdup (old->name);
  g_autofree char *integers_name = g_strconcat (stem, "_quantized", NULL);
  g_autofree char *scale_name = g_strconcat (stem, "_scale", NULL);
  g_autofree char *output_name = g_strconcat (stem, "_dequantized", NULL);
  g_autofree char *node_name = g_strconcat (stem, "_DequantizeLinear", NULL);
  g_autoptr (PareTensor) scale_tensor = NULL, integer_tensor = NULL;
  PareNode *dequantize;
  PareValue *output;

  for (gint64 c = 0; c < channels; c++)
    scales[c] = step * (float) pare_tensor_get_double (weight_scale, c);
  for (gint64 i = 0; i < n; i++)
    integers[i] = (gint32) CLAMP (rint ((double) b[i] / scales[channels > 1 ? i % channels : 0]), G_MININT32,
                                  G_MAXINT32);
  integer_tensor = pare_tensor_new_take (PARE_INT32, &bias->shape, integers);
  scale_tensor = pare_tensor_new_floats (&weight_scale->shape, scales);
  dequantize = pare_graph_add_node (graph, "", "DequantizeLinear", node_name, node);
  pare_node_add_input (dequantize, pare_graph_add_constant (graph, integers_name, integer_tensor));
  pare_node_add_input (dequantize, pare_graph_add_constant (graph, scale_name, scale_tensor));
  output = pare_graph_add_value_near (graph, output_name);
  pare_node_add_output (dequantize, output);
  if (scale_tensor->shape.rank)
    pare_node_set_attribute (dequantize, pare_attribute_new_int ("axis", bias->shape.rank - 1));
  pare_node_set_input (node, trait.bias, output);
}

static gboolean
qdq_lower (PareGraph *graph, GError **error)
{
  for (guint i = graph->nodes->len; i-- > 0;)
    if (pare_node_is (graph->nodes->pdata[i], "QuantizeLinear")
        && !store_integers (graph, graph->nodes->pdata[i], error))
      return FALSE;
  for (guint i = graph->nodes->len; i-- > 0;)
    store_bias (graph, graph->nodes->pdata[i]);
  pare_graph_remove_dead (graph);
  return TRUE;
}

const PareForm pare_form_qdq
  = { "qdq", "int8 weights and int32 biases behind DequantizeLinear: for runtimes that execute integers.", qdq_lower };
