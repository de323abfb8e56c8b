/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear -> Conv, MatMul or Gemm with integer weights (-> Relu or Clip -> QuantizeLinear). */
#include "integer/product.h"

/* Products of scales beyond these are not worth the care. */
#define LEAST_SCALE 1e-30f
#define MOST_SCALE 1e30f

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

static gboolean
layer_apply (PareGraph *graph, PareNode *node)
{
  g_auto (PareIntegerLayer) layer = { NULL };
  const char *reason;
  PareNode *last = node;
  gboolean rounded;
  PareGrid y;

  if (!pare_integer_layer_read (node, &layer, &reason) || !pare_integer_layer_read_bias (&layer))
    return FALSE;
  rounded = pare_grid_behind (node, &y, &last) && scales_are_sane (&layer, y.scale);
  if (!rounded && !scales_are_sane (&layer, 1))
    return FALSE;
  return pare_integer_layer_replace (graph, &layer, rounded ? &y : NULL, rounded ? last : node, FALSE);
}

PARE_INTEGER_RULE (layer) = { "layer", layer_apply };
