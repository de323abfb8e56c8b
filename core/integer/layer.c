/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear -> Conv, MatMul or Gemm with integer weights (-> Relu or Clip -> QuantizeLinear). */
#include "integer/product.h"
#include "quantize/pair.h"
#include <math.h>

/* Products of scales beyond these are not worth the care. */
#define LEAST_SCALE 1e-30f
#define MOST_SCALE 1e30f

/* One matrix, as it is multiplied: without factors, and the data as it lies. */
static gboolean
is_product (const PareNode *node)
{
  return pare_node_is (node, "MatMul")
         || (pare_node_is (node, "Gemm") && !pare_node_get_int (node, "transA", 0)
             && pare_node_get_float (node, "alpha", 1) == 1
             && (!pare_node_input (node, 2) || pare_node_get_float (node, "beta", 1) == 1));
}

static gboolean
read_weights (PareIntegerLayer *layer)
{
  const PareValue *value = pare_node_input (layer->node, 1);
  gboolean transposed = pare_node_is (layer->node, "Gemm") && pare_node_get_int (layer->node, "transB", 0);
  guint out_axis = layer->is_convolution || transposed ? 0 : 1;
  PareTensor *integers;
  ParePair pair;

  if (!value || !value->producer || !pare_pair_read (value->producer, &pair) || !pair.input->constant)
    return FALSE;
  integers = pair.input->constant;
  if (layer->is_convolution ? integers->shape.rank < 3 : integers->shape.rank != 2)
    return FALSE;
  if (pair.quantize
      || (pair.axis >= 0 && pair.axis != (int)out_axis && pair.axis + (int)integers->shape.rank != (int)out_axis))
    return FALSE;
  layer->weights
      = pare_integer_weights (integers, pair.zero_point ? pair.zero_point->constant : NULL, out_axis, transposed);
  layer->n = pare_tensor_elements (pair.scale->constant);
  layer->w_scales = g_memdup2 (pare_tensor_data (pair.scale->constant), layer->n * sizeof (float));
  return layer->weights && pare_tensor_elements (layer->weights) > 0
         && (layer->n == 1 || layer->n == pare_integer_layer_channels (layer));
}

static gboolean
scales_are_sane (const PareIntegerLayer *layer, float y_scale)
{
  for (guint i = 0; i < layer->n; i++)
    {
      float scale = layer->x.scale * layer->w_scales[i] / y_scale;
      if (!(scale >= LEAST_SCALE && scale <= MOST_SCALE))
        return FALSE;
    }
  return TRUE;
}

/* The constant @bias, times @scale (one, or one per entry; NULL: 1), in steps of the sums. */
static gboolean
count_bias (PareIntegerLayer *layer, const PareTensor *bias, const PareTensor *scale)
{
  gint64 n = pare_integer_layer_channels (layer), scales = scale ? pare_tensor_elements (scale) : 1;

  if (pare_tensor_elements (bias) != n || (bias->shape.rank && bias->shape.dims[bias->shape.rank - 1] != n)
      || (scales != 1 && scales != n))
    return FALSE;
  layer->bias = g_new0 (gint32, MAX (n, 1));
  for (gint64 c = 0; c < n; c++)
    {
      double step = (double)layer->x.scale * layer->w_scales[layer->n > 1 ? c : 0];
      double ratio = (scale ? pare_tensor_get_double (scale, scales > 1 ? c : 0) : 1) / step;
      /* The file's product of both scales was rounded to float32. */
      double number = rint (pare_tensor_get_double (bias, c) * (scale && fabs (ratio - 1) < 1e-5 ? 1 : ratio));
      if (!(fabs (number) <= G_MAXINT32))
        return FALSE;
      layer->bias[c] = number;
    }
  return TRUE;
}

static gboolean
read_bias (PareIntegerLayer *layer)
{
  const PareValue *value = pare_node_is (layer->node, "MatMul") ? NULL : pare_node_input (layer->node, 2);
  const PareNode *node = value ? value->producer : NULL;
  const PareTensor *zero_point;

  if (!value)
    return TRUE;
  if (value->constant)
    return count_bias (layer, value->constant, NULL);
  if (!node || !pare_node_is (node, "DequantizeLinear") || !pare_node_constant (node, 0)
      || !pare_node_constant (node, 1))
    return FALSE;
  zero_point = pare_node_constant (node, 2);
  for (gint64 i = 0; zero_point && i < pare_tensor_elements (zero_point); i++)
    if (pare_tensor_get_int (zero_point, i))
      return FALSE;
  return count_bias (layer, pare_node_constant (node, 0), pare_node_constant (node, 1));
}

static gboolean
layer_apply (PareGraph *graph, PareNode *node)
{
  g_auto (PareIntegerLayer) layer = { .node = node, .is_convolution = pare_node_is (node, "Conv") };
  PareNode *last = node;
  gboolean rounded;
  PareGrid y;

  if ((!layer.is_convolution && !is_product (node)) || !pare_grid_before (pare_node_input (node, 0), &layer.x)
      || !read_weights (&layer) || !read_bias (&layer))
    return FALSE;
  layer.pads = layer.is_convolution && pare_integer_layer_pads (node);
  rounded = pare_grid_behind (node, &y, &last) && scales_are_sane (&layer, y.scale);
  if (!rounded && !scales_are_sane (&layer, 1))
    return FALSE;
  return pare_integer_layer_replace (graph, &layer, rounded ? &y : NULL, rounded ? last : node, FALSE);
}

PARE_INTEGER_RULE (layer) = { "layer", layer_apply };
