/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Splitting a loop over the threads. */
#include "ops/parallel.h"

void
pare_parallel (gint64 n, gint64 grain, PareLoop run, gconstpointer data)
{
  gint64 step = MAX (grain, 1), pieces = (n + step - 1) / step;

#pragma omp parallel for schedule(static) if (pieces > 1)
  for (gint64 i = 0; i < pieces; i++)
    run (i * step, MIN ((i + 1) * step, n), data);
}
