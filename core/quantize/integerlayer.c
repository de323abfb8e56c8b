/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers with integer weights: DequantizeLinear -> Conv, MatMul or Gemm, as the form qdq writes them. */
#include "quantize/integerlayer.h"
#include "quantize/pair.h"
#include <math.h>

void
pare_integer_layer_clear (PareIntegerLayer *layer)
{
  g_clear_pointer (&layer->weights, pare_tensor_unref);
  g_clear_pointer (&layer->w_scales, g_free);
  g_clear_pointer (&layer->bias, g_free);
}

gint64
pare_integer_layer_channels (const PareIntegerLayer *layer)
{
  return layer->weights->shape.dims[layer->is_convolution ? 0 : 1];
}

PareTensor *
pare_integer_weights (PareTensor *integers, PareTensor *zero_points, guint axis, gboolean transposed)
{
  PareShape shape = integers->shape;
  gint64 n = pare_shape_elements (&shape), slices = zero_points ? pare_tensor_elements (zero_points) : 1;
  gint64 inner = pare_shape_span (&shape, axis + 1, shape.rank);
  g_autofree gint32 *numbers = g_new (gint32, MAX (n, 1));
  g_autofree gint8 *weights = g_new (gint8, MAX (n, 1));

  if ((slices != 1 && slices != shape.dims[axis])
      || !pare_convert (integers->type, pare_tensor_data (integers), PARE_INT32, numbers, n))
    return NULL;
  for (gint64 i = 0; i < n; i++)
    {
      gint64 slice = slices > 1 ? i / inner % slices : 0;
      gint64 number = (gint64)numbers[i] - (zero_points ? pare_tensor_get_int (zero_points, slice) : 0);
      gint64 at = transposed ? i % shape.dims[1] * shape.dims[0] + i / shape.dims[1] : i;
      if (number < G_MININT8 || number > G_MAXINT8)
        return NULL;
      weights[at] = number;
    }
  if (transposed)
    shape = pare_shape (2, (gint64[]){ shape.dims[1], shape.dims[0] });
  return pare_tensor_new_take (PARE_INT8, &shape, g_steal_pointer (&weights));
}

gboolean
pare_integer_layer_pads (const PareNode *node)
{
  guint n;
  const gint64 *pads = pare_node_get_ints (node, "pads", &n);
  g_autofree char *automatic = pare_node_get_string (node, "auto_pad");

  if (automatic && !g_str_equal (automatic, "NOTSET"))
    return !g_str_equal (automatic, "VALID");
  for (guint i = 0; i < n; i++)
    if (pads[i])
      return TRUE;
  return FALSE;
}

/* One matrix, as it is multiplied: without factors, and the data as it lies. */
static gboolean
is_product (const PareNode *node)
{
  return pare_node_is (node, "MatMul")
         || (pare_node_is (node, "Gemm") && !pare_node_get_int (node, "transA", 0)
             && pare_node_get_float (node, "alpha", 1) == 1
             && (!pare_node_input (node, 2) || pare_node_get_float (node, "beta", 1) == 1));
}

/* Why its weights are none that are multiplied as they are, or NULL. */
static const char *
read_weights (PareIntegerLayer *layer)
{
  const PareValue *value = pare_node_input (layer->node, 1);
  gboolean transposed = pare_node_is (layer->node, "Gemm") && pare_node_get_int (layer->node, "transB", 0);
  guint out_axis = layer->is_convolution || transposed ? 0 : 1;
  PareTensor *integers;
  ParePair pair;

  if (!value || !value->producer || !pare_pair_read (value->producer, &pair) || !pair.input->constant || pair.quantize)
    return "its weights are not stored as integers";
  layer->w = value->producer;
  integers = pair.input->constant;
  if (layer->is_convolution ? integers->shape.rank < 3 : integers->shape.rank != 2)
    return "its weights have an unusual number of axes";
  if (pair.block_size)
    return "its weights have a scale per block";
  if (pair.axis >= 0 && pair.axis != (int)out_axis && pair.axis + (int)integers->shape.rank != (int)out_axis)
    return "the scales of its weights are not those of its channels";
  layer->weights
      = pare_integer_weights (integers, pair.zero_point ? pair.zero_point->constant : NULL, out_axis, transposed);
  layer->n = pare_tensor_elements (pair.scale->constant);
  layer->w_scales = g_memdup2 (pare_tensor_data (pair.scale->constant), layer->n * sizeof (float));
  if (!layer->weights)
    return "its weights less their zero points are not numbers of 8 bits";
  if (pare_tensor_elements (layer->weights) == 0 || (layer->n != 1 && layer->n != pare_integer_layer_channels (layer)))
    return "its weights have another number of scales than channels";
  return NULL;
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

gboolean
pare_integer_layer_read_bias (PareIntegerLayer *layer)
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

gboolean
pare_integer_layer_read_either_bias (PareIntegerLayer *layer, PareTensor **floats)
{
  *floats = NULL;
  if (pare_integer_layer_read_bias (layer))
    return TRUE;
  g_clear_pointer (&layer->bias, g_free);
  *floats = pare_node_constant (layer->node, 2);
  return *floats && (*floats)->type == PARE_FLOAT32
         && pare_tensor_elements (*floats) == pare_integer_layer_channels (layer);
}

PareShape
pare_integer_layer_channels_shape (const PareIntegerLayer *layer)
{
  PareShape shape = { .rank = layer->is_convolution ? layer->weights->shape.rank - 1 : 1 };

  for (guint i = 0; i < shape.rank; i++)
    shape.dims[i] = i ? 1 : pare_integer_layer_channels (layer);
  return shape;
}

/* Some of its operands are on integers. */
static gboolean
is_quantized (const PareNode *node)
{
  for (guint i = 0; i < MIN (node->inputs->len, 2); i++)
    {
      const PareValue *value = node->inputs->pdata[i];
      if (value && value->producer && pare_node_is (value->producer, "DequantizeLinear"))
        return TRUE;
    }
  return FALSE;
}

static const char *
read_layer (PareNode *node, PareIntegerLayer *layer)
{
  const char *reason;

  if (!layer->is_convolution && !is_product (node))
    return "its factors or transposed data are none of an integer product";
  if (!pare_grid_before (pare_node_input (node, 0), &layer->x))
    return "its data is not on one grid of 8 bits";
  reason = read_weights (layer);
  if (!reason)
    layer->pads = layer->is_convolution && pare_integer_layer_pads (node);
  return reason;
}

gboolean
pare_integer_layer_read (PareNode *node, PareIntegerLayer *layer, const char **reason)
{
  *reason = NULL;
  *layer = (PareIntegerLayer){ .node = node, .is_convolution = pare_node_is (node, "Conv") };
  if ((!layer->is_convolution && !pare_node_is (node, "MatMul") && !pare_node_is (node, "Gemm"))
      || !is_quantized (node))
    return FALSE;
  *reason = read_layer (node, layer);
  return !*reason;
}
