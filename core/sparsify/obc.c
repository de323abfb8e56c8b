/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Optimal brain compression: each row on its own loses the weight that costs least, all others are solved for again,
 * and so on until the pattern is there (Frantar & Alistarh, Optimal Brain Compression, 2022, section 4). Then weights
 * that went and weights that stayed change places within their group for as long as the error falls. The weights that
 * are left are the exact least-squares solution on their mask. */
#include "linalg/linalg.h"
#include "ops/parallel.h"
#include "sparsify/nm-algorithm.h"
#include "sparsify/tableau.h"
#include <math.h>

/* An exchange that gains less than this share of the row's cost is noise. */
#define LEAST_GAIN 1e-6
#define MOST_ROUNDS 8

typedef struct
{
  const PareNmProblem *problem;
  const double *inverse, *weights; /* of all columns */
} Work;

typedef struct
{
  const PareNmProblem *problem;
  PareTableau tableau;
  guint8 *kept; /* per group of entries: how many are inside */
} Row;

static gint64
group_of (const PareNmProblem *problem, gint64 column)
{
  return column / problem->taps / problem->m * problem->taps + column % problem->taps;
}

static gint64
groups_of (const PareNmProblem *problem)
{
  return (problem->inputs + problem->m - 1) / problem->m * problem->taps;
}

static void
begin_row (Row *row, const Work *work, gint64 output)
{
  const PareNmProblem *problem = row->problem;
  gint64 k = problem->columns;

  pare_tableau_fill (&row->tableau, work->inverse, work->weights + output * k);
  for (gint64 g = 0; g < groups_of (problem); g++)
    row->kept[g] = 0;
  for (gint64 j = 0; j < k; j++)
    row->kept[group_of (problem, j)]++;
}

static void
eliminate (Row *row)
{
  const PareNmProblem *problem = row->problem;

  for (;;)
    {
      gint64 best = -1;
      double least = INFINITY;
      for (gint64 j = 0; j < problem->columns; j++)
        if (row->tableau.inside[j] && row->kept[group_of (problem, j)] > problem->n)
          {
            double cost = pare_tableau_cost (&row->tableau, j);
            if (best < 0 || cost < least)
              {
                least = cost;
                best = j;
              }
          }
      if (best < 0)
        return;
      pare_tableau_sweep (&row->tableau, best);
      row->kept[group_of (problem, best)]--;
    }
}

/* The exchange of column @out for another of its group that lowers the error most, if by more than @least. */
static gboolean
exchange (Row *row, gint64 out, double least)
{
  const PareNmProblem *problem = row->problem;
  gint64 channel = out / problem->taps, first = channel / problem->m * problem->m, best = -1;

  for (gint64 i = first; i < MIN (first + problem->m, problem->inputs); i++)
    {
      gint64 in = i * problem->taps + out % problem->taps;
      double cost;
      if (row->tableau.inside[in])
        continue;
      cost = pare_tableau_swap_cost (&row->tableau, out, in);
      if (cost < -least)
        {
          least = -cost;
          best = in;
        }
    }
  if (best < 0)
    return FALSE;
  pare_tableau_sweep (&row->tableau, out);
  pare_tableau_sweep (&row->tableau, best);
  return TRUE;
}

/* How much the error of the row is above that of dense weights. */
static double
row_cost (const PareTableau *tableau)
{
  return tableau->cells[(tableau->n + 1) * (tableau->n + 1) - 1];
}

static void
refine (Row *row)
{
  for (guint round = 0; round < MOST_ROUNDS; round++)
    {
      double least = LEAST_GAIN * row_cost (&row->tableau);
      guint changes = 0;
      for (gint64 j = 0; j < row->problem->columns; j++)
        if (row->tableau.inside[j] && exchange (row, j, least))
          changes++;
      if (!changes)
        return;
    }
}

static void
solve_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  const PareNmProblem *problem = work->problem;
  gint64 k = problem->columns;
  g_autofree guint8 *kept = g_new (guint8, groups_of (problem));
  Row row = { .problem = problem, .kept = kept };

  pare_tableau_init (&row.tableau, k);
  for (gint64 o = from; o < to; o++)
    {
      begin_row (&row, work, o);
      eliminate (&row);
      refine (&row);
      for (gint64 j = 0; j < k; j++)
        problem->weights[o * k + j] = row.tableau.inside[j] ? pare_tableau_weight (&row.tableau, j) : 0;
    }
  pare_tableau_clear (&row.tableau);
}

static gboolean
solve (const PareNmProblem *problem, GError **error)
{
  gint64 k = problem->columns;
  g_autofree double *inverse = g_new0 (double, k *k);
  g_autofree double *weights = g_memdup2 (problem->yx, sizeof (double) * problem->outputs * k);
  Work work = { problem, inverse, weights };

  for (gint64 j = 0; j < k; j++)
    inverse[j * (k + 1)] = 1;
  if (!pare_linalg_solve (k, problem->xx, 0, k, inverse, error)
      || !pare_linalg_solve (k, problem->xx, 0, problem->outputs, weights, error))
    return FALSE;
  pare_parallel (problem->outputs, 1, solve_rows, &work);
  return TRUE;
}

PARE_NM_ALGORITHM (obc) = {
  .name = "obc",
  .description = "Weights go one by one, and all others are solved for each time; then they change places",
  .needs_samples = TRUE,
  .changes_weights = TRUE,
  .solve = solve,
};
