/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Spatial factors under the whole metric A: the cost of V_j H is a quadratic function of V with H fixed, solved
 * exactly, and of H with V fixed, improved by steps of conjugate gradients. With W_j the wanted slices and A_jl the
 * metric's blocks, V: sum_j V_j (H A_jl H^T) = P_l H^T        H: sum_jl V_l^T V_j H A_jl = sum_l V_l^T P_l        P_l =
 * sum_j W_j A_jl
 */
#include "decompose/unfolding.h"
#include "linalg/linalg.h"
#include <string.h>

/* Rounds of both, and steps in each: more did not help the networks that this was measured with. */
#define ROUNDS 1
#define STEPS 8

#define RIDGE 1e-9

typedef struct
{
  const PareUnfolding *unfolding;
  int rank;
  double *h, *v;       /* [r x q], [k][o x r] */
  double *pull;        /* P, [k][o x q] */
  double *products;    /* V_l^T V_j, [k][k][r x r] */
  double *product_sum; /* sum_j V_j^T V_j */
} Problem;

static const double *
metric_block (const PareUnfolding *u, int j, int l)
{
  return u->metric + (gsize)(j * u->slices + l) * (gsize)u->rows * (gsize)u->rows;
}

static double *
find_pull (const PareUnfolding *u)
{
  int o = u->outputs, q = u->rows;
  gsize slice = (gsize)o * (gsize)q;
  double *pull = g_new (double, u->slices *slice);

  for (int l = 0; l < u->slices; l++)
    for (int j = 0; j < u->slices; j++)
      pare_linalg_gemm (FALSE, FALSE, o, q, q, 1, u->wanted + j * slice, metric_block (u, j, l), j > 0,
                        pull + l * slice);
  return pull;
}

/* @block [rows x columns] into column @column of @matrix, whose rows have @width numbers. */
static void
place (double *matrix, gsize width, gsize column, const double *block, int rows, int columns)
{
  for (int r = 0; r < rows; r++)
    memcpy (matrix + r * width + column, block + (gsize)r * columns, sizeof (double) * (gsize)columns);
}

/* H A_jl H^T in blocks, [k r x k r]. */
static double *
project_metric (const Problem *p)
{
  const PareUnfolding *u = p->unfolding;
  int r = p->rank, q = u->rows;
  gsize width = (gsize)u->slices * (gsize)r;
  double *projected = g_new (double, width *width);
  g_autofree double *left = g_new (double, (gsize)r *(gsize)q), *block = g_new (double, (gsize)r *(gsize)r);

  for (int j = 0; j < u->slices; j++)
    for (int l = 0; l < u->slices; l++)
      {
        pare_linalg_gemm (FALSE, FALSE, r, q, q, 1, p->h, metric_block (u, j, l), 0, left);
        pare_linalg_gemm (FALSE, TRUE, r, r, q, 1, left, p->h, 0, block);
        place (projected + (gsize)j * r * width, width, (gsize)l * r, block, r, r);
      }
  return projected;
}

static gboolean
solve_second (Problem *p, GError **error)
{
  const PareUnfolding *u = p->unfolding;
  int r = p->rank, o = u->outputs, width = u->slices * r;
  g_autofree double *projected = project_metric (p), *right = g_new (double, (gsize)o *(gsize)width);
  g_autofree double *block = g_new (double, (gsize)o *(gsize)r);

  for (int l = 0; l < u->slices; l++)
    {
      pare_linalg_gemm (FALSE, TRUE, o, r, u->rows, 1, p->pull + (gsize)l * o * u->rows, p->h, 0, block);
      place (right, width, (gsize)l * r, block, o, r);
    }
  if (!pare_linalg_solve (width, projected, RIDGE, o, right, error))
    return FALSE;
  for (int j = 0; j < u->slices; j++)
    for (int y = 0; y < o; y++)
      memcpy (p->v + ((gsize)j * o + y) * r, right + (gsize)y * width + (gsize)j * r, sizeof (double) * (gsize)r);
  return TRUE;
}

