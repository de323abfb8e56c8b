/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SparseGPT: columns in order, and what goes is made up for by those that follow (Frantar & Alistarh, SparseGPT, 2023).
 *
 * With U the upper Cholesky factor of xx^-1, dropping w_j costs (w_j / U_jj)^2 while the columns before j stay as they
 * are. All rows share U, since all go through the columns in the same order. */
#include "sparsify/nm-algorithm.h"
#include "ops/parallel.h"
#include "graph/pattern.h"
#include <math.h>

typedef struct
{
  const PareNmProblem *problem;
  PareHessian *hessian;
} Work;

/* Drops what has the least cost of @width neighbours from place @first on. */
static void
prune_group (const Work *work, gint64 output, gint64 first, gint64 width)
{
  PareHessian *hessian = work->hessian;
  const double *w = hessian->weights + output * hessian->n;
  float scores[PARE_PATTERN_MOST], mask[PARE_PATTERN_MOST];
  PareShape shape = pare_shape (1, &width);
  const double zero = 0;

  for (gint64 j = 0; j < width; j++)
    scores[j] = fabs (w[first + j] / hessian->factor[(first + j) * (hessian->n + 1)]);
  pare_pattern_mask (scores, &shape, 0, work->problem->n, work->problem->m, mask);
  for (gint64 j = 0; j < width; j++)
    if (mask[j] == 0)
      pare_hessian_change (hessian, output, first + j, first + j + 1, &zero);
}

static void
prune_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  const PareNmProblem *problem = work->problem;

  for (gint64 o = from; o < to; o++)
    for (gint64 t = 0; t < problem->taps; t++)
      for (gint64 i = 0; i < problem->inputs; i += problem->m)
        prune_group (work, o, t * problem->inputs + i, MIN (problem->m, problem->inputs - i));
}

static gboolean
solve (const PareNmProblem *problem, GError **error)
{
  g_auto (PareHessian) hessian = { 0 };
  Work work = { problem, &hessian };

  if (!pare_nm_hessian_init (&hessian, problem, error))
    return FALSE;
  pare_parallel (problem->outputs, 1, prune_rows, &work);
  pare_hessian_read (&hessian, problem->outputs, problem->weights);
  return TRUE;
}

PARE_NM_ALGORITHM (sparsegpt) = {
  .name = "sparsegpt",
  .description = "Column by column, weights that follow make up for those that go",
  .needs_samples = TRUE,
  .changes_weights = TRUE,
  .solve = solve,
};
