/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers with integer weights. Private to the room. */
#pragma once
#include "integer/grid.h"

/**
 * PareIntegerLayer:
 * @node: Conv, MatMul or an operator of their kind
 * @is_convolution: else a matrix product
 * @pads: whether the integer for 0 stands around the data, too
 * @weights: integers, [out, in, kernel..] or [k, n]
 * @n: number of weight scales
 * @w_scales: one, or one per output channel
 * @bias: in steps of the sums, one per output channel; or NULL
 */
typedef struct
{
  PareNode *node;
  gboolean is_convolution, pads;
  PareGrid x;
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
/* Replaces the layer, and what limits and rounds its result, by one node. @y NULL: the result is float32, or with
 * @as_sums int32, in the place of the node's output. FALSE when that cannot be. */
gboolean pare_integer_layer_replace (PareGraph *graph, PareIntegerLayer *layer, const PareGrid *y, PareNode *last,
                                     gboolean as_sums);
