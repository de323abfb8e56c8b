/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ConvInteger and MatMulInteger with constant weights: what they sum up stays as it is. */
#include "integer/product.h"

/* The constant input @index; FALSE when it is there and not constant. */
static gboolean
read_constant (const PareNode *node, guint index, PareTensor **tensor)
{
  *tensor = pare_node_constant (node, index);
  return *tensor || !pare_node_input (node, index);
}

/* Both zero points stand behind the operands. */
static gboolean
read_data (const PareNode *node, PareGrid *grid)
{
  PareTensor *zero_point;

  grid->integers = pare_node_input (node, 0);
  if (!grid->integers || grid->integers->constant || !read_constant (node, 2, &zero_point)
      || (zero_point && pare_tensor_elements (zero_point) != 1))
    return FALSE;
  grid->scale = 1;
  grid->zero_point = zero_point ? pare_tensor_get_int (zero_point, 0) : 0;
  grid->type = zero_point ? zero_point->type : PARE_UINT8;
  return TRUE;
}

static gboolean
read_weights (PareIntegerLayer *layer)
{
  static const float one = 1;
  PareTensor *weights = pare_node_constant (layer->node, 1), *zero_points;

  if (!weights || (layer->is_convolution ? weights->shape.rank < 3 : weights->shape.rank != 2)
      || !read_constant (layer->node, 3, &zero_points))
    return FALSE;
  layer->weights = pare_integer_weights (weights, zero_points, layer->is_convolution ? 0 : 1, FALSE);
  layer->n = 1;
  layer->w_scales = g_memdup2 (&one, sizeof one);
  return layer->weights && pare_tensor_elements (layer->weights) > 0;
}

static gboolean
sums_apply (PareGraph *graph, PareNode *node)
{
  g_auto (PareIntegerLayer) layer = { .node = node, .is_convolution = pare_node_is (node, "ConvInteger") };

  if ((!layer.is_convolution && !pare_node_is (node, "MatMulInteger")) || !read_data (node, &layer.x)
      || !read_weights (&layer))
    return FALSE;
  layer.pads = layer.is_convolution && pare_integer_layer_pads (node);
  return pare_integer_layer_replace (graph, &layer, NULL, node, TRUE);
}

PARE_INTEGER_RULE (sums) = { "sums", sums_apply };
