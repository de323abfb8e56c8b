/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cholesky's factorization. */
#include "linalg/blas.h"
#include "linalg/linalg.h"

gboolean
pare_linalg_cholesky (int n, double *a, GError **error)
{
  pare_blas_init ();
  /* LAPACK's columns are our rows: its lower triangle is our upper one. */
  return pare_lapack_succeeded ("potrf", LAPACKE_dpotrf (LAPACK_COL_MAJOR, 'L', n, a, n), error);
}
