/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Wanted weights W* and metric M of a layer: with samples, the covariances A of its input x and T of the original's
 * output y with it give |y - W x|^2 = tr ((W - W*) A (W - W*)^T) + a rest, with W* = T A^-1. */
#include "decompose/target.h"
#include "linalg/linalg.h"

/* How much the original weights are believed, in units of the mean square of an input. */
#define PRIOR 1e-4

PareKernelShape
pare_kernel_shape (const PareLayerMatrix *matrix)
{
  PareKernelShape shape = { .outputs = (int)matrix->outputs,
                            .inputs = (int)matrix->inputs,
                            .axes = (int)matrix->shape.rank - 2,
                            .taps = (int)matrix->taps,
                            .columns = (int)matrix->columns };

  for (int i = 0; i < shape.axes; i++)
    shape.kernel[i] = (int)matrix->shape.dims[2 + i];
  return shape;
}

void
pare_target_free (PareTarget *target)
{
  g_free (target->wanted);
  g_free (target->metric);
  g_free (target);
}

static double
sum_of_squares (const double *numbers, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += numbers[i] * numbers[i];
  return sum;
}

static PareTarget *
target_new (const PareLayerMatrix *matrix, const double *weights, gint64 group)
{
  PareTarget *target = g_new0 (PareTarget, 1);
  gsize n = (gsize)matrix->outputs * (gsize)matrix->columns;

  target->shape = pare_kernel_shape (matrix);
  target->wanted = g_memdup2 (weights + (gsize)group * n, n * sizeof (double));
  target->power = sum_of_squares (target->wanted, n);
  return target;
}

GPtrArray *
pare_targets_new_for_weights (const PareLayerMatrix *matrix, const double *weights)
{
  GPtrArray *targets = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_target_free);

  for (gint64 g = 0; g < matrix->groups; g++)
    g_ptr_array_add (targets, target_new (matrix, weights, g));
  return targets;
}

static double
output_power (const PareMoments *moments, gint64 group)
{
  double power = 0;

  for (gint64 o = group * moments->outputs; o < (group + 1) * moments->outputs; o++)
    power += moments->yy[o] - moments->y[o] * moments->y[o] / moments->rows;
  return power / moments->rows;
}

/* (T + p W) (A + p I)^-1: least squares that holds on to W. */
static gboolean
target_learn (PareTarget *target, const PareLayerMatrix *matrix, const PareMoments *moments, gint64 group,
              GError **error)
{
  gsize k = (gsize)target->shape.columns, n = (gsize)target->shape.outputs * k;
  double *wanted = NULL, prior = 0;

  pare_moments_covariance (moments, group, matrix->trait.has_bias, &target->metric, &wanted);
  for (gsize i = 0; i < k; i++)
    prior += target->metric[i * k + i];
  prior *= PRIOR / (double)k;
  for (gsize i = 0; i < k; i++)
    target->metric[i * k + i] += prior;
  for (gsize i = 0; i < n; i++)
    wanted[i] += prior * target->wanted[i];
  g_free (target->wanted);
  target->wanted = wanted;
  target->power = output_power (moments, group);
  return pare_linalg_solve ((int)k, target->metric, 0, target->shape.outputs, wanted, error);
}

GPtrArray *
pare_targets_new_for_samples (const PareLayerMatrix *matrix, const double *weights, const PareMoments *moments,
                              GError **error)
{
  g_autoptr (GPtrArray) targets = pare_targets_new_for_weights (matrix, weights);

  for (gint64 g = 0; g < matrix->groups; g++)
    if (!target_learn (targets->pdata[g], matrix, moments, g, error))
      return NULL;
  return g_steal_pointer (&targets);
}

double *
pare_target_measure (const PareTarget *target, int n, const double *rows)
{
  int k = target->shape.columns;
  gsize size = (gsize)n * (gsize)k;
  double *measured;

  if (!target->metric)
    return g_memdup2 (rows, size * sizeof (double));
  measured = g_new (double, size);
  pare_linalg_gemm (FALSE, FALSE, n, k, k, 1, rows, target->metric, 0, measured);
  return measured;
}

double
pare_target_cost (const PareTarget *target, const double *weights)
{
  gsize n = (gsize)target->shape.outputs * (gsize)target->shape.columns;
  g_autofree double *deviation = g_new (double, n), *measured = NULL;
  double cost = 0;

  for (gsize i = 0; i < n; i++)
    deviation[i] = weights[i] - target->wanted[i];
  measured = pare_target_measure (target, target->shape.outputs, deviation);
  for (gsize i = 0; i < n; i++)
    cost += deviation[i] * measured[i];
  return MAX (cost, 0);
}
