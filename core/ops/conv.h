/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A convolution or transposed convolution as oneDNN sees it. Private to the operators. */
#pragma once
#include "ops/window.h"

/**
 * PareConvolution:
 * @transposed: ConvTranspose
 * @window: with pads as oneDNN takes them
 * @weights: [out, in, kernel..], with a leading axis for groups when there are several
 * @stored: how the node's row-major weight lies in the axes of @weights
 *
 * Cleared with pare_convolution_clear().
 */
typedef struct
{
  gboolean transposed;
  PareWindow window;
  PareSpec weights;
  PareLayout *stored;
} PareConvolution;

gboolean pare_conv_describe (const PareNode *node, const PareSpec *x, const PareSpec *w, PareConvolution *convolution,
                             GError **error);
gboolean pare_convtranspose_describe (const PareNode *node, const PareSpec *x, const PareSpec *w,
                                      PareConvolution *convolution, GError **error);
void pare_convolution_clear (PareConvolution *convolution);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareConvolution, pare_convolution_clear)

extern const PareOperator pare_operators_conv[], pare_operators_convtranspose[];

/* The compile function of both, their backward (in convgrad.c) and their taps (in convtaps.c). */
gboolean pare_convolution_compile (PareCompile *compile, const PareConvolution *convolution,
                                   const ParePostOps *post_ops, GError **error);
gboolean pare_convolution_taps (const PareNode *node, const PareShape *x, const PareShape *w, const PareShape *y,
                                gint64 *indices, GError **error);
gboolean pare_convolution_backward (PareGradient *gradient, const PareNode *node, GError **error);

/* For the nodes of both and of their gradients: which it is, the same description, and whether a gradient's inputs fit
 * the shapes of @x and @w. */
gboolean pare_convolution_is_transposed (const PareNode *node);
gboolean pare_convolution_describe (const PareNode *node, const PareSpec *x, const PareSpec *w,
                                    PareConvolution *convolution, GError **error);
gboolean pare_convolution_gradient_fits (const PareInfer *infer, const PareSpec *x, const PareSpec *w, GError **error);
