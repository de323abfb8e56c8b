/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Eigenvalues and eigenvectors of a symmetric matrix: reduction to tridiagonal form, all of its eigenvalues, and only
 * as many eigenvectors as are wanted. */
#include "linalg/blas.h"
#include <string.h>

static void
reverse (double *values, int n)
{
  for (int i = 0; i < n / 2; i++)
    {
      double kept = values[i];
      values[i] = values[n - 1 - i];
      values[n - 1 - i] = kept;
    }
}

static void
reverse_rows (double *rows, int n_rows, int n)
{
  g_autofree double *row = g_new (double, n);
  gsize size = sizeof (double) * (gsize)n;

  for (int i = 0; i < n_rows / 2; i++)
    {
      double *first = rows + (gsize)i * n, *last = rows + (gsize)(n_rows - 1 - i) * n;
      memcpy (row, first, size);
      memcpy (first, last, size);
      memcpy (last, row, size);
    }
}

/* The eigenvectors of the @wanted largest eigenvalues of the tridiagonal matrix (@d, @e), brought back through the
 * reflections that @a and @tau hold. */
static gboolean
find_vectors (int n, const double *a, double *d, double *e, const double *tau, int wanted, double *vectors,
              GError **error)
{
  g_autofree double *found = g_new (double, n);
  g_autofree int *support = g_new (int, 2 * (gsize)n);
  int n_found, try_accurate = 1;

  if (!pare_lapack_succeeded ("stemr",
                              LAPACKE_dstemr (LAPACK_COL_MAJOR, 'V', 'I', n, d, e, 0, 0, n - wanted + 1, n, &n_found,
                                              found, vectors, n, wanted, support, &try_accurate),
                              error)
      || !pare_lapack_succeeded (
          "ormtr", LAPACKE_dormtr (LAPACK_COL_MAJOR, 'L', 'L', 'N', n, wanted, a, n, tau, vectors, n), error))
    return FALSE;
  reverse_rows (vectors, wanted, n);
  return TRUE;
}

gboolean
pare_linalg_eigen (int n, double *a, double *values, int n_vectors, double *vectors, GError **error)
{
  g_autofree double *d = g_new (double, n), *e = g_new0 (double, n), *tau = g_new (double, n);
  g_autofree double *off = NULL;

  g_return_val_if_fail (n > 0 && n_vectors <= n, FALSE);
  pare_blas_init ();
  if (!pare_lapack_succeeded ("sytrd", LAPACKE_dsytrd (LAPACK_COL_MAJOR, 'L', n, a, n, d, e, tau), error))
    return FALSE;
  off = g_memdup2 (e, sizeof (double) * (gsize)n);
  memcpy (values, d, sizeof (double) * (gsize)n);
  if (!pare_lapack_succeeded ("sterf", LAPACKE_dsterf (n, values, off), error))
    return FALSE;
  reverse (values, n);
  return n_vectors == 0 || find_vectors (n, a, d, e, tau, n_vectors, vectors, error);
}
