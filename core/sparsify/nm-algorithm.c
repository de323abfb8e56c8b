/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Finding algorithms by name, and what several of them have in common. */
#include "sparsify/nm-algorithm.h"
#include "graph/named.h"
#include "graph/pattern.h"

extern const PareNmAlgorithm *const pare_nm_algorithm_table[];

const PareNmAlgorithm *const *
pare_nm_algorithms (guint *n)
{
  for (*n = 0; pare_nm_algorithm_table[*n];)
    ++*n;
  return pare_nm_algorithm_table;
}

const PareNmAlgorithm *
pare_nm_algorithm_find (const char *name, gboolean samples, GError **error)
{
  const PareNmAlgorithm *algorithm;

  if (!name || !*name)
    name = samples ? "obc" : "magnitude";
  algorithm = pare_find_named ("algorithm", name, (const void *const *)pare_nm_algorithm_table, error);
  if (!algorithm || samples || !algorithm->needs_samples)
    return algorithm;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
               "The algorithm %s looks at activations, and no sample came: link samples to the tensors pad, or choose "
               "magnitude.",
               name);
  return NULL;
}

gboolean
pare_nm_hessian_init (PareHessian *hessian, const PareNmProblem *problem, GError **error)
{
  PareHessianProblem dense = { problem->outputs, problem->columns, problem->xx, problem->yx };
  gint64 *order = g_new (gint64, problem->columns);

  for (gint64 j = 0; j < problem->columns; j++)
    order[j] = j % problem->inputs * problem->taps + j / problem->inputs;
  return pare_hessian_init (hessian, &dense, order, error);
}

void
pare_nm_keep_highest (const PareNmProblem *problem, const float *scores)
{
  gint64 n = problem->outputs * problem->columns;
  PareShape shape = pare_shape (3, (gint64[]){ problem->outputs, problem->inputs, problem->taps });
  g_autofree float *mask = g_new (float, n);

  pare_pattern_mask (scores, &shape, 1, problem->n, problem->m, mask);
  for (gint64 i = 0; i < n; i++)
    if (mask[i] == 0)
      problem->weights[i] = 0;
}
