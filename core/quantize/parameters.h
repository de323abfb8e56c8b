/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/quantize.h"

G_BEGIN_DECLS

/* q = clip (round (x / scale) + zero_point, lowest, highest); x' = (q - zero_point) scale. */
typedef struct
{
  PareDataType type;
  float scale;
  gint32 zero_point;
  gint32 lowest, highest;
} PareQuantizeParameters;

/* For activations of @range: unsigned with a zero point, or symmetric and signed. Zero is always representable, as
 * padding and ReLU need it. */
PareQuantizeParameters pare_quantize_parameters (const PareRange *range, guint bits, gboolean symmetric);

/* Integers of a weight, symmetric about 0 but for the lowest one. */
typedef struct
{
  gint32 lowest, highest;
} PareWeightGrid;

/* Those of @bits. @narrow: without the lowest one, so that each has its negative. */
PareWeightGrid pare_weight_grid (guint bits, gboolean narrow);

/* Symmetric scales of a float32 weight on @grid, one per index of @axis (per tensor when @per_channel is
 * FALSE). With 8 bits the largest weight is the end of the grid; with fewer, the scale is the one of least squared
 * error, which cuts off the largest weights. @bias_floor (may be NULL): least scale per channel, such that its bias
 * fits 32 bits. Returns the scales. */
PareTensor *pare_weight_scales (const PareTensor *weight, guint axis, gboolean per_channel,
                                const PareWeightGrid *grid, const float *bias_floor);

/* The integers of @weight under @scales (one, or one per index of @axis): rounded to the nearest, ties to even. */
PareTensor *pare_weight_quantize (const PareTensor *weight, guint axis, const PareTensor *scales,
                                  const PareWeightGrid *grid);

G_END_DECLS
