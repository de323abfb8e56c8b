/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Finding algorithms by name, and what those have in common that only score weights. */
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
