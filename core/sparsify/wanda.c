/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Wanda: the largest |w| sqrt (xx_jj) stay as they are (Sun et al., A Simple and Effective Pruning Approach for Large
 * Language Models, 2023). */
#include "sparsify/nm-algorithm.h"
#include <math.h>

static gboolean
solve (const PareNmProblem *problem, GError **error)
{
  gint64 k = problem->columns;
  g_autofree float *scores = g_new (float, problem->outputs *k);

  for (gint64 o = 0; o < problem->outputs; o++)
    for (gint64 j = 0; j < k; j++)
      scores[o * k + j] = fabs (problem->weights[o * k + j]) * sqrt (problem->xx[j * k + j]);
  pare_nm_keep_highest (problem, scores);
  return TRUE;
}

PARE_NM_ALGORITHM (wanda) = {
  .name = "wanda",
  .description = "The weights with the largest share in the output stay as they are",
  .needs_samples = TRUE,
  .solve = solve,
};
