/* SPDX-License-Identifier: LGPL-2.1-or-later
 * 3x3 convolutions by Winograd's algorithm F(4x4, 3x3) and their gradients: a quarter of the multiplications (Lavin and
 * Gray, Fast Algorithms for Convolutional Neural Networks, 2015). Its last digits are not those of a direct
 * convolution: for float networks and for training only. Private to the operators. */
#pragma once
#include "exec/compile.h"
#include "ops/conv.h"

/**
 * PareWinograd:
 * @in, @out: channels, multiples of 16
 * @height, @width: of the input; @out_height, @out_width: of the output
 * @top, @left: padding
 * @from, @to: how input and output lie
 * @add, @relu: what is done to the output: added to what lies there already, then cut off below 0
 * @threads: that the working memory is for
 *
 * One pass over data: a convolution, or its gradient by the input, which is a convolution of the output's gradient
 * (@transposed: with the kernel turned round and its channels exchanged).
 */
typedef struct
{
  gint64 batch, in, out, height, width, out_height, out_width, top, left;
  PareChannels from, to;
  gboolean transposed, add, relu;
  guint threads;
} PareWinograd;

/* FALSE when the convolution is of another kind, and where oneDNN is to be taken: on processors without AVX-512, for
 * other numbers of channels, and when @post_ops (NULL: none) ask for more. */
gboolean pare_winograd_describe (const PareConvolution *convolution, const PareSpec *x, const PareSpec *y,
                                 const ParePostOps *post_ops, PareWinograd *winograd);
/* Whether the kernels of a network that only runs are better transformed once and kept: they take four times the
 * memory, which small images with many channels do not repay. By the shapes alone. */
gboolean pare_winograd_pays (const PareWinograd *winograd);
/* Input and output lie as @input does if that is of use, else channels-last, where oneDNN's fastest inference has them.
 */
void pare_winograd_follow (PareWinograd *winograd, const PareLayout *input);
/* The pass that takes gradients from the output of @forward to its input. */
PareWinograd pare_winograd_by_data (const PareWinograd *forward);

/* Adds the step of the node at hand: input 0, weights 1 as the forward node has them, row-major, and bias 2. Constant
 * weights are transformed here and now. */
gboolean pare_winograd_compile (PareCompile *compile, const PareWinograd *winograd, gboolean has_bias, GError **error);

/* The gradient by the weights, of the forward pass @winograd: the floats of working memory that it takes, and the
 * gradient, from tensors in blocks of 16 channels. @by_weights is row-major, @by_bias may be NULL. The same bits on any
 * number of threads. */
gsize pare_winograd_weights_room (const PareWinograd *winograd);
void pare_winograd_weights_run (const PareWinograd *winograd, const float *x, const float *dy, float *by_weights,
                                float *by_bias, float *room);
