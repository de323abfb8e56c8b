/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Dense linear algebra in double precision: thin wrappers of BLAS and LAPACK.
 *
 * Matrices are row-major and without gaps. Sizes are ints because LAPACK's are. What comes out has the same bits on any
 * number of threads: OpenBLAS works on one thread per call, and what runs in parallel is cut into pieces by the sizes
 * alone. Call these from work of pare_compute(), as all heavy computing. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* C[m x n] = alpha op(A) op(B) + beta C. op(A) is m x k: A itself is [m x k], with @transpose_a [k x m]; op(B)
 * likewise.
 */
void pare_linalg_gemm (gboolean transpose_a, gboolean transpose_b, int m, int n, int k, double alpha, const double *a,
                       const double *b, double beta, double *c);

/* C[n x n] = A B^T, [n x k] both, where that is known to be symmetric: half the work. */
void pare_linalg_gemm_symmetric (int n, int k, const double *a, const double *b, double *c);

/**
 * pare_linalg_svd:
 * @a: [m x n]
 * @u: receives the left singular vectors as columns, [m x r] with r = min (m, n); NULL: not wanted, and then @vt is not
 *   either
 * @s: receives the r singular values, descending
 * @vt: receives the right singular vectors as rows, [r x n]
 *
 * A = U diag(s) V^T (LAPACK's gesdd). Fails when @a is not finite.
 */
gboolean pare_linalg_svd (int m, int n, const double *a, double *u, double *s, double *vt, GError **error);

/**
 * PareEigen:
 *
 * Eigenvalues and eigenvectors of a symmetric matrix, A v = lambda v. Finding the values costs most of the time; how
 * many vectors are wanted can be decided when they are known.
 */
typedef struct _PareEigen PareEigen;

/* @a is symmetric, [n x n]; taken over. */
PareEigen *pare_eigen_new (int n, double *a, GError **error);
void pare_eigen_free (PareEigen *eigen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareEigen, pare_eigen_free)

/* All n, descending. */
const double *pare_eigen_values (const PareEigen *eigen);
/* Those of the @count largest eigenvalues as rows, newly allocated, [count x n]. */
double *pare_eigen_vectors (const PareEigen *eigen, int count, GError **error);

/**
 * pare_linalg_cholesky:
 * @a: symmetric and positive definite, [n x n], of which the upper triangle counts; that becomes U
 *
 * A = U^T U with U upper triangular. The lower triangle stays as it is. Fails when @a is not positive definite.
 */
gboolean pare_linalg_cholesky (int n, double *a, GError **error);

/**
 * pare_linalg_solve:
 * @a: symmetric and positive semidefinite, [n x n]
 * @ridge: what is added to the diagonal, in units of the diagonal's mean
 * @rows: number of right-hand sides
 * @b: [rows x n], becomes X
 *
 * Solves X (A + ridge mean(diag A) I) = B by Cholesky's factorization: the regularized least squares of a layer's
 * weights. When rounding made A + .. indefinite the ridge grows tenfold until it is not; a matrix of zeros gives X = 0.
 */
gboolean pare_linalg_solve (int n, const double *a, double ridge, int rows, double *b, GError **error);

G_END_DECLS
