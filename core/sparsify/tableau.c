/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The sweep operator on a symmetric tableau of which the upper triangle is kept. */
#include "sparsify/tableau.h"
#include <math.h>
#include <string.h>

void
pare_tableau_init (PareTableau *tableau, gint64 n)
{
  *tableau = (PareTableau){
    .n = n, .cells = g_new (double, (n + 1) * (n + 1)), .inside = g_new (guint8, n), .column = g_new (double, n + 1)
  };
}

void
pare_tableau_clear (PareTableau *tableau)
{
  g_free (tableau->cells);
  g_free (tableau->inside);
  g_free (tableau->column);
}

static inline double *
cell (const PareTableau *tableau, gint64 i, gint64 j)
{
  return tableau->cells + MIN (i, j) * (tableau->n + 1) + MAX (i, j);
}

void
pare_tableau_fill (PareTableau *tableau, const double *inverse, const double *weights)
{
  gint64 n = tableau->n;

  for (gint64 i = 0; i < n; i++)
    {
      double *row = tableau->cells + i * (n + 1);
      for (gint64 j = i; j < n; j++)
        row[j] = -inverse[i * n + j];
      row[n] = weights[i];
    }
  *cell (tableau, n, n) = 0;
  memset (tableau->inside, 1, n);
}

void
pare_tableau_sweep (PareTableau *tableau, gint64 k)
{
  gint64 n = tableau->n;
  double *column = tableau->column, pivot = *cell (tableau, k, k);

  for (gint64 i = 0; i <= n; i++)
    column[i] = *cell (tableau, i, k);
  for (gint64 i = 0; i <= n; i++)
    {
      double *row = tableau->cells + i * (n + 1), factor = column[i] / pivot;
      for (gint64 j = i; j <= n; j++)
        row[j] -= factor * column[j];
    }
  for (gint64 i = 0; i <= n; i++)
    *cell (tableau, i, k) = column[i] / fabs (pivot);
  *cell (tableau, k, k) = -1 / pivot;
  tableau->inside[k] = !tableau->inside[k];
}

double
pare_tableau_weight (const PareTableau *tableau, gint64 k)
{
  return *cell (tableau, k, tableau->n);
}

double
pare_tableau_error (const PareTableau *tableau)
{
  return *cell (tableau, tableau->n, tableau->n);
}

double
pare_tableau_cost (const PareTableau *tableau, gint64 k)
{
  double weight = pare_tableau_weight (tableau, k);

  return -weight * weight / *cell (tableau, k, k);
}

double
pare_tableau_swap_cost (const PareTableau *tableau, gint64 out, gint64 in)
{
  double share = *cell (tableau, out, in) / *cell (tableau, out, out);
  double spread = *cell (tableau, in, in) - share * *cell (tableau, out, in);
  double error = *cell (tableau, in, tableau->n) - share * pare_tableau_weight (tableau, out);

  /* A variable that the others explain brings nothing. */
  if (!(spread > 0))
    return INFINITY;
  return pare_tableau_cost (tableau, out) - error * error / spread;
}
