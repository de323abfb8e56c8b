/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Matrix product. */
#include "linalg/blas.h"
#include "ops/parallel.h"

/* Rows or columns of the result that one thread computes at a time: enough for BLAS to reach its speed. */
#define PIECE 128

typedef struct
{
  gboolean transpose_a, transpose_b;
  int m, n, k;
  double alpha, beta;
  const double *a, *b;
  double *c;
} Product;

static void
multiply (const Product *p, gint64 row, gint64 rows, gint64 column, gint64 columns)
{
  cblas_dgemm (CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans, p->transpose_b ? CblasTrans : CblasNoTrans,
               (int)rows, (int)columns, p->k, p->alpha, p->a + (p->transpose_a ? row : row * p->k),
               MAX (p->transpose_a ? p->m : p->k, 1), p->b + (p->transpose_b ? column * p->k : column),
               MAX (p->transpose_b ? p->k : p->n, 1), p->beta, p->c + row * p->n + column, MAX (p->n, 1));
}

static void
multiply_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Product *product = data;

  multiply (product, from, to - from, 0, product->n);
}

static void
multiply_columns (gint64 from, gint64 to, gconstpointer data)
{
  const Product *product = data;

  multiply (product, 0, product->m, from, to - from);
}

void
pare_linalg_gemm (gboolean transpose_a, gboolean transpose_b, int m, int n, int k, double alpha, const double *a,
                  const double *b, double beta, double *c)
{
  Product product = { transpose_a, transpose_b, m, n, k, alpha, beta, a, b, c };

  pare_blas_init ();
  if (m >= n)
    pare_parallel (m, PIECE, multiply_rows, &product);
  else
    pare_parallel (n, PIECE, multiply_columns, &product);
}

/* Row pieces with many and with few columns in turn, so that threads that take half of them each have as much to do. */
static void
multiply_upper (gint64 from, gint64 to, gconstpointer data)
{
  const Product *product = data;
  gint64 pieces = (product->n + PIECE - 1) / PIECE;

  for (gint64 i = from; i < to; i++)
    {
      gint64 row = (i % 2 ? pieces - 1 - i / 2 : i / 2) * PIECE;
      multiply (product, row, MIN (PIECE, product->n - row), row, product->n - row);
    }
}

void
pare_linalg_gemm_symmetric (int n, int k, const double *a, const double *b, double *c)
{
  Product product = { FALSE, TRUE, n, n, k, 1, 0, a, b, c };

  pare_blas_init ();
  pare_parallel ((n + PIECE - 1) / PIECE, 1, multiply_upper, &product);
  for (gsize i = 0; i < (gsize)n; i++)
    for (gsize j = 0; j < i; j++)
      c[i * n + j] = c[j * n + i];
}
