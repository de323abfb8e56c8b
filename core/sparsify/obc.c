/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Optimal brain compression: each row on its own loses the weight that costs least, all others are solved for again,
 * and so on until the pattern is there (Frantar & Alistarh, Optimal Brain Compression, 2022, section 4). Then weights
 * that went and weights that stayed change places within their group for as long as the error falls. The weights that
 * are left are the exact least-squares solution on their mask.
 *
 * That takes columns^3 per row. Wide layers are cut into blocks of columns instead, one after another as SparseGPT does
 * with single ones: in a block all of the above, while columns behind it are free and those before it stay. */
#include "sparsify/nm-algorithm.h"
#include "linalg/linalg.h"
#include "ops/parallel.h"
#include "sparsify/tableau.h"
#include <math.h>

/* An exchange that gains less than this share of the row's cost is noise. */
#define LEAST_GAIN 1e-6
#define MOST_ROUNDS 8

/* Rows that a thread works on at a time. */
#define ROWS 4

typedef struct
{
  const PareNmProblem *problem;
  PareHessian *hessian;
  gint64 from, to;       /* the block's places */
  const double *inverse; /* of xx there, with what is behind it free */
} Block;

/* A row in a block. Its variables are the block's places. */
typedef struct
{
  const Block *block;
  PareTableau tableau;
} Row;

/* Places [@first, @end) of the block are the group that @place is in. */
static void
find_group (const Block *block, gint64 place, gint64 *first, gint64 *end)
{
  const PareNmProblem *problem = block->problem;
  gint64 channel = (block->from + place) % problem->inputs, within = channel % problem->m;

  *first = place - within;
  *end = *first + MIN (problem->m, problem->inputs - (channel - within));
}

static guint
count_inside (const Row *row, gint64 first, gint64 end)
{
  guint inside = 0;

  for (gint64 j = first; j < end; j++)
    inside += row->tableau.inside[j];
  return inside;
}

/* The weight that costs least of all groups that still have too many; -1 when none has. */
static gint64
find_cheapest (const Row *row)
{
  gint64 first, end, best = -1;
  double least = INFINITY;

  for (first = 0; first < row->tableau.n; first = end)
    {
      find_group (row->block, first, &first, &end);
      if (count_inside (row, first, end) <= row->block->problem->n)
        continue;
      for (gint64 j = first; j < end; j++)
        {
          double cost = row->tableau.inside[j] ? pare_tableau_cost (&row->tableau, j) : INFINITY;
          if (row->tableau.inside[j] && (best < 0 || cost < least))
            {
              least = cost;
              best = j;
            }
        }
    }
  return best;
}

/* The exchange of place @out for another of its group that lowers the error most, if by more than @least. */
static gboolean
exchange (Row *row, gint64 out, double least)
{
  gint64 first, end, best = -1;

  find_group (row->block, out, &first, &end);
  for (gint64 in = first; in < end; in++)
    {
      double cost = row->tableau.inside[in] ? 0 : pare_tableau_swap_cost (&row->tableau, out, in);
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

static void
refine (Row *row)
{
  for (guint round = 0; round < MOST_ROUNDS; round++)
    {
      double least = LEAST_GAIN * pare_tableau_error (&row->tableau);
      guint changes = 0;
      for (gint64 j = 0; j < row->tableau.n; j++)
        if (row->tableau.inside[j] && exchange (row, j, least))
          changes++;
      if (!changes)
        return;
    }
}

static void
solve_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Block *block = data;
  PareHessian *hessian = block->hessian;
  Row row = { .block = block };
  g_autofree double *weights = g_new (double, block->to - block->from);
  gint64 cheapest;

  pare_tableau_init (&row.tableau, block->to - block->from);
  for (gint64 o = from; o < to; o++)
    {
      pare_tableau_fill (&row.tableau, block->inverse, hessian->weights + o * hessian->n + block->from);
      while ((cheapest = find_cheapest (&row)) >= 0)
        pare_tableau_sweep (&row.tableau, cheapest);
      refine (&row);
      for (gint64 j = 0; j < row.tableau.n; j++)
        weights[j] = row.tableau.inside[j] ? pare_tableau_weight (&row.tableau, j) : 0;
      pare_hessian_change (hessian, o, block->from, block->to, weights);
    }
  pare_tableau_clear (&row.tableau);
}

static void
solve_block (Block *block)
{
  const PareHessian *hessian = block->hessian;
  gint64 n = block->to - block->from;
  g_autofree double *factor = g_new0 (double, n *n), *inverse = g_new (double, n *n);

  for (gint64 i = 0; i < n; i++)
    for (gint64 j = i; j < n; j++)
      factor[i * n + j] = hessian->factor[(block->from + i) * hessian->n + block->from + j];
  pare_linalg_gemm (TRUE, FALSE, n, n, n, 1, factor, factor, 0, inverse);
  block->inverse = inverse;
  pare_parallel (block->problem->outputs, ROWS, solve_rows, block);
}

/* Half of the columns go, each at the price of half a block's square. */
static gint64
block_size (const PareNmProblem *problem)
{
  double size = sqrt (problem->work * 4 / ((double)problem->outputs * problem->columns));

  return CLAMP (size, 1, problem->columns);
}

/* Where the group ends that reaches to or over @place, or the columns do. */
static gint64
group_end (const PareNmProblem *problem, gint64 place)
{
  gint64 channel = place % problem->inputs, rest = channel % problem->m;

  if (place >= problem->columns || rest == 0)
    return MIN (place, problem->columns);
  return place + MIN (problem->m - rest, problem->inputs - channel);
}

static gboolean
solve (const PareNmProblem *problem, GError **error)
{
  g_auto (PareHessian) hessian = { 0 };
  Block block = { .problem = problem, .hessian = &hessian };

  if (!pare_nm_hessian_init (&hessian, problem, error))
    return FALSE;
  for (block.from = 0; block.from < problem->columns; block.from = block.to)
    {
      block.to = group_end (problem, block.from + block_size (problem));
      solve_block (&block);
    }
  pare_hessian_read (&hessian, problem->outputs, problem->weights);
  return TRUE;
}

PARE_NM_ALGORITHM (obc) = {
  .name = "obc",
  .description = "Weights go one by one, and all others are solved for each time; then they change places",
  .needs_samples = TRUE,
  .changes_weights = TRUE,
  .solve = solve,
};
