/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A kernel k x l as r kernels k x 1 and then o kernels 1 x l: the slices of the kernel, stacked to N [o l x c k], have
 * rank r (Jaderberg et al. 2014, scheme 2; by singular vectors: Tai et al. 2016). Under the metric B of a slice the
 * best is V V^T N with V the first r eigenvectors of N B N^T; under the whole metric that is where alternation starts.
 */
#include "decompose/spatial.h"
#include "decompose/unfolding.h"
#include <string.h>

gboolean
pare_spatial_applies (const PareKernelShape *shape)
{
  return shape->axes == 2 && shape->kernel[0] > 1 && shape->kernel[1] > 1;
}

void
pare_spatial_sides (const PareFactorization *how, const PareKernelShape *shape, int *rows, int *columns)
{
  *rows = shape->inputs * shape->kernel[how->first_axis];
  *columns = shape->outputs * shape->kernel[1 - how->first_axis];
}

guint
pare_spatial_factors (const PareFactorization *how, const PareKernelShape *shape, int rank,
                      PareFactor factors[PARE_MAX_FACTORS])
{
  int first = how->first_axis, second = 1 - first;

  factors[0] = (PareFactor){ .outputs = rank, .inputs = shape->inputs, .taps = shape->kernel[first] };
  factors[1] = (PareFactor){ .outputs = shape->outputs, .inputs = rank, .taps = shape->kernel[second] };
  factors[0].keeps[first] = factors[1].keeps[second] = TRUE;
  return 2;
}

PareSpectrum *
pare_spatial_spectrum (const PareFactorization *how, const PareTarget *target, GError **error)
{
  g_autoptr (PareUnfolding) unfolding = pare_unfolding_new (target, how->first_axis);
  int n = unfolding->slices * unfolding->outputs, q = unfolding->rows;
  g_autoptr (PareSpectrum) spectrum = pare_spectrum_new (MIN (n, q));
  g_autofree double *measured = NULL;
  double *gram = g_new (double, (gsize)n *(gsize)n);

  if (unfolding->block)
    {
      measured = g_new (double, (gsize)n *(gsize)q);
      pare_linalg_gemm (FALSE, FALSE, n, q, q, 1, unfolding->wanted, unfolding->block, 0, measured);
    }
  pare_linalg_gemm_symmetric (n, q, measured ? measured : unfolding->wanted, unfolding->wanted, gram);
  spectrum->eigen[0] = pare_eigen_new (n, gram, error);
  if (!spectrum->eigen[0])
    return NULL;
  for (int i = 0; i < spectrum->n; i++)
    spectrum->energies[i] = MAX (pare_eigen_values (spectrum->eigen[0])[i], 0);
  return g_steal_pointer (&spectrum);
}

/* [r][k][o] to [k][o][r]. */
static double *
second_from_vectors (const double *vectors, int rank, int slices, int outputs)
{
  gsize n = (gsize)slices * (gsize)outputs;
  double *v = g_new (double, n *(gsize)rank);

  for (gsize r = 0; r < (gsize)rank; r++)
    for (gsize i = 0; i < n; i++)
      v[i * rank + r] = vectors[r * n + i];
  return v;
}

/* [k][o][r] to [o][r][k]. */
static void
store_second (const double *v, int rank, int slices, int outputs, double *weights)
{
  gsize n = (gsize)outputs * (gsize)rank;

  for (gsize j = 0; j < (gsize)slices; j++)
    for (gsize i = 0; i < n; i++)
      weights[i * slices + j] = v[j * n + i];
}

gboolean
pare_spatial_fit (const PareFactorization *how, const PareTarget *target, PareSpectrum *spectrum, int rank,
                  double *const *weights, GError **error)
{
  g_autoptr (PareUnfolding) unfolding = pare_unfolding_new (target, how->first_axis);
  int n = unfolding->slices * unfolding->outputs;
  g_autofree double *vectors = pare_eigen_vectors (spectrum->eigen[0], rank, error), *v = NULL;

  if (!vectors)
    return FALSE;
  pare_linalg_gemm (FALSE, FALSE, rank, unfolding->rows, n, 1, vectors, unfolding->wanted, 0, weights[0]);
  v = second_from_vectors (vectors, rank, unfolding->slices, unfolding->outputs);
  if (unfolding->metric && !pare_unfolding_refine (unfolding, rank, weights[0], v, error))
    return FALSE;
  store_second (v, rank, unfolding->slices, unfolding->outputs, weights[1]);
  return TRUE;
}
