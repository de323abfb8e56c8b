/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Each weight to the nearest of its grid: w' = round (w / step) step, as the quantizer behind it does. */
#include "rounding/rounding.h"

PARE_ROUNDING (nearest) = {
  .name = "nearest",
  .description = "Each weight to the nearest of its grid",
};
