/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Tucker-2: fewer input channels, a kernel between few channels, then all outputs (Kim et al. 2016). The inputs are the
 * first eigenvectors of B^1/2 S B^1/2, with S = sum over outputs and positions of w w^T and B the metric of a channel;
 * what follows is the reduced rank of the kernel that is best from these inputs on. */
#include "decompose/factorization.h"
#include <math.h>
#include <string.h>

extern const PareFactorization pare_factorization_reducedrank;

static const PareFactorization *const outer = &pare_factorization_reducedrank;

static gboolean
applies (const PareKernelShape *shape)
{
  return shape->taps > 1 && shape->inputs > 1 && shape->outputs > 1;
}

static void
sides (const PareFactorization *how, const PareKernelShape *shape, int *rows, int *columns)
{
  outer->sides (outer, shape, rows, columns);
}

/* Ranks of inputs and outputs go together. */
static int
input_rank (const PareKernelShape *shape, int rank)
{
  return CLAMP ((rank * shape->inputs + shape->outputs / 2) / shape->outputs, 1, shape->inputs);
}

static guint
list_factors (const PareFactorization *how, const PareKernelShape *shape, int rank,
              PareFactor factors[PARE_MAX_FACTORS])
{
  PareKernelShape inner = *shape;

  inner.inputs = input_rank (shape, rank);
  inner.columns = inner.inputs * inner.taps;
  factors[0] = (PareFactor){ .outputs = inner.inputs, .inputs = shape->inputs, .taps = 1 };
  return 1 + outer->factors (outer, &inner, rank, factors + 1);
}

/* Mean over the kernel's positions of the metric between channels, [c x c]; NULL for the identity. */
static double *
channel_metric (const PareTarget *target)
{
  gsize c = target->shape.inputs, t = target->shape.taps, k = target->shape.columns;
  double *metric;

  if (!target->metric)
    return NULL;
  metric = g_new0 (double, c *c);
  for (gsize i = 0; i < c; i++)
    for (gsize j = 0; j < c; j++)
      for (gsize p = 0; p < t; p++)
        metric[i * c + j] += target->metric[(i * t + p) * k + j * t + p] / (double)t;
  return metric;
}