static void
find_products (Problem *p)
{
  const PareUnfolding *u = p->unfolding;
  int r = p->rank, o = u->outputs;
  gsize slice = (gsize)o * (gsize)r, size = (gsize)r * (gsize)r;

  for (int l = 0; l < u->slices; l++)
    for (int j = 0; j < u->slices; j++)
      pare_linalg_gemm (TRUE, FALSE, r, r, o, 1, p->v + l * slice, p->v + j * slice, 0,
                        p->products + (l * u->slices + j) * size);
  memset (p->product_sum, 0, size * sizeof (double));
  for (int j = 0; j < u->slices; j++)
    for (gsize i = 0; i < size; i++)
      p->product_sum[i] += p->products[j * (u->slices + 1) * size + i];
}

/* sum_jl V_l^T V_j D A_jl. */
static void
apply (const Problem *p, const double *d, double *result)
{
  const PareUnfolding *u = p->unfolding;
  int r = p->rank, q = u->rows;
  g_autofree double *right = g_new (double, (gsize)r *(gsize)q);

  for (int j = 0; j < u->slices; j++)
    for (int l = 0; l < u->slices; l++)
      {
        pare_linalg_gemm (FALSE, FALSE, r, q, q, 1, d, metric_block (u, j, l), 0, right);
        pare_linalg_gemm (FALSE, FALSE, r, q, r, 1, p->products + (gsize)(l * u->slices + j) * r * r, right, j + l > 0,
                          result);
      }
}

/* What @residual would be undone by if slices had nothing to do with each other: (sum_j V_j^T V_j)^-1 R B^-1. */
static double *
precondition (const Problem *p, const double *residual, GError **error)
{
  int r = p->rank, q = p->unfolding->rows;
  g_autofree double *turned = g_new (double, (gsize)r *(gsize)q);
  g_autofree double *step = g_memdup2 (residual, sizeof (double) * (gsize)r * (gsize)q);

  if (!pare_linalg_solve (q, p->unfolding->block, RIDGE, r, step, error))
    return NULL;
  for (int i = 0; i < r; i++)
    for (int j = 0; j < q; j++)
      turned[(gsize)j * r + i] = step[(gsize)i * q + j];
  if (!pare_linalg_solve (r, p->product_sum, RIDGE, q, turned, error))
    return NULL;
  for (int i = 0; i < r; i++)
    for (int j = 0; j < q; j++)
      step[(gsize)i * q + j] = turned[(gsize)j * r + i];
  return g_steal_pointer (&step);
}

static double
dot (const double *a, const double *b, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

static void
add_scaled (double *a, double factor, const double *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    a[i] += factor * b[i];
}

/* Preconditioned conjugate gradients from the present H. */
static gboolean
improve_first (Problem *p, GError **error)
{
  const PareUnfolding *u = p->unfolding;
  int r = p->rank, q = u->rows, o = u->outputs;
  gsize n = (gsize)r * (gsize)q;
  g_autofree double *residual = g_new (double, n), *image = g_new (double, n), *direction = NULL;
  double size = 0;

  find_products (p);
  for (int l = 0; l < u->slices; l++)
    pare_linalg_gemm (TRUE, FALSE, r, q, o, 1, p->v + (gsize)l * o * r, p->pull + (gsize)l * o * q, l > 0, residual);
  apply (p, p->h, image);
  add_scaled (residual, -1, image, n);
  for (int step = 0; step < STEPS; step++)
    {
      g_autofree double *undone = precondition (p, residual, error);
      double last = size, curve;
      if (!undone)
        return FALSE;
      size = dot (residual, undone, n);
      if (direction)
        add_scaled (undone, size / last, direction, n);
      g_free (direction);
      direction = g_steal_pointer (&undone);
      apply (p, direction, image);
      curve = dot (direction, image, n);
      if (!(curve > 0) || !(size > 0))
        return TRUE;
      add_scaled (p->h, size / curve, direction, n);
      add_scaled (residual, -size / curve, image, n);
    }
  return TRUE;
}

gboolean
pare_unfolding_refine (const PareUnfolding *unfolding, int rank, double *h, double *v, GError **error)
{
  gsize size = (gsize)rank * (gsize)rank;
  g_autofree double *pull = find_pull (unfolding);
  g_autofree double *products = g_new (double, unfolding->slices * unfolding->slices * size);
  g_autofree double *product_sum = g_new (double, size);
  Problem problem = { unfolding, rank, h, v, pull, products, product_sum };

  for (int round = 0; round < ROUNDS; round++)
    if (!solve_second (&problem, error) || !improve_first (&problem, error))
      return FALSE;
  return solve_second (&problem, error);
}
