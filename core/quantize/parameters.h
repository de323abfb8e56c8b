/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/quantize.h"

G_BEGIN_DECLS

/* q = clip (round (x / scale) + zero_point, lowest, highest of type); x' = (q - zero_point) scale. */
typedef struct
{
  PareDataType type;
  float scale;
  gint32 zero_point;
} PareQuantizeParameters;

/* For activations of @range: unsigned with a zero point, or symmetric and signed. Zero is always representable, as
 * padding and ReLU need it. */
PareQuantizeParameters pare_quantize_parameters (const PareRange *range, gboolean symmetric);

/* Symmetric int8 scales of a float32 weight, one per index of @axis (per tensor when @per_channel is FALSE).
 * @bias_floor (may be NULL): least scale per channel, such that its bias fits 32 bits. Returns the scales. */
PareTensor *pare_weight_scales (const PareTensor *weight, guint axis, gboolean per_channel, const float *bias_floor);

/* The integers of @weight under @scales (one, or one per index of @axis): rounded to the nearest, ties to even. */
PareTensor *pare_weight_quantize (const PareTensor *weight, guint axis, const PareTensor *scales);

G_END_DECLS
