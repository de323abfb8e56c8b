/* SPDX-License-Identifier: LGPL-2.1-or-later
 * arq: scale = max w / highest, but min w / lowest where that end lies further out. With b bits the divisors are
 * 2^(b-1) - 1 and 2^(b-1), so that negative weights use the integer that has no positive twin. The rule of AMCT's ARQ
 * (its scales below FLT_EPSILON become 1 and the weights with them 0; here they stay what they are). */
#include "quantize/weight-algorithm.h"

static float
arq_scale (const float *weights, gsize n, const PareWeightGrid *grid)
{
  float low = 0, high = 0;

  for (gsize i = 0; i < n; i++)
    {
      low = MIN (low, weights[i]);
      high = MAX (high, weights[i]);
    }
  return -low > high ? low / grid->lowest : high / grid->highest;
}

PARE_WEIGHT_ALGORITHM (arq)
    = { "arq", "As minmax, but negative weights reach the lowest integer, which has no positive twin.", arq_scale };
