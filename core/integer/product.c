/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers with integer weights become IntegerConv and IntegerMatMul. */
#include "integer/product.h"
#include "train/gradient.h"

/* Sum (x - zero) w + bias = sum x w + (bias - zero sum w): nothing to do for every element, as long as there is no
 * padding, which would be 0 and not the zero point. */
static gboolean
fold_zero_point (PareIntegerLayer *layer)
{
  gint64 channels = pare_integer_layer_channels (layer), n = pare_tensor_elements (layer->weights);
  const gint8 *weights = pare_tensor_data (layer->weights);
  g_autofree gint64 *sums = g_new0 (gint64, MAX (channels, 1));

  if (!channels || !layer->x.zero_point)
    return TRUE;
  for (gint64 i = 0; i < n; i++)
    sums[layer->is_convolution ? i / (n / channels) : i % channels] += weights[i];
  for (gint64 c = 0; c < channels; c++)
    {
      sums[c] = (layer->bias ? layer->bias[c] : 0) - layer->x.zero_point * sums[c];
      if (sums[c] < G_MININT32 || sums[c] > G_MAXINT32)
        return FALSE;
    }
  if (!layer->bias)
    layer->bias = g_new0 (gint32, MAX (channels, 1));
  for (gint64 c = 0; c < channels; c++)
    layer->bias[c] = sums[c];
  layer->x.zero_point = 0;
  return TRUE;
}

static PareValue *
add_bias (PareGraph *graph, const PareIntegerLayer *layer)
{
  PareShape shape = pare_shape (1, (gint64[]){ pare_integer_layer_channels (layer) });
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT32, &shape, layer->bias);

  return pare_graph_add_constant (graph, "bias", tensor);
}

static PareValue *
add_scales (PareGraph *graph, const PareIntegerLayer *layer, float y_scale)
{
  g_autofree float *scales = g_new (float, MAX (layer->n, 1));

  for (guint i = 0; i < layer->n; i++)
    scales[i] = layer->x.scale * layer->w_scales[i] / y_scale;
  return pare_grid_add_floats (graph, "scales", layer->n, scales);
}

gboolean
pare_integer_layer_replace (PareGraph *graph, PareIntegerLayer *layer, const PareGrid *y, PareNode *last,
                            gboolean as_sums)
{
  const char *op_type = layer->is_convolution ? "IntegerConv" : "IntegerMatMul";
  PareGrid plain = { .type = as_sums ? PARE_INT32 : PARE_FLOAT32, .integers = layer->node->outputs->pdata[0] };
  PareNode *node, *old = layer->node;

  if (!layer->pads && !fold_zero_point (layer))
    return FALSE;
  /* oneDNN's products take none. */
  if (layer->x.zero_point && !layer->is_convolution)
    return FALSE;
  node = pare_graph_add_node (graph, PARE_DOMAIN, op_type, pare_node_label (old), old);
  if (layer->is_convolution)
    pare_node_copy_attributes (node, old);
  y = y ? y : &plain;
  pare_grid_describe (node, y);
  pare_node_set_attribute (node, pare_attribute_new_int ("x_zero_point", layer->x.zero_point));
  pare_node_add_input (node, layer->x.integers);
  pare_node_add_input (node, pare_graph_add_constant (graph, "weights", layer->weights));
  pare_node_add_input (node, as_sums ? NULL : add_scales (graph, layer, y == &plain ? 1 : y->scale));
  if (layer->bias)
    pare_node_add_input (node, add_bias (graph, layer));
  pare_grid_remove (graph, old, last);
  pare_node_add_output (node, y->integers);
  return TRUE;
}
