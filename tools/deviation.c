/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Measures of a deviation, from its sums. */
#include "comparison.h"
#include <math.h>

double
pare_deviation_sqnr (const PareDeviation *deviation)
{
  return deviation->noise == 0 ? INFINITY : 10 * log10 (deviation->signal / deviation->noise);
}

double
pare_deviation_cosine (const PareDeviation *deviation)
{
  double norms = sqrt (deviation->signal) * sqrt (deviation->power);

  /* Two zero vectors point the same way, for this purpose. */
  return deviation->signal == 0 && deviation->power == 0 ? 1 : deviation->product / norms;
}
