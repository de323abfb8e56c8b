/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers with integer weights. */
#pragma once
#include "quantize/grid.h"

G_BEGIN_DECLS

/**
 * PareIntegerLayer:
 * @node: Conv, MatMul or an operator of their kind
 * @is_convolution: else a matrix product
 * @pads: whether the integer for 0 stands around the data, too
 * @weights: integers, [out, in, kernel..] or [k, n]
 * @n: number of weight scales
 * @w_scales: one, or one per output channel
 * @w: the DequantizeLinear of the weights
 * @bias: in steps of the sums, one per output channel; or NULL
 *
 * A layer whose data and constant weights come out of DequantizeLinear.
 */
typedef struct
{
  PareNode *node;
  gboolean is_convolution, pads;
  PareGrid x;
  PareNode *w;
  PareTensor *weights;
  guint n;
  float *w_scales;
  gint32 *bias;
} PareIntegerLayer;

void pare_integer_layer_clear (PareIntegerLayer *layer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareIntegerLayer, pare_integer_layer_clear)

/* @integers less @zero_points (one, or one per slice along @axis; NULL: none) as int8; NULL when that does not hold
 * them. @transposed swaps the axes of a matrix. */
PareTensor *pare_integer_weights (PareTensor *integers, PareTensor *zero_points, guint axis, gboolean transposed);
gint64 pare_integer_layer_channels (const PareIntegerLayer *layer);
/* Reads from a convolution's attributes what the layer says of padding. */
gboolean pare_integer_layer_pads (const PareNode *node);

/* Reads @node: Conv, MatMul or Gemm on 8-bit data, with integer weights as the form qdq stores them. FALSE when it is
 * none; then *@reason says why when somebody would expect it to be one, else it is NULL. Clear @layer in any case. */
gboolean pare_integer_layer_read (PareNode *node, PareIntegerLayer *layer, const char **reason);
/* Reads its bias; FALSE when that is not constant, or 32 bits do not hold it. */
gboolean pare_integer_layer_read_bias (PareIntegerLayer *layer);
/* The same; where 32 bits do not hold a constant bias of float32, it becomes *@floats and the layer has none. FALSE for
 * any other kind. */
gboolean pare_integer_layer_read_either_bias (PareIntegerLayer *layer, PareTensor **floats);
/* One number per channel, in a shape that broadcasts to the result: [c, 1, 1] for images. */
PareShape pare_integer_layer_channels_shape (const PareIntegerLayer *layer);

G_END_DECLS
