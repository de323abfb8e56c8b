/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A layer with fewer outputs, then one with a kernel of one position that makes the wanted outputs of them. Under a
 * metric M the best of rank r is U U^T W with U the first r eigenvectors of W M W^T (reduced-rank regression, Izenman
 * 1975; for networks: Zhang et al. 2015). */
#include "decompose/factorization.h"
#include <string.h>

static gboolean
applies (const PareKernelShape *shape)
{
  return shape->outputs > 1 && shape->columns > 1;
}

static void
sides (const PareFactorization *how, const PareKernelShape *shape, int *rows, int *columns)
{
  *rows = shape->outputs;
  *columns = shape->columns;
}

static guint
list_factors (const PareFactorization *how, const PareKernelShape *shape, int rank,
              PareFactor factors[PARE_MAX_FACTORS])
{
  factors[0] = (PareFactor){ .outputs = rank, .inputs = shape->inputs, .taps = shape->taps };
  factors[1] = (PareFactor){ .outputs = shape->outputs, .inputs = rank, .taps = 1 };
  for (int i = 0; i < shape->axes; i++)
    factors[0].keeps[i] = TRUE;
  return 2;
}

static PareSpectrum *
find_spectrum (const PareFactorization *how, const PareTarget *target, GError **error)
{
  int o = target->shape.outputs, k = target->shape.columns;
  g_autoptr (PareSpectrum) spectrum = pare_spectrum_new (MIN (o, k));
  g_autofree double *measured = pare_target_measure (target, o, target->wanted);
  double *gram = g_new (double, (gsize)o *(gsize)o);

  pare_linalg_gemm_symmetric (o, k, measured, target->wanted, gram);
  spectrum->eigen[0] = pare_eigen_new (o, gram, error);
  if (!spectrum->eigen[0])
    return NULL;
  for (int i = 0; i < spectrum->n; i++)
    spectrum->energies[i] = MAX (pare_eigen_values (spectrum->eigen[0])[i], 0);
  return g_steal_pointer (&spectrum);
}

static gboolean
fit (const PareFactorization *how, const PareTarget *target, PareSpectrum *spectrum, int rank, double *const *weights,
     GError **error)
{
  int o = target->shape.outputs, k = target->shape.columns;
  g_autofree double *vectors = pare_eigen_vectors (spectrum->eigen[0], rank, error);

  if (!vectors)
    return FALSE;
  pare_linalg_gemm (FALSE, FALSE, rank, k, o, 1, vectors, target->wanted, 0, weights[0]);
  for (int r = 0; r < rank; r++)
    for (int i = 0; i < o; i++)
      weights[1][i * rank + r] = vectors[r * o + i];
  return TRUE;
}

const PareFactorization pare_factorization_reducedrank = {
  .name = "reduced rank",
  .method = "reduced-rank",
  .applies = applies,
  .sides = sides,
  .factors = list_factors,
  .spectrum = find_spectrum,
  .fit = fit,
};
