/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Linear algebra against its definitions. */
#include "linalg/linalg.h"
#include "graph/error.h"
#include <math.h>
#include <omp.h>
#include <string.h>

static double *
random_matrix (guint32 seed, int m, int n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  double *a = g_new (double, (gsize)m *(gsize)n);

  for (int i = 0; i < m * n; i++)
    a[i] = g_rand_double_range (rand, -1, 1);
  return a;
}

/* The product by its definition. */
static double *
product (gboolean ta, gboolean tb, int m, int n, int k, const double *a, const double *b)
{
  double *c = g_new0 (double, (gsize)m *(gsize)n);

  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++)
      for (int l = 0; l < k; l++)
        c[i * n + j] += (ta ? a[l * m + i] : a[i * k + l]) * (tb ? b[j * k + l] : b[l * n + j]);
  return c;
}

static void
assert_near (const double *a, const double *b, int n, double tolerance)
{
  for (int i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (a[i], b[i], tolerance);
}

static void
test_products_of_all_layouts (void)
{
  static const int sizes[][3] = { { 3, 5, 7 }, { 300, 7, 20 }, { 7, 300, 20 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint layout = 0; layout < 4; layout++)
      {
        int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        gboolean ta = layout & 1, tb = layout >> 1;
        g_autofree double *a = random_matrix (1, m, k), *b = random_matrix (2, k, n), *c = random_matrix (3, m, n);
        g_autofree double *expected = product (ta, tb, m, n, k, a, b);

        for (int i = 0; i < m * n; i++)
          expected[i] = 2 * expected[i] + 0.5 * c[i];
        pare_linalg_gemm (ta, tb, m, n, k, 2, a, b, 0.5, c);
        assert_near (c, expected, m * n, 1e-12);
      }
}

/* A A^T, of a size that is cut into pieces. */
static void
test_symmetric_products (void)
{
  int n = 300, k = 9;
  g_autofree double *a = random_matrix (8, n, k), *found = g_new (double, n *n);
  g_autofree double *expected = product (FALSE, TRUE, n, n, k, a, a);

  pare_linalg_gemm_symmetric (n, k, a, a, found);
  assert_near (found, expected, n * n, 1e-12);
}

static void
test_products_have_the_same_bits_on_any_number_of_threads (void)
{
  int m = 517, n = 130, k = 333, threads = omp_get_max_threads ();
  g_autofree double *a = random_matrix (1, m, k), *b = random_matrix (2, k, n);
  g_autofree double *one = g_new0 (double, m *n), *three = g_new0 (double, m *n);

  omp_set_num_threads (1);
  pare_linalg_gemm (FALSE, FALSE, m, n, k, 1, a, b, 0, one);
  omp_set_num_threads (3);
  pare_linalg_gemm (FALSE, FALSE, m, n, k, 1, a, b, 0, three);
  omp_set_num_threads (threads);
  g_assert_cmpmem (one, sizeof (double) * (gsize)(m * n), three, sizeof (double) * (gsize)(m * n));
}

static void
test_singular_vectors_rebuild_the_matrix (void)
{
  static const int sizes[][2] = { { 9, 4 }, { 4, 9 }, { 1, 5 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      int m = sizes[s][0], n = sizes[s][1], r = MIN (m, n);
      g_autofree double *a = random_matrix (4, m, n), *u = g_new (double, m *r), *values = g_new (double, r),
                        *vt = g_new (double, r *n), *rebuilt = NULL, *gram = NULL, *alone = g_new (double, r);

      g_assert_true (pare_linalg_svd (m, n, a, u, values, vt, NULL));
      gram = product (TRUE, FALSE, r, r, m, u, u);
      for (int i = 0; i < r * r; i++)
        g_assert_cmpfloat_with_epsilon (gram[i], i % (r + 1) == 0, 1e-12);
      for (int i = 0; i < m * r; i++)
        u[i] *= values[i % r];
      rebuilt = product (FALSE, FALSE, m, n, r, u, vt);
      assert_near (rebuilt, a, m * n, 1e-12);
      for (int i = 1; i < r; i++)
        g_assert_cmpfloat (values[i - 1], >=, values[i]);
      g_assert_true (pare_linalg_svd (m, n, a, NULL, alone, NULL, NULL));
      assert_near (alone, values, r, 1e-12);
    }
}

static void
test_eigenvectors_of_the_largest_eigenvalues (void)
{
  int n = 150, wanted = 130;
  g_autofree double *x = random_matrix (5, n, n), *a = product (TRUE, FALSE, n, n, n, x, x);
  g_autofree double *s = g_new (double, n), *vectors = NULL, *image = NULL;
  g_autoptr (PareEigen) eigen = pare_eigen_new (n, g_memdup2 (a, sizeof (double) * (gsize)(n * n)), NULL);
  const double *values = pare_eigen_values (eigen);

  g_assert_true (pare_linalg_svd (n, n, x, NULL, s, NULL, NULL));
  for (int i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (values[i], s[i] * s[i], 1e-9);
  vectors = pare_eigen_vectors (eigen, wanted, NULL);
  image = product (FALSE, FALSE, wanted, n, n, vectors, a);
  for (int i = 0; i < wanted * n; i++)
    g_assert_cmpfloat_with_epsilon (image[i], values[i / n] * vectors[i], 1e-9);
}

/* No rotation among equal eigenvalues may disturb the reduction. */
static void
test_eigenvectors_of_a_multiple_of_one (void)
{
  g_autoptr (PareEigen) eigen = NULL;
  g_autofree double *vectors = NULL;
  double *a = g_new0 (double, 9);

  a[0] = a[4] = a[8] = 2;
  eigen = pare_eigen_new (3, a, NULL);
  vectors = pare_eigen_vectors (eigen, 3, NULL);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      {
        double dot = 0;
        for (int k = 0; k < 3; k++)
          dot += vectors[i * 3 + k] * vectors[j * 3 + k];
        g_assert_cmpfloat_with_epsilon (dot, i == j, 1e-12);
      }
}

static void
test_solutions_satisfy_the_system_with_its_ridge (void)
{
  int n = 12, rows = 150;
  double ridge = 0.01, mean = 0;
  g_autofree double *x = random_matrix (6, n, n), *a = product (TRUE, FALSE, n, n, n, x, x);
  g_autofree double *b = random_matrix (7, rows, n), *right = g_memdup2 (b, sizeof (double) * (gsize)(rows * n));
  g_autofree double *back = NULL;

  g_assert_true (pare_linalg_solve (n, a, ridge, rows, b, NULL));
  for (int i = 0; i < n; i++)
    mean += a[i * (n + 1)] / n;
  for (int i = 0; i < n; i++)
    a[i * (n + 1)] += ridge * mean;
  back = product (FALSE, FALSE, rows, n, n, b, a);
  assert_near (back, right, rows * n, 1e-9);
}

/* Inputs that repeat each other, and inputs that are always zero: the matrix has no inverse. */
static void
test_singular_systems_get_a_finite_solution (void)
{
  double a[9] = { 2, 2, 0, 2, 2, 0, 0, 0, 0 }, b[3] = { 4, 4, 0 }, zeros[4] = { 0 }, c[2] = { 1, 2 };

  g_assert_true (pare_linalg_solve (3, a, 0, 1, b, NULL));
  g_assert_cmpfloat_with_epsilon (b[0] + b[1], 2, 1e-6);
  g_assert_cmpfloat (b[2], ==, 0);
  g_assert_true (pare_linalg_solve (2, zeros, 0, 1, c, NULL));
  g_assert_cmpfloat (c[0], ==, 0);
  g_assert_cmpfloat (c[1], ==, 0);
}

static void
test_numbers_that_are_not_finite_are_refused (void)
{
  g_autoptr (GError) error = NULL;
  double a[4] = { 1, NAN, 0, 1 }, s[2];

  g_assert_false (pare_linalg_svd (2, 2, a, NULL, s, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

static void
test_cholesky_factors_multiply_to_the_matrix (void)
{
  const double a[] = { 4, 2, -2, 2, 10, 5, -2, 5, 9 };
  double u[9], singular[] = { 1, 2, 2, 1 };
  g_autoptr (GError) error = NULL;

  memcpy (u, a, sizeof u);
  g_assert_true (pare_linalg_cholesky (3, u, &error));
  for (guint i = 0; i < 3; i++)
    for (guint j = i; j < 3; j++)
      {
        double sum = 0;
        for (guint k = 0; k <= i; k++)
          sum += u[k * 3 + i] * u[k * 3 + j];
        g_assert_cmpfloat_with_epsilon (sum, a[i * 3 + j], 1e-12);
      }
  /* By hand: 2 1 -1, then 3 2, then 2. */
  g_assert_cmpfloat_with_epsilon (u[8], 2, 1e-12);
  g_assert_false (pare_linalg_cholesky (2, singular, &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/linalg/products-of-all-layouts", test_products_of_all_layouts);
  g_test_add_func ("/linalg/symmetric-products", test_symmetric_products);
  g_test_add_func ("/linalg/same-bits-on-any-number-of-threads",
                   test_products_have_the_same_bits_on_any_number_of_threads);
  g_test_add_func ("/linalg/singular-vectors-rebuild", test_singular_vectors_rebuild_the_matrix);
  g_test_add_func ("/linalg/eigenvectors-of-the-largest", test_eigenvectors_of_the_largest_eigenvalues);
  g_test_add_func ("/linalg/eigenvectors-of-a-multiple-of-one", test_eigenvectors_of_a_multiple_of_one);
  g_test_add_func ("/linalg/solutions-satisfy-the-system", test_solutions_satisfy_the_system_with_its_ridge);
  g_test_add_func ("/linalg/singular-systems", test_singular_systems_get_a_finite_solution);
  g_test_add_func ("/linalg/not-finite", test_numbers_that_are_not_finite_are_refused);
  g_test_add_func ("/linalg/cholesky", test_cholesky_factors_multiply_to_the_matrix);
  return g_test_run ();
}
