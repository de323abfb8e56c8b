/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SparseGPT: columns in order, and what goes is made up for by those that follow (Frantar & Alistarh, SparseGPT, 2023).
 *
 * With U the upper Cholesky factor of xx^-1, dropping w_j costs (w_j / U_jj)^2 while the columns before j stay as they
 * are, and the best change of those behind it is -w_j / U_jj U_jk. All rows share U, since all go through the columns
 * in the same order. */
#include "linalg/linalg.h"
#include "ops/parallel.h"
#include "sparsify/nm-algorithm.h"
#include "sparsify/pattern.h"
#include <math.h>

/* Columns in the order that they are worked on: position by position of the kernel, so that groups are neighbours. */
typedef struct
{
  const PareNmProblem *problem;
  gint64 *order;
  double *factor;  /* U, in that order */
  double *weights; /* the best dense ones */
} Work;

/* U with U^T U = @inverse, in place; FALSE when it is not positive definite. */
static gboolean
factorize (double *a, gint64 k)
{
  for (gint64 i = 0; i < k; i++)
    {
      double *row = a + i * k, pivot = row[i];
      if (!(pivot > 0))
        return FALSE;
      for (gint64 j = i; j < k; j++)
        row[j] /= sqrt (pivot);
      for (gint64 r = i + 1; r < k; r++)
        for (gint64 j = r; j < k; j++)
          a[r * k + j] -= row[r] * row[j];
    }
  return TRUE;
}

/* Drops what has the least cost of @width neighbours from column @first on. */
static void
prune_group (const Work *work, double *w, gint64 first, gint64 width)
{
  const PareNmProblem *problem = work->problem;
  gint64 k = problem->columns;
  float scores[PARE_PATTERN_MOST], mask[PARE_PATTERN_MOST];
  PareShape shape = pare_shape (1, &width);

  for (gint64 j = 0; j < width; j++)
    scores[j] = fabs (w[first + j] / work->factor[(first + j) * (k + 1)]);
  pare_pattern_mask (scores, &shape, 0, problem->n, problem->m, mask);
  for (gint64 j = 0; j < width; j++)
    if (mask[j] == 0)
      {
        const double *row = work->factor + (first + j) * k;
        double error = w[first + j] / row[first + j];
        for (gint64 c = first + j; c < k; c++)
          w[c] -= error * row[c];
        w[first + j] = 0;
      }
}

static void
prune_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  const PareNmProblem *problem = work->problem;
  gint64 k = problem->columns;
  g_autofree double *w = g_new (double, k);

  for (gint64 o = from; o < to; o++)
    {
      for (gint64 j = 0; j < k; j++)
        w[j] = work->weights[o * k + work->order[j]];
      for (gint64 t = 0; t < problem->taps; t++)
        for (gint64 i = 0; i < problem->inputs; i += problem->m)
          prune_group (work, w, t * problem->inputs + i, MIN (problem->m, problem->inputs - i));
      for (gint64 j = 0; j < k; j++)
        problem->weights[o * k + work->order[j]] = w[j];
    }
}

static gboolean
solve (const PareNmProblem *problem, GError **error)
{
  gint64 k = problem->columns;
  g_autofree gint64 *order = g_new (gint64, k);
  g_autofree double *inverse = g_new0 (double, k *k), *factor = g_new (double, k *k);
  g_autofree double *weights = g_memdup2 (problem->yx, sizeof (double) * problem->outputs * k);
  Work work = { problem, order, factor, weights };

  for (gint64 j = 0; j < k; j++)
    order[j] = j % problem->inputs * problem->taps + j / problem->inputs;
  for (gint64 j = 0; j < k; j++)
    inverse[j * (k + 1)] = 1;
  if (!pare_linalg_solve (k, problem->xx, 0, k, inverse, error)
      || !pare_linalg_solve (k, problem->xx, 0, problem->outputs, weights, error))
    return FALSE;
  for (gint64 i = 0; i < k; i++)
    for (gint64 j = 0; j < k; j++)
      factor[i * k + j] = inverse[order[i] * k + order[j]];
  if (!factorize (factor, k))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY, "Its inputs depend on each other too much: raise ridge.");
      return FALSE;
    }
  pare_parallel (problem->outputs, 1, prune_rows, &work);
  return TRUE;
}

PARE_NM_ALGORITHM (sparsegpt) = {
  .name = "sparsegpt",
  .description = "Column by column, weights that follow make up for those that go",
  .needs_samples = TRUE,
  .changes_weights = TRUE,
  .solve = solve,
};
