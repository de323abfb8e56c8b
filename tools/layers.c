/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A graph as its layers: quantizers and constants are accounted to the layer that they serve. */
#include "layers.h"
#include "quantize/pair.h"
#include "graph/pattern.h"

/* A layer's parameter and how it is stored. */
typedef struct
{
  PareTensor *tensor;
  gint64 zero; /* the stored number that stands for 0 */
  guint bits;
  gint64 group_size;
} Parameter;

static gboolean
is_quantizer (const PareNode *node)
{
  return node && (pare_node_is (node, "QuantizeLinear") || pare_node_is (node, "DequantizeLinear"));
}

/* A quantizer's integer type is that of its zero point; without one it is uint8. */
static guint
quantizer_bits (const PareNode *node)
{
  PareTensor *zero_point = pare_node_constant (node, 2);

  return zero_point ? pare_data_type_bits (zero_point->type) : 8;
}

/* Bits that hold all from @lowest to @highest, or at least 2. */
static guint
range_bits (gboolean has_sign, gint64 lowest, gint64 highest)
{
  guint bits = 2;

  while (bits < 16 && (has_sign ? lowest < -(1 << (bits - 1)) || highest >= 1 << (bits - 1) : highest >= 1 << bits))
    bits++;
  return bits;
}

static gboolean
is_signed (PareDataType type)
{
  return type == PARE_INT4 || type == PARE_INT8 || type == PARE_INT16;
}

/* Fewer than 8 bits may be stored in 8, so the integers themselves tell. */
static guint
stored_bits (const PareTensor *tensor)
{
  gint64 lowest = 0, highest = 0;

  if (pare_data_type_bits (tensor->type) > 8)
    return pare_data_type_bits (tensor->type);
  for (gint64 i = 0, n = pare_tensor_elements (tensor); i < n; i++)
    {
      lowest = MIN (lowest, pare_tensor_get_int (tensor, i));
      highest = MAX (highest, pare_tensor_get_int (tensor, i));
    }
  return range_bits (is_signed (tensor->type), lowest, highest);
}

/* The weight of a pair, or the stored integers that one converts. */
static gboolean
find_weight (const PareValue *value, Parameter *parameter)
{
  const PareTensor *zero_point;
  ParePair pair;

  if (!value || !value->producer || !pare_pair_read (value->producer, &pair) || !pair.input->constant)
    return FALSE;
  zero_point = pair.zero_point ? pair.zero_point->constant : NULL;
  parameter->tensor = pair.input->constant;
  parameter->zero
      = !pair.quantize && zero_point && pare_tensor_elements (zero_point) ? pare_tensor_get_int (zero_point, 0) : 0;
  parameter->bits
      = pair.quantize ? range_bits (is_signed (pair.type), pair.lowest, pair.highest) : stored_bits (parameter->tensor);
  parameter->group_size = pair.block_size;
  return TRUE;
}

/* The constant behind @value, through QuantizeLinear and DequantizeLinear. Integers that no quantizer reads are shapes
 * and axes, not parameters. */
static gboolean
find_parameter (const PareValue *value, Parameter *parameter)
{
  PareTensor *tensor = NULL;
  guint bits = 0;
  gint64 zero = 0;

  if (find_weight (value, parameter))
    return TRUE;
  while (value && !value->constant && is_quantizer (value->producer))
    {
      PareTensor *zero_point = pare_node_constant (value->producer, 2);
      bits = quantizer_bits (value->producer);
      zero = zero_point && pare_tensor_elements (zero_point) > 0 ? pare_tensor_get_int (zero_point, 0) : 0;
      value = pare_node_input (value->producer, 0);
    }
  tensor = value ? value->constant : NULL;
  if (!tensor || tensor->type == PARE_STRING || (bits == 0 && !pare_data_type_is_float (tensor->type)))
    return FALSE;
  if (!pare_data_type_is_float (tensor->type))
    bits = pare_data_type_bits (tensor->type);
  *parameter = (Parameter){ tensor, pare_data_type_is_float (tensor->type) ? 0 : zero,
                            bits ? bits : pare_data_type_bits (tensor->type) };
  return TRUE;
}

static double
sparsity_of (const Parameter *parameter)
{
  gint64 n = pare_tensor_elements (parameter->tensor), zeros = 0;

  for (gint64 i = 0; i < n; i++)
    zeros += pare_tensor_get_double (parameter->tensor, i) == parameter->zero;
  return n > 0 ? (double)zeros / n : 0;
}

