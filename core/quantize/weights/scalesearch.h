/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/parameters.h"

G_BEGIN_DECLS

/* The scale s of the @n numbers at @weights with the least
 *     |w - w'|^2 + @gain <w, w - w'>^2 / |w|^2,    w' = s clip (round (w / s), lowest, highest)
 * among those from a fifth of the one that cuts off nothing up to that. The second part is what w' lacks or adds along
 * w: a factor before all that the weights compute. */
float pare_scale_search (const float *weights, gsize n, const PareWeightGrid *grid, double gain);

G_END_DECLS
