/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The normal equations of a layer: W = cov (y, x) cov (x, x)^-1, b = mean y - W mean x. */
#include "reconstruct/leastsquares.h"
#include "ops/compute.h"
#include "linalg/linalg.h"

void
pare_moments_covariance (const PareMoments *moments, gint64 group, gboolean centred, double **xx, double **yx)
{
  gint64 k = moments->columns, outputs = moments->outputs;
  const double *x = moments->x + group * k, *y = moments->y + group * outputs;
  const double *x_sums = moments->xx + group * k * k, *y_sums = moments->yx + group * outputs * k;
  double n = MAX (moments->rows, 1);

  *xx = g_new (double, k *k);
  *yx = g_new (double, outputs *k);
  for (gint64 i = 0; i < k; i++)
    for (gint64 j = 0; j < k; j++)
      (*xx)[i * k + j] = x_sums[i * k + j] / n - (centred ? x[i] / n * (x[j] / n) : 0);
  for (gint64 o = 0; o < outputs; o++)
    for (gint64 j = 0; j < k; j++)
      (*yx)[o * k + j] = y_sums[o * k + j] / n - (centred ? y[o] / n * (x[j] / n) : 0);
}

/* @source[@rows][@stride] to @target[@rows][@n]: the columns wanted; in @rows, if given, likewise. */
static void
gather (gint64 rows, const gint64 *row_indices, gint64 stride, gint64 n, const gint64 *columns, const double *source,
        double *target)
{
  for (gint64 r = 0; r < rows; r++)
    for (gint64 c = 0; c < n; c++)
      target[r * n + c] = source[(row_indices ? row_indices[r] : r) * stride + columns[c]];
}

typedef struct
{
  const PareMoments *moments;
  gint64 n;
  const gint64 *columns;
  double ridge, *weights;
  gboolean centred;
} Problem;

static gboolean
solve_group (const Problem *problem, gint64 group, GError **error)
{
  gint64 k = problem->moments->columns, outputs = problem->moments->outputs, n = problem->n;
  g_autofree double *xx = NULL, *yx = NULL;
  g_autofree double *a = g_new (double, n *n), *b = g_new (double, outputs *n);
  double *weights = problem->weights + group * outputs * k;

  pare_moments_covariance (problem->moments, group, problem->centred, &xx, &yx);
  gather (n, problem->columns, k, n, problem->columns, xx, a);
  gather (outputs, NULL, k, n, problem->columns, yx, b);
  if (!pare_linalg_solve (n, a, problem->ridge, outputs, b, error))
    return FALSE;
  for (gint64 i = 0; i < outputs * k; i++)
    weights[i] = 0;
  for (gint64 o = 0; o < outputs; o++)
    for (gint64 c = 0; c < n; c++)
      weights[o * k + problem->columns[c]] = b[o * n + c];
  return TRUE;
}

static gboolean
solve (gpointer data, GError **error)
{
  const Problem *problem = data;

  for (gint64 g = 0; g < problem->moments->groups; g++)
    if (!solve_group (problem, g, error))
      return FALSE;
  return TRUE;
}

gboolean
pare_least_squares (const PareMoments *moments, gint64 n, const gint64 *columns, double ridge, double *weights,
                    double *bias, GError **error)
{
  g_autofree gint64 *all = g_new (gint64, n);
  Problem problem = { moments, n, columns ? columns : all, ridge, weights, bias != NULL };

  for (gint64 i = 0; i < n; i++)
    all[i] = i;
  if (!pare_compute (solve, &problem, error))
    return FALSE;
  if (bias)
    pare_moments_fit_bias (moments, weights, bias);
  return TRUE;
}

void
pare_moments_fit_bias (const PareMoments *moments, const double *weights, double *bias)
{
  gint64 k = moments->columns;
  double n = MAX (moments->rows, 1);

  for (gint64 o = 0; o < moments->groups * moments->outputs; o++)
    {
      const double *x = moments->x + o / moments->outputs * k;
      bias[o] = moments->y[o] / n;
      for (gint64 j = 0; j < k; j++)
        bias[o] -= weights[o * k + j] * x[j] / n;
    }
}

/* sum (y - w x - b)^2 = yy - 2 w yx + w xx w + b (2 w x - 2 y + n b) for the row w of one output. */
static double
output_error (const PareMoments *moments, gint64 output, const double *w, double b, const double *xx_w)
{
  gint64 k = moments->columns;
  const double *x = moments->x + output / moments->outputs * k, *yx = moments->yx + output * k;
  double error = moments->yy[output] + b * (moments->rows * b - 2 * moments->y[output]);

  for (gint64 j = 0; j < k; j++)
    error += w[j] * (xx_w[j] - 2 * yx[j] + 2 * b * x[j]);
  return error;
}

double
pare_moments_error (const PareMoments *moments, const double *weights, const double *bias)
{
  gint64 k = moments->columns, outputs = moments->outputs;
  g_autofree double *xx_w = g_new (double, outputs *k);
  double error = 0, energy = 0, n = MAX (moments->rows, 1);

  for (gint64 g = 0; g < moments->groups; g++)
    {
      const double *group = weights + g * outputs * k;
      pare_linalg_gemm (FALSE, FALSE, outputs, k, k, 1, group, moments->xx + g * k * k, 0, xx_w);
      for (gint64 o = 0; o < outputs; o++)
        {
          gint64 output = g * outputs + o;
          double y = moments->y[output];
          error += output_error (moments, output, group + o * k, bias ? bias[output] : 0, xx_w + o * k);
          energy += moments->yy[output] - y * y / n;
        }
    }
  return energy > 0 ? MAX (error, 0) / energy : 0;
}
