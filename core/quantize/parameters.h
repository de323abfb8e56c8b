/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/granularity.h"
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
/* The type that stores them: int8, or int16 for those of more than 8 bits. */
PareDataType pare_weight_grid_type (const PareWeightGrid *grid);

/* Symmetric scales of a float32 weight on @grid, as @algorithm chooses them for all numbers that share one.
 * @floors (may be NULL): the least that each scale may be, for biases to fit 32 bits; @raised (may be NULL) receives
 * the number of scales that those had to raise. Returns the scales. */
PareTensor *
pare_weight_scales (const PareTensor *weight, const PareGranularity *granularity, const PareWeightGrid *grid,
                    const PareWeightAlgorithm *algorithm, const float *floors, guint *raised);

/* The integers of @weight under @scales: rounded to the nearest, ties to even. */
PareTensor *pare_weight_quantize (const PareTensor *weight, const PareGranularity *granularity,
                                  const PareTensor *scales, const PareWeightGrid *grid);

/* 10 log10 (signal / error) of the weight under @scales. */
double pare_weight_sqnr (const PareTensor *weight, const PareGranularity *granularity, const PareTensor *scales,
                         const PareWeightGrid *grid);

G_END_DECLS
