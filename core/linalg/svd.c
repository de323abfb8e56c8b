/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Singular value decomposition. */
#include "linalg/blas.h"
#include <string.h>

gboolean
pare_linalg_svd (int m, int n, const double *a, double *u, double *s, double *vt, GError **error)
{
  gsize size = (gsize)m * (gsize)n * sizeof (double);
  int r = MIN (m, n);
  g_autofree double *copy = g_malloc (size);

  pare_blas_init ();
  memcpy (copy, a, size);
  /* LAPACK counts columns first, so it sees the transpose: V takes the place of U. */
  return pare_lapack_succeeded (
      "gesdd",
      LAPACKE_dgesdd (LAPACK_COL_MAJOR, u ? 'S' : 'N', n, m, copy, MAX (n, 1), s, vt, MAX (n, 1), u, MAX (r, 1)),
      error);
}
