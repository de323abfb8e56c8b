/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Biases of quantized layers. A product has none of its own; exporters add a constant behind it. */
#include "rounding/layerbias.h"
#include "quantize/bias.h"

static gint64
channels_of (const PareRoundingLayer *layer)
{
  return layer->matrix.groups * layer->matrix.outputs;
}

/* A constant with one float32 per channel along the last axis. */
static gboolean
is_vector (const PareTensor *tensor, gint64 channels)
{
  return tensor && tensor->type == PARE_FLOAT32 && tensor->shape.rank && pare_tensor_elements (tensor) == channels
         && tensor->shape.dims[tensor->shape.rank - 1] == channels;
}

static gboolean
find_behind (const PareRoundingLayer *layer, PareLayerBias *bias)
{
  const PareValue *result = pare_node_output (layer->node, 0);
  PareNode *next = pare_value_only_consumer (result);

  if (!next || !pare_node_is (next, "Add") || !layer->matrix.trait.channels_last)
    return FALSE;
  *bias = (PareLayerBias){ next, pare_node_input (next, 0) == result, FALSE };
  return is_vector (pare_node_constant (next, bias->input), channels_of (layer));
}

gboolean
pare_layer_bias_find (const PareRoundingLayer *layer, PareLayerBias *bias)
{
  const PareWeightTrait *trait = &layer->matrix.trait;
  const PareTensor *own = trait->has_bias ? pare_node_constant (layer->node, trait->bias) : NULL;

  if (!trait->has_bias)
    return find_behind (layer, bias);
  *bias = (PareLayerBias){ layer->node, trait->bias, TRUE };
  return own ? is_vector (own, channels_of (layer)) : pare_node_input (layer->node, trait->bias) == NULL;
}

/* Gives input @index of @node the constant @tensor, and no other node. */
static void
replace_constant (PareGraph *graph, PareNode *node, guint index, PareTensor *tensor)
{
  PareValue *old = pare_node_input (node, index);
  g_autofree char *stem = g_strconcat (pare_node_label (node), ".bias", NULL);

  if (old && pare_value_only_consumer (old) == node)
    {
      pare_value_set_constant (old, tensor);
      return;
    }
  while (node->inputs->len <= index)
    pare_node_add_input (node, NULL);
  pare_node_set_input (node, index, pare_graph_add_constant (graph, old ? old->name : stem, tensor));
}

void
pare_layer_bias_add (PareGraph *graph, const PareRoundingLayer *layer, const PareLayerBias *bias, const double *change)
{
  const PareTensor *old = pare_node_constant (bias->node, bias->input);
  gint64 n = channels_of (layer);
  PareShape shape = old ? old->shape : pare_shape_of (1, n);
  float *sum = g_new (float, n);
  g_autoptr (PareTensor) tensor = NULL;

  for (gint64 c = 0; c < n; c++)
    sum[c] = (old ? pare_tensor_get_double (old, c) : 0) + change[c];
  tensor = pare_tensor_new_take (PARE_FLOAT32, &shape, sum);
  replace_constant (graph, bias->node, bias->input, tensor);
  if (bias->own)
    pare_node_round_bias (bias->node);
}
