/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Eigenvalues and eigenvectors of a symmetric matrix: reduction to tridiagonal form, all of its eigenvalues, and only
 * as many eigenvectors as are wanted. */
#include "linalg/blas.h"
#include "ops/parallel.h"
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

/* Eigenvectors that one thread brings back at a time. */
#define PIECE 64

/* @a and @tau hold the reflections that turned the matrix into the tridiagonal one of @d and @e. */
struct _PareEigen
{
  int n;
  double *a, *d, *e, *tau, *values;
};

PareEigen *
pare_eigen_new (int n, double *a, GError **error)
{
  g_autoptr (PareEigen) eigen = g_new0 (PareEigen, 1);
  gsize size = sizeof (double) * (gsize)n;
  g_autofree double *off = NULL;

  pare_blas_init ();
  *eigen = (PareEigen){ n, a, g_new (double, n), g_new0 (double, n), g_new (double, n), NULL };
  if (!pare_lapack_succeeded ("sytrd", LAPACKE_dsytrd (LAPACK_COL_MAJOR, 'L', n, a, n, eigen->d, eigen->e, eigen->tau),
                              error))
    return NULL;
  off = g_memdup2 (eigen->e, size);
  eigen->values = g_memdup2 (eigen->d, size);
  if (!pare_lapack_succeeded ("sterf", LAPACKE_dsterf (n, eigen->values, off), error))
    return NULL;
  reverse (eigen->values, n);
  return g_steal_pointer (&eigen);
}

void
pare_eigen_free (PareEigen *eigen)
{
  g_free (eigen->a);
  g_free (eigen->d);
  g_free (eigen->e);
  g_free (eigen->tau);
  g_free (eigen->values);
  g_free (eigen);
}

const double *
pare_eigen_values (const PareEigen *eigen)
{
  return eigen->values;
}

typedef struct
{
  const PareEigen *eigen;
  double *vectors;
  gint failed; /* atomic: LAPACK's return code */
} Return;

/* From the tridiagonal matrix's eigenvectors to those of the matrix itself. With the workspace that LAPACK asks for,
 * few vectors make it take its slow path. */
static void
bring_back (gint64 from, gint64 to, gconstpointer data)
{
  Return *back = (Return *)data;
  const PareEigen *eigen = back->eigen;
  int n = eigen->n, count = (int)(to - from), size = (n + 65) * 64, info;
  g_autofree double *workspace = g_new (double, size);

  info = LAPACKE_dormtr_work (LAPACK_COL_MAJOR, 'L', 'L', 'N', n, count, eigen->a, n, eigen->tau,
                              back->vectors + from * n, n, workspace, size);
  if (info != 0)
    g_atomic_int_set (&back->failed, info);
}

double *
pare_eigen_vectors (const PareEigen *eigen, int count, GError **error)
{
  int n = eigen->n, found, try_accurate = 1;
  gsize size = sizeof (double) * (gsize)n;
  g_autofree double *d = g_memdup2 (eigen->d, size), *e = g_memdup2 (eigen->e, size), *values = g_new (double, n);
  g_autofree double *vectors = g_new (double, (gsize)n *(gsize)count);
  g_autofree int *support = g_new (int, 2 * (gsize)n);

  Return back = { eigen, vectors, 0 };

  g_return_val_if_fail (count >= 1 && count <= n, NULL);
  if (!pare_lapack_succeeded ("stemr",
                              LAPACKE_dstemr (LAPACK_COL_MAJOR, 'V', 'I', n, d, e, 0, 0, n - count + 1, n, &found,
                                              values, vectors, n, count, support, &try_accurate),
                              error))
    return NULL;
  pare_parallel (count, PIECE, bring_back, &back);
  if (!pare_lapack_succeeded ("ormtr", g_atomic_int_get (&back.failed), error))
    return NULL;
  reverse_rows (vectors, count, n);
  return g_steal_pointer (&vectors);
}
