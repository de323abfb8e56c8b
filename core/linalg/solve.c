/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Regularized symmetric systems. */
#include "linalg/blas.h"
#include "ops/parallel.h"
#include <string.h>

/* Right-hand sides that one thread solves at a time. */
#define PIECE 64

/* Where the ridge starts to grow from when none was asked for and rounding makes the matrix indefinite. */
#define SMALLEST_RIDGE 1e-12

typedef struct
{
  int n;
  const double *factor;
  double *b;
} Triangles;

static void
solve_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Triangles *t = data;

  LAPACKE_dpotrs_work (LAPACK_COL_MAJOR, 'L', t->n, (int)(to - from), t->factor, t->n, t->b + from * t->n, t->n);
}

static double
diagonal_mean (int n, const double *a)
{
  double sum = 0;

  for (gsize i = 0; i < (gsize)n; i++)
    sum += a[i * n + i];
  return sum / n;
}

gboolean
pare_linalg_solve (int n, const double *a, double ridge, int rows, double *b, GError **error)
{
  gsize elements = (gsize)n * (gsize)n;
  double mean = diagonal_mean (n, a);
  g_autofree double *factor = NULL;
  Triangles triangles = { n, NULL, b };
  int info;

  pare_blas_init ();
  if (mean <= 0)
    {
      memset (b, 0, sizeof (double) * (gsize)n * (gsize)rows);
      return TRUE;
    }
  factor = g_new (double, elements);
  do
    {
      memcpy (factor, a, elements * sizeof (double));
      for (gsize i = 0; i < (gsize)n; i++)
        factor[i * n + i] += ridge * mean;
      info = LAPACKE_dpotrf (LAPACK_COL_MAJOR, 'L', n, factor, n);
      ridge = MAX (ridge * 10, SMALLEST_RIDGE);
    }
  while (info > 0 && ridge < 1);
  if (!pare_lapack_succeeded ("potrf", info, error))
    return FALSE;
  triangles.factor = factor;
  pare_parallel (rows, PIECE, solve_rows, &triangles);
  return TRUE;
}
