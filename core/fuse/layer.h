/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A layer with constant weights, opened for editing: plain y = W x + b in double precision, whatever the operator. */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareLayer:
 * @node: the node; another one after a MatMul became a Gemm
 * @product: a matrix product: channels are the last axis of its data. Otherwise a convolution: they are axis 1
 * @rank: of its data; -1 for MatMul, until the caller knows
 * @inputs: number of input channels
 * @outputs: number of output channels
 * @weight: elements in the order of the weight tensor; NULL until the first edit
 * @bias: one per output channel, zero when the node has none; NULL until the first edit
 */
typedef struct
{
  PareNode *node;
  PareWeightTrait trait;
  gboolean product;
  int rank;
  gint64 inputs;
  gint64 outputs;
  gint64 group_inputs; /* channels of one group */
  gint64 group_outputs;
  double *weight;
  double *bias;
} PareLayer;

/* Opens @node; NULL and a reason when its weights or its bias are none that can be edited. */
PareLayer *pare_layer_open (PareNode *node, const char **reason);
void pare_layer_free (PareLayer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareLayer, pare_layer_free)

/* There is a place for a bias, if need be in the Gemm that a MatMul of matrices becomes. */
gboolean pare_layer_takes_bias (const PareLayer *layer);
/* Every output sees every weight, so that a shift of the inputs is one of the outputs: the border of a padded
 * convolution sees zeros in its place, and that of a transposed one only a part of the kernel. */
gboolean pare_layer_sees_shift_everywhere (const PareLayer *layer);
/* y = scale (W x + b) + shift: @n numbers, one for all or one per output channel. */
void pare_layer_affine_behind (PareLayer *layer, gint64 n, const double *scale, const double *shift);
/* y = W (scale x + shift) + b: @n numbers, one for all or one per input channel. */
void pare_layer_affine_before (PareLayer *layer, gint64 n, const double *scale, const double *shift);

/* Puts the edited numbers into the graph. Constants that other nodes read too are copied first, and *@copied says so.
 * FALSE, with nothing changed, when a number is too large for the element type. */
gboolean pare_layer_write (PareLayer *layer, gboolean *copied, const char **reason);

G_END_DECLS
