/* SPDX-License-Identifier: LGPL-2.1-or-later
 * gain: least squared error among the scales that keep <w, w'> = <w, w>. The scale of least squared error alone shrinks
 * all weights by its share of noise, and unlike noise that adds up over layers: at 4 bits a deep network's result is a
 * tenth too small. */
#include "quantize/weight-algorithm.h"
#include "quantize/weights/scalesearch.h"

/* Against the squared error. The gain's part is the square of a small share, and this makes it outweigh the other. */
#define GAIN 3000

static float
gain_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  return pare_scale_search (weights, n, grid, GAIN);
}

PARE_WEIGHT_ALGORITHM (gain)
    = { "gain", "The scale of least squared error that does not shrink the weights.", gain_scale };