/* Behind a quantizer the weight is no constant to its operator, which still says what its axes mean. */
static void
find_pattern (PareLayer *layer, const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait = { 0 };
  Parameter weight;

  if (!op || !op->weight)
    return;
  op->weight (node, &trait);
  if (trait.in_axis != trait.out_axis && find_parameter (pare_node_input (node, trait.input), &weight)
      && weight.tensor->shape.rank > MAX (trait.in_axis, trait.out_axis))
    pare_pattern_find (weight.tensor, trait.in_axis, weight.zero, &layer->n, &layer->m);
}

static void
account_parameters (PareLayer *layer, const PareNode *node, GHashTable *seen)
{
  Parameter largest = { 0 };

  for (guint i = 0; i < node->inputs->len; i++)
    {
      Parameter parameter;
      if (!find_parameter (node->inputs->pdata[i], &parameter))
        continue;
      if (g_hash_table_add (seen, parameter.tensor))
        layer->parameters += pare_tensor_elements (parameter.tensor);
      if (!largest.tensor || pare_tensor_elements (parameter.tensor) > pare_tensor_elements (largest.tensor))
        largest = parameter;
    }
  if (!largest.tensor)
    return;
  layer->bits = largest.bits;
  layer->group_size = largest.group_size;
  layer->sparsity = sparsity_of (&largest);
  if (layer->sparsity > 0)
    find_pattern (layer, node);
}

/* Every float operand comes out of a quantizer, up to constants such as a float bias. */
static gboolean
is_quantized (const PareNode *node)
{
  guint quantized = 0;

  for (guint i = 0; i < node->inputs->len; i++)
    {
      const PareValue *value = node->inputs->pdata[i];
      if (value && is_quantizer (value->producer))
        quantized++;
      else if (value && !value->constant)
        return FALSE;
    }
  return quantized > 0;
}

/* Such a Clip narrows the integers of the quantizers beside it. */
static gboolean
is_between_quantizers (const PareNode *node)
{
  const PareValue *input = pare_node_input (node, 0), *output = pare_node_output (node, 0);

  return pare_node_is (node, "Clip") && input && input->producer && pare_node_is (input->producer, "QuantizeLinear")
         && output && output->consumers->len && pare_node_is (output->consumers->pdata[0], "DequantizeLinear");
}

static void
set_shape (PareLayer *layer, const PareNode *node, const PareInference *inference)
{
  const PareValue *value = pare_node_output (node, 0);
  const PareSpec *spec = inference && value ? pare_inference_spec (inference, value) : NULL;

  layer->has_shape = spec || (value && value->has_shape);
  if (layer->has_shape)
    layer->output = spec ? spec->shape : value->shape;
}

static PareInference *
infer (PareGraph *graph, gint64 batch, gint64 size, char **note)
{
  g_autoptr (GArray) specs = NULL;
  g_autoptr (GError) error = NULL;
  PareInference *inference = NULL;

  if (pare_graph_default_specs (graph, batch, size, &specs, &error))
    inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, &error);
  if (error)
    *note = g_strdup (error->message);
  return inference;
}

PareLayers *
pare_layers_new (PareGraph *graph, gint64 batch, gint64 size)
{
  PareLayers *layers = g_new0 (PareLayers, 1);
  g_autoptr (PareInference) inference = infer (graph, batch, size, &layers->note);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  layers->layers = g_array_new (FALSE, TRUE, sizeof (PareLayer));
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      PareLayer layer = { .name = pare_node_label (node), .operator= node->op_type };
      if (is_quantizer (node) || is_between_quantizers (node) || pare_node_is (node, "Constant"))
        continue;
      set_shape (&layer, node, inference);
      account_parameters (&layer, node, seen);
      layer.macs = inference ? pare_inference_macs (inference, node) : 0;
      layer.quantized = is_quantized (node);
      layers->parameters += layer.parameters;
      layers->macs += layer.macs;
      layers->quantized += layer.quantized;
      g_array_append_val (layers->layers, layer);
    }
  return layers;
}

void
pare_layers_free (PareLayers *layers)
{
  g_array_unref (layers->layers);
  g_free (layers->note);
  g_free (layers);
}
