/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Splitting a loop over the threads. */
#include "ops/parallel.h"

void
pare_parallel (gint64 n, gint64 grain, PareLoop run, gconstpointer data)
{
  gint64 step = MAX (grain, 1), pieces = (n + step - 1) / step;

  /* OpenMP would allocate a team even for one thread. */
  if (pieces <= 1)
    {
      if (n > 0)
        run (0, n, data);
      return;
    }
#pragma omp parallel for schedule(static)
  for (gint64 i = 0; i < pieces; i++)
    run (i * step, MIN ((i + 1) * step, n), data);
}
