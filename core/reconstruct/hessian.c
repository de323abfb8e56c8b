/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The inverse of xx, factorized in the order in which weights are worked on. */
#include "reconstruct/hessian.h"
#include "linalg/linalg.h"

/* The inverse of @xx, its columns in @order. */
static gboolean
invert (const PareHessianProblem *problem, const gint64 *order, double *inverse, GError **error)
{
  gint64 k = problem->columns;
  g_autofree double *ordered = g_new (double, k *k);

  for (gint64 i = 0; i < k; i++)
    for (gint64 j = 0; j < k; j++)
      {
        ordered[i * k + j] = problem->xx[order[i] * k + order[j]];
        inverse[i * k + j] = i == j;
      }
  return pare_linalg_solve (k, ordered, 0, k, inverse, error);
}

/* yx xx^-1 in that order. */
static double *
best_weights (const PareHessianProblem *problem, const gint64 *order, const double *inverse)
{
  gint64 k = problem->columns, n = problem->outputs;
  g_autofree double *ordered = g_new (double, n *k);
  double *weights = g_new (double, n *k);

  for (gint64 o = 0; o < n; o++)
    for (gint64 j = 0; j < k; j++)
      ordered[o * k + j] = problem->yx[o * k + order[j]];
  pare_linalg_gemm (FALSE, FALSE, n, k, k, 1, ordered, inverse, 0, weights);
  return weights;
}

gboolean
pare_hessian_init (PareHessian *hessian, const PareHessianProblem *problem, gint64 *order, GError **error)
{
  gint64 k = problem->columns;

  *hessian = (PareHessian){ .n = k, .order = order, .factor = g_new (double, k *k) };
  if (!invert (problem, order, hessian->factor, error))
    return FALSE;
  hessian->weights = best_weights (problem, order, hessian->factor);
  return pare_linalg_cholesky (k, hessian->factor, error);
}

void
pare_hessian_clear (PareHessian *hessian)
{
  g_clear_pointer (&hessian->order, g_free);
  g_clear_pointer (&hessian->factor, g_free);
  g_clear_pointer (&hessian->weights, g_free);
}

void
pare_hessian_change (PareHessian *hessian, gint64 output, gint64 from, gint64 to, const double *changed)
{
  double *w = hessian->weights + output * hessian->n;

  for (gint64 p = from; p < to; p++)
    {
      const double *row = hessian->factor + p * hessian->n;
      double error = (w[p] - changed[p - from]) / row[p];
      if (error == 0)
        continue;
      for (gint64 c = p; c < hessian->n; c++)
        w[c] -= error * row[c];
      w[p] = changed[p - from];
    }
}

void
pare_hessian_read (const PareHessian *hessian, gint64 outputs, double *weights)
{
  for (gint64 o = 0; o < outputs; o++)
    for (gint64 j = 0; j < hessian->n; j++)
      weights[o * hessian->n + hessian->order[j]] = hessian->weights[o * hessian->n + j];
}

gboolean
pare_hessian_regularize (gint64 outputs, gint64 columns, const double *weights, double ridge, double *xx, double *yx)
{
  double mean = 0;

  for (gint64 j = 0; j < columns; j++)
    mean += xx[j * (columns + 1)] / columns;
  for (gint64 j = 0; j < columns; j++)
    xx[j * (columns + 1)] += ridge * mean;
  for (gint64 i = 0; i < outputs * columns; i++)
    yx[i] += ridge * mean * weights[i];
  return mean > 0;
}

double
pare_hessian_memory (const PareLayerMatrix *matrix)
{
  return sizeof (double) * (matrix->groups + 4.0) * matrix->columns * (matrix->columns + matrix->outputs);
}
