/* SPDX-License-Identifier: LGPL-2.1-or-later
 * QLinearConv, QLinearMatMul, ConvInteger and MatMulInteger with constant weights. */
#include "integer/product.h"
#include "quantize/pair.h"
#include <string.h>

/* Where such an operator has what; 0: nowhere. */
typedef struct
{
  const char *name;
  gboolean is_convolution;
  guint x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
} Places;

static const Places table[] = {
  { "QLinearConv", TRUE, 1, 2, 3, 4, 5, 6, 7, 8 },
  { "QLinearMatMul", FALSE, 1, 2, 3, 4, 5, 6, 7, 0 },
  { "ConvInteger", TRUE, 0, 2, 1, 0, 3, 0, 0, 0 },
  { "MatMulInteger", FALSE, 0, 2, 1, 0, 3, 0, 0, 0 },
};

/* The constant input @index; FALSE when it is there and not constant. */
static gboolean
read_constant (const PareNode *node, guint index, PareTensor **tensor)
{
  *tensor = index ? pare_node_constant (node, index) : NULL;
  return *tensor || !index || !pare_node_input (node, index);
}

/* One scale and zero point for all. */
static gboolean
read_grid (const PareNode *node, guint scale_input, guint zero_input, PareGrid *grid)
{
  PareTensor *scale, *zero_point;

  if (!read_constant (node, scale_input, &scale) || !read_constant (node, zero_input, &zero_point)
      || (scale && (pare_tensor_elements (scale) != 1 || scale->type != PARE_FLOAT32))
      || (zero_point && pare_tensor_elements (zero_point) != 1))
    return FALSE;
  grid->scale = scale ? pare_tensor_get_double (scale, 0) : 1;
  grid->zero_point = zero_point ? pare_tensor_get_int (zero_point, 0) : 0;
  grid->type = zero_point ? zero_point->type : PARE_UINT8;
  return grid->scale > 0 && (grid->type == PARE_UINT8 || grid->type == PARE_INT8)
         && pare_integer_limits (grid->type, &grid->lowest, &grid->highest);
}

static gboolean
read_weights (PareIntegerLayer *layer, const Places *at)
{
  static const float one = 1;
  PareTensor *weights = pare_node_constant (layer->node, at->w), *scales, *zero_points;

  if (!weights || (layer->is_convolution ? weights->shape.rank < 3 : weights->shape.rank != 2)
      || !read_constant (layer->node, at->w_scale, &scales) || !read_constant (layer->node, at->w_zero, &zero_points)
      || (scales && scales->type != PARE_FLOAT32))
    return FALSE;
  layer->weights = pare_integer_weights (weights, zero_points, layer->is_convolution ? 0 : 1, FALSE);
  layer->n = scales ? pare_tensor_elements (scales) : 1;
  layer->w_scales = g_memdup2 (scales ? pare_tensor_data (scales) : &one, layer->n * sizeof (float));
  return layer->weights && pare_tensor_elements (layer->weights) > 0
         && (layer->n == 1 || layer->n == pare_integer_layer_channels (layer));
}

static gboolean
read_bias (PareIntegerLayer *layer, const Places *at)
{
  gint64 channels = pare_integer_layer_channels (layer);
  PareTensor *bias;

  if (!read_constant (layer->node, at->bias, &bias))
    return FALSE;
  if (!bias)
    return TRUE;
  if (bias->type != PARE_INT32 || pare_tensor_elements (bias) != channels)
    return FALSE;
  layer->bias = g_memdup2 (pare_tensor_data (bias), channels * sizeof (gint32));
  return TRUE;
}

static const Places *
find_places (const PareNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (pare_node_is (node, table[i].name))
      return &table[i];
  return NULL;
}

static gboolean
qlinear_apply (PareGraph *graph, PareNode *node)
{
  const Places *at = find_places (node);
  g_auto (PareIntegerLayer) layer = { .node = node };
  PareGrid y;

  if (!at)
    return FALSE;
  layer.is_convolution = at->is_convolution;
  layer.x.integers = pare_node_input (node, 0);
  if (!layer.x.integers || layer.x.integers->constant || !read_grid (node, at->x_scale, at->x_zero, &layer.x)
      || !read_weights (&layer, at) || !read_bias (&layer, at))
    return FALSE;
  layer.pads = layer.is_convolution && pare_integer_layer_pads (node);
  if (!at->y_zero)
    return pare_integer_layer_replace (graph, &layer, NULL, node, TRUE);
  y.integers = node->outputs->pdata[0];
  return read_grid (node, at->y_scale, at->y_zero, &y) && pare_integer_layer_replace (graph, &layer, &y, node, FALSE);
}

PARE_INTEGER_RULE (qlinear) = { "qlinear", qlinear_apply };
