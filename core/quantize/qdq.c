/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=qdq: int8 weights and int32 biases behind DequantizeLinear, activations between pairs. What ONNX Runtime, TensorRT
 * and others take and run on integers. */
#include "quantize/quantize.h"
#include "quantize/shift.h"
#include <math.h>

/* Weights: QuantizeLinear of a constant, and the Clip behind it, become the integers. */
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

/* @bias in steps of data scale x weight scale; NULL when 32 bits do not hold it. */
static PareTensor *
bias_integers (const PareTensor *bias, const PareTensor *steps)
{
  const float *b = pare_tensor_data (bias), *step = pare_tensor_data (steps);
  gint64 channels = pare_tensor_elements (steps), n = pare_tensor_elements (bias);
  g_autofree gint32 *integers = g_new (gint32, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    {
      double number = rint ((double)b[i] / step[channels > 1 ? i % channels : 0]);
      if (!(fabs (number) <= G_MAXINT32))
        return NULL;
      integers[i] = number;
    }
  return pare_tensor_new_take (PARE_INT32, &bias->shape, g_steal_pointer (&integers));
}

static PareTensor *
bias_steps (const PareTensor *data_scale, const PareTensor *weight_scale)
{
  gint64 channels = pare_tensor_elements (weight_scale);
  g_autofree float *steps = g_new (float, MAX (channels, 1));

  for (gint64 c = 0; c < channels; c++)
    steps[c] = (float)pare_tensor_get_double (data_scale, 0) * (float)pare_tensor_get_double (weight_scale, c);
  return pare_tensor_new_floats (&weight_scale->shape, steps);
}

/* @integers x @steps in the place of input @index of @node. */
static void
put_bias (PareGraph *graph, PareNode *node, guint index, PareTensor *integers, PareTensor *steps)
{
  g_autofree char *stem = g_strdup (pare_node_input (node, index)->name);
  g_autofree char *integers_name = g_strconcat (stem, "_quantized", NULL);
  g_autofree char *scale_name = g_strconcat (stem, "_scale", NULL);
  g_autofree char *output_name = g_strconcat (stem, "_dequantized", NULL);
  g_autofree char *node_name = g_strconcat (stem, "_DequantizeLinear", NULL);
  PareNode *dequantize = pare_graph_add_node (graph, "", "DequantizeLinear", node_name, node);
  PareValue *output;

  pare_node_add_input (dequantize, pare_graph_add_constant (graph, integers_name, integers));
  pare_node_add_input (dequantize, pare_graph_add_constant (graph, scale_name, steps));
  output = pare_graph_add_value_near (graph, output_name);
  pare_node_add_output (dequantize, output);
  if (steps->shape.rank && pare_tensor_elements (steps) > 1)
    pare_node_set_attribute (dequantize, pare_attribute_new_int ("axis", integers->shape.rank - 1));
  pare_node_set_input (node, index, output);
}

/* Biases: integers of scale data x weight, whose sum with the products needs no conversion. */
static void
store_bias (PareGraph *graph, PareNode *node)
{
  PareWeightTrait trait;
  const PareOperator *op = pare_operator_of (node);
  PareTensor *data_scale, *weight_scale, *bias;
  g_autoptr (PareTensor) steps = NULL, integers = NULL;

  if (!op || !op->weight || !op->weight (node, &trait) || !trait.has_bias)
    return;
  bias = pare_node_constant (node, trait.bias);
  data_scale = scale_of (node, 0);
  weight_scale = scale_of (node, trait.input);
  if (!bias || bias->type != PARE_FLOAT32 || !data_scale || !weight_scale || pare_tensor_elements (data_scale) != 1
      || weight_scale->shape.rank > 1) /* scales per block: sums have no step of their own */
    return;
  steps = bias_steps (data_scale, weight_scale);
  integers = bias_integers (bias, steps);
  if (integers)
    put_bias (graph, node, trait.bias, integers, steps);
}

static gboolean
makes_integers (const PareNode *node)
{
  const PareTensor *data = pare_node_constant (node, 0);

  if (pare_node_is (node, "Clip"))
    return data && (data->type == PARE_INT8 || data->type == PARE_UINT8);
  return pare_node_is (node, "QuantizeLinear");
}

static gboolean
qdq_lower (PareGraph *graph, GError **error)
{
  pare_graph_drop_shifts (graph);
  /* Forwards: the Clip of small integers has constants to work on when its QuantizeLinear is gone. */
  for (guint i = 0; i < graph->nodes->len;)
    {
      guint n = graph->nodes->len;
      if (makes_integers (graph->nodes->pdata[i]) && !store_integers (graph, graph->nodes->pdata[i], error))
        return FALSE;
      i += graph->nodes->len == n;
    }
  for (guint i = graph->nodes->len; i-- > 0;)
    store_bias (graph, graph->nodes->pdata[i]);
  pare_graph_remove_dead (graph);
  return TRUE;
}

const PareForm pare_form_qdq
  = { "qdq", "int8 weights and int32 biases behind DequantizeLinear: for runtimes that execute integers.", qdq_lower };
