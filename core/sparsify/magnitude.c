/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Magnitude: the largest |w| stay as they are. */
#include "sparsify/nm-algorithm.h"
#include <math.h>

static gboolean
solve (const PareNmProblem *problem, GError **error)
{
  gint64 n = problem->outputs * problem->columns;
  g_autofree float *scores = g_new (float, n);

  for (gint64 i = 0; i < n; i++)
    scores[i] = fabs (problem->weights[i]);
  pare_nm_keep_highest (problem, scores);
  return TRUE;
}

PARE_NM_ALGORITHM (magnitude) = {
  .name = "magnitude",
  .description = "The largest weights stay as they are",
  .solve = solve,
};
