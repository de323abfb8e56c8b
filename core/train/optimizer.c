/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up and running of optimizers; the table is generated from the list in meson.build. */
#include "train/optimizer.h"
#include "ops/parallel.h"
#include "graph/named.h"

extern const PareOptimizer *const pare_optimizer_table[];

typedef struct
{
  const PareOptimizer *optimizer;
  const PareOptimizerSettings *settings;
  const PareUpdate *update;
} Job;

void
pare_optimizer_settings_init (PareOptimizerSettings *settings)
{
  *settings = (PareOptimizerSettings){ .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 };
}

const PareOptimizer *const *
pare_optimizers (guint *n)
{
  for (*n = 0; pare_optimizer_table[*n];)
    ++*n;
  return pare_optimizer_table;
}

const PareOptimizer *
pare_optimizer_find (const char *name, GError **error)
{
  return pare_find_named ("optimizer", name, (const void *const *)pare_optimizer_table, error);
}

static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  PareUpdate piece = *job->update;

  piece.n = to - from;
  piece.weights += from;
  piece.gradient += from;
  for (guint i = 0; i < job->optimizer->states; i++)
    piece.state[i] += from;
  job->optimizer->update (job->settings, &piece);
}

void
pare_optimizer_run (const PareOptimizer *optimizer, const PareOptimizerSettings *settings, const PareUpdate *update)
{
  Job job = { optimizer, settings, update };

  pare_parallel (update->n, PARE_GRAIN / 4, run_piece, &job);
}
