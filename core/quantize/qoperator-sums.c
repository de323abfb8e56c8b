/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers whose result is not rounded, or that no operator rounds: ConvInteger or MatMulInteger -> Add of the bias ->
 * Cast -> Mul by the step of the sums. For products com.microsoft has all of that in one operator. */
#include "quantize/qoperator.h"

/* What is made of a layer, one node after the other. */
typedef struct
{
  PareGraph *graph;
  PareNode *before;
  const char *stem;
  PareValue *value; /* so far */
} Chain;

/* value -> @op_type (value, @other) -> value. */
static PareNode *
append (Chain *chain, const char *op_type, PareValue *other)
{
  g_autofree char *name = g_strconcat (chain->stem, "_", op_type, NULL);
  PareNode *node = pare_graph_add_node (chain->graph, "", op_type, name, chain->before);

  pare_node_add_input (node, chain->value);
  if (other)
    pare_node_add_input (node, other);
  chain->value = pare_graph_add_value_near (chain->graph, name);
  pare_node_add_output (node, chain->value);
  return node;
}

static float
step_of (const PareIntegerLayer *layer, gint64 channel)
{
  return layer->x.scale * layer->w_scales[layer->n > 1 ? channel : 0];
}

static PareValue *
add_steps (PareGraph *graph, const PareIntegerLayer *layer)
{
  PareShape shape = layer->n > 1 ? pare_integer_layer_channels_shape (layer) : (PareShape){ 0 };
  g_autofree float *steps = g_new (float, MAX (layer->n, 1));
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < layer->n; i++)
    steps[i] = step_of (layer, i);
  tensor = pare_tensor_new_floats (&shape, steps);
  return pare_graph_add_constant (graph, "step", tensor);
}

static PareValue *
add_floats (PareGraph *graph, const PareIntegerLayer *layer, const PareTensor *bias)
{
  PareShape shape = pare_integer_layer_channels_shape (layer);
  g_autoptr (PareTensor) tensor = pare_tensor_reshape (bias, &shape);

  return pare_graph_add_constant (graph, "bias", tensor);
}

static void
append_sums (Chain *chain, const PareIntegerLayer *layer, PareTensor *bias)
{
  PareShape shape = pare_integer_layer_channels_shape (layer);
  PareNode *cast,
      *sums = pare_graph_add_node (chain->graph, "", layer->is_convolution ? "ConvInteger" : "MatMulInteger",
                                   chain->stem, chain->before);
  PareValue *zero_point = pare_node_input (layer->x.parameters, 2);

  if (layer->is_convolution)
    pare_node_copy_attributes (sums, layer->node);
  pare_node_add_input (sums, layer->x.integers);
  pare_node_add_input (sums, pare_qoperator_weights (chain->graph, layer));
  if (zero_point)
    pare_node_add_input (sums, zero_point);
  chain->value = pare_graph_add_value_near (chain->graph, chain->stem);
  pare_node_add_output (sums, chain->value);
  if (layer->bias)
    append (chain, "Add", pare_qoperator_bias (chain->graph, layer, &shape));
  cast = append (chain, "Cast", NULL);
  pare_node_set_attribute (cast, pare_attribute_new_int ("to", PARE_FLOAT32));
  append (chain, "Mul", add_steps (chain->graph, layer));
  if (bias)
    append (chain, "Add", add_floats (chain->graph, layer, bias));
}

/* The bias as floats, whichever it is; NULL when there is none. */
static PareTensor *
float_bias (const PareIntegerLayer *layer, PareTensor *bias)
{
  PareShape shape = pare_integer_layer_channels_shape (layer);
  gint64 n = shape.dims[0];
  g_autofree float *numbers = g_new (float, MAX (n, 1));

  if (!layer->bias)
    return bias ? pare_tensor_reshape (bias, &shape) : NULL;
  for (gint64 i = 0; i < n; i++)
    numbers[i] = layer->bias[i] * step_of (layer, i);
  return pare_tensor_new_floats (&shape, numbers);
}

/* A, B, their scales, their zero points, bias. */
static void
append_product (Chain *chain, const PareIntegerLayer *layer, PareTensor *given)
{
  g_autoptr (PareTensor) bias = float_bias (layer, given);
  PareValue *zero_point = pare_node_input (layer->x.parameters, 2);
  PareNode *made
      = pare_graph_add_node (chain->graph, PARE_DOMAIN_MICROSOFT, "MatMulIntegerToFloat", chain->stem, chain->before);

  pare_node_add_input (made, layer->x.integers);
  pare_node_add_input (made, pare_qoperator_weights (chain->graph, layer));
  pare_node_add_input (made, pare_node_input (layer->x.parameters, 1));
  pare_node_add_input (made, pare_node_input (layer->w, 1));
  if (zero_point || bias)
    pare_node_add_input (made, zero_point);
  if (bias)
    {
      pare_node_add_input (made, NULL);
      pare_node_add_input (made, pare_graph_add_constant (chain->graph, "bias", bias));
    }
  chain->value = pare_graph_add_value_near (chain->graph, chain->stem);
  pare_node_add_output (made, chain->value);
}

const char *
pare_qoperator_sums (PareQOperator *work, const PareIntegerLayer *layer, PareTensor *bias)
{
  g_autofree char *stem = g_strdup (pare_node_label (layer->node));
  Chain chain = { work->graph, layer->node, stem, NULL };
  PareValue *result = pare_node_output (layer->node, 0);
  gboolean in_one = work->microsoft && !layer->is_convolution;

  if (in_one)
    append_product (&chain, layer, bias);
  else
    append_sums (&chain, layer, bias);
  pare_node_set_output (layer->node, 0, pare_graph_add_value_near (work->graph, "unused"));
  pare_node_set_output (chain.value->producer, 0, result);
  pare_graph_remove_node (work->graph, layer->node);
  work->reason = bias ? "32 bits do not hold its bias, which is added in float" : NULL;
  return in_one ? "MatMulIntegerToFloat" : layer->is_convolution ? "ConvInteger" : "MatMulInteger";
}
