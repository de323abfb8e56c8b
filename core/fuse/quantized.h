/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers whose weights come out of a quantizer, as quantization-aware training exports them. */
#pragma once
#include "fuse/affine.h"

G_BEGIN_DECLS

/* TRUE when @node is a convolution or a Gemm with a constant weight behind DequantizeLinear. */
gboolean pare_layer_is_quantized (PareNode *node);
/* pare_absorb_behind() for such a layer. Its integers stay what they are, but for their sign: the factors go into
 * scales, one per channel. */
gboolean pare_absorb_behind_quantized (PareFuse *fuse, PareNode *node, const PareAffine *affine);

G_END_DECLS