/* A^1/2 of a positive matrix, which is destroyed. */
static double *
square_root (int n, double *a, GError **error)
{
  g_autoptr (PareEigen) eigen = pare_eigen_new (n, a, error);
  g_autofree double *vectors = eigen ? pare_eigen_vectors (eigen, n, error) : NULL, *scaled = NULL;
  double *root;

  if (!vectors)
    return NULL;
  scaled = g_new (double, (gsize)n *(gsize)n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      scaled[(gsize)i * n + j] = vectors[(gsize)i * n + j] * sqrt (MAX (pare_eigen_values (eigen)[i], 0));
  root = g_new (double, (gsize)n *(gsize)n);
  pare_linalg_gemm (TRUE, FALSE, n, n, n, 1, vectors, scaled, 0, root);
  return root;
}

/* [o][c][t] to [o t][c]. */
static double *
channels_last (const PareKernelShape *shape, const double *weights)
{
  double *rows = g_new (double, (gsize)shape->outputs *(gsize)shape->columns);

  for (int o = 0; o < shape->outputs; o++)
    for (int c = 0; c < shape->inputs; c++)
      for (int t = 0; t < shape->taps; t++)
        rows[((gsize)o * shape->taps + t) * shape->inputs + c]
            = weights[(gsize)o * shape->columns + c * shape->taps + t];
  return rows;
}

/* B^1/2 S B^1/2 and, when there is a metric, B^1/2. */
static double *
input_gram (const PareTarget *target, double **root, GError **error)
{
  int c = target->shape.inputs, n = target->shape.outputs * target->shape.taps;
  gsize size = (gsize)c * (gsize)c;
  double *metric = channel_metric (target), *gram;
  g_autofree double *rows = channels_last (&target->shape, target->wanted), *product = NULL;

  *root = NULL;
  if (metric && !(*root = square_root (c, metric, error)))
    return NULL;
  gram = g_new (double, size);
  pare_linalg_gemm (TRUE, FALSE, c, c, n, 1, rows, rows, 0, gram);
  if (!*root)
    return gram;
  product = g_new (double, size);
  pare_linalg_gemm (FALSE, FALSE, c, c, c, 1, *root, gram, 0, product);
  pare_linalg_gemm (FALSE, FALSE, c, c, c, 1, product, *root, 0, gram);
  return gram;
}

static PareSpectrum *
find_spectrum (const PareFactorization *how, const PareTarget *target, GError **error)
{
  g_autoptr (PareSpectrum) spectrum = outer->spectrum (outer, target, error);
  g_autofree double *root = NULL;
  double *gram;
  int inputs = 0;

  if (!spectrum || !(gram = input_gram (target, &root, error))
      || !(spectrum->eigen[1] = pare_eigen_new (target->shape.inputs, gram, error)))
    return NULL;
  for (int r = 0; r < spectrum->n; r++)
    for (int until = input_rank (&target->shape, r + 1); inputs < until; inputs++)
      spectrum->energies[r] += MAX (pare_eigen_values (spectrum->eigen[1])[inputs], 0);
  return g_steal_pointer (&spectrum);
}

/* Of @rows [n][c][t] and @first [r x c] the rows [n][r][t] behind the first factor: sum_c rows first^T. */
static double *
project (int n, int channels, int taps, const double *rows, int rank, const double *first)
{
  double *projected = g_new (double, (gsize)n *(gsize)rank *(gsize)taps);

  for (gsize i = 0; i < (gsize)n; i++)
    pare_linalg_gemm (FALSE, FALSE, rank, taps, channels, 1, first, rows + i * channels * taps, 0,
                      projected + i * rank * taps);
  return projected;
}

static double *
transposed (int rows, int columns, const double *matrix)
{
  double *result = g_new (double, (gsize)rows *(gsize)columns);

  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      result[(gsize)j * rows + i] = matrix[(gsize)i * columns + j];
  return result;
}

/* What the layers behind the first factor should compute: P M P^T and W M P^T (P M P^T)^-1. */
static PareTarget *
inner_target (const PareTarget *target, int rank, const double *first, GError **error)
{
  const PareKernelShape *shape = &target->shape;
  g_autoptr (PareTarget) inner = g_new0 (PareTarget, 1);
  g_autofree double *pull = pare_target_measure (target, shape->outputs, target->wanted);
  g_autofree double *half = NULL, *turned = NULL;

  inner->shape = *shape;
  inner->shape.inputs = rank;
  inner->shape.columns = rank * shape->taps;
  inner->power = target->power;
  inner->wanted = project (shape->outputs, shape->inputs, shape->taps, pull, rank, first);
  if (!target->metric)
    return g_steal_pointer (&inner);
  half = project (shape->columns, shape->inputs, shape->taps, target->metric, rank, first);
  turned = transposed (shape->columns, inner->shape.columns, half);
  inner->metric = project (inner->shape.columns, shape->inputs, shape->taps, turned, rank, first);
  return pare_linalg_solve (inner->shape.columns, inner->metric, 1e-9, shape->outputs, inner->wanted, error)
             ? g_steal_pointer (&inner)
             : NULL;
}

static gboolean
fit (const PareFactorization *how, const PareTarget *target, PareSpectrum *spectrum, int rank, double *const *weights,
     GError **error)
{
  int c = target->shape.inputs, r = input_rank (&target->shape, rank);
  g_autofree double *vectors = pare_eigen_vectors (spectrum->eigen[1], r, error), *root = NULL, *gram = NULL;
  g_autoptr (PareTarget) inner = NULL;
  g_autoptr (PareSpectrum) inner_spectrum = NULL;

  if (!vectors || !(gram = input_gram (target, &root, error)))
    return FALSE;
  if (root)
    pare_linalg_gemm (FALSE, FALSE, r, c, c, 1, vectors, root, 0, weights[0]);
  else
    memcpy (weights[0], vectors, sizeof (double) * (gsize)r * (gsize)c);
  inner = inner_target (target, r, weights[0], error);
  inner_spectrum = inner ? outer->spectrum (outer, inner, error) : NULL;
  return inner_spectrum && outer->fit (outer, inner, inner_spectrum, rank, weights + 1, error);
}

const PareFactorization pare_factorization_tucker = {
  .name = "Tucker-2",
  .method = "tucker",
  .applies = applies,
  .sides = sides,
  .factors = list_factors,
  .spectrum = find_spectrum,
  .fit = fit,
};
