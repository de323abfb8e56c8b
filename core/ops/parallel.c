/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Splitting a loop over the threads. */
#include "ops/parallel.h"
#include "ops/compute.h"

typedef struct
{
  gint64 n, step;
  PareLoop run;
  gconstpointer data;
} Split;

static gboolean
run_pieces (gpointer data, GError **error)
{
  const Split *split = data;
  gint64 pieces = (split->n + split->step - 1) / split->step;

#pragma omp parallel for schedule(static)
  for (gint64 i = 0; i < pieces; i++)
    split->run (i * split->step, MIN ((i + 1) * split->step, split->n), split->data);
  return TRUE;
}

void
pare_parallel (gint64 n, gint64 grain, PareLoop run, gconstpointer data)
{
  Split split = { n, MAX (grain, 1), run, data };

  /* OpenMP would allocate a team even for one thread. */
  if (n > split.step)
    pare_compute (run_pieces, &split, NULL);
  else if (n > 0)
    run (0, n, data);
}
