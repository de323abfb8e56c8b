/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/parameters.h"

G_BEGIN_DECLS

/**
 * PareWeightAlgorithm:
 * @name: what the user writes as weight-algorithm=
 * @description: one sentence
 * @scale: of the @n finite numbers at @weights, which share it, on @grid. Anything that is no normal number, 0 for
 *   instance, says that any scale will do
 *
 * A way to choose the scale of weights. One file each in core/quantize/weights, as PARE_WEIGHT_ALGORITHM (arq) = { ..
 * }; with the file's name in core/quantize/meson.build.
 */
struct _PareWeightAlgorithm
{
  const char *name;
  const char *description;
  float (*scale) (const float *weights, gsize n, const PareWeightGrid *grid);
};

#define PARE_WEIGHT_ALGORITHM(file) const PareWeightAlgorithm pare_weight_algorithm_##file

extern PARE_WEIGHT_ALGORITHM (minmax);
extern PARE_WEIGHT_ALGORITHM (mse);

const PareWeightAlgorithm *const *pare_weight_algorithms (guint *n);
/* By name; an error names the nearest one. */
const PareWeightAlgorithm *pare_weight_algorithm_find (const char *name, GError **error);

G_END_DECLS
