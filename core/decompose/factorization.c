/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What all ways to factorize share: spectra, and the product of a cascade. */
#include "decompose/factorization.h"

PareSpectrum *
pare_spectrum_new (int n)
{
  PareSpectrum *spectrum = g_new0 (PareSpectrum, 1);

  spectrum->n = n;
  spectrum->energies = g_new0 (double, n);
  return spectrum;
}

void
pare_spectrum_free (PareSpectrum *spectrum)
{
  for (guint i = 0; i < G_N_ELEMENTS (spectrum->eigen); i++)
    g_clear_pointer (&spectrum->eigen[i], pare_eigen_free);
  g_free (spectrum->energies);
  g_free (spectrum);
}

/* Where a factor's kernel keeps what meets position @tap of the whole kernel. */
static int
find_tap (const PareKernelShape *shape, const PareFactor *factor, int tap)
{
  int found = 0, stride = 1;

  for (int axis = shape->axes; axis-- > 0; tap /= shape->kernel[axis])
    if (factor->keeps[axis])
      {
        found += tap % shape->kernel[axis] * stride;
        stride *= shape->kernel[axis];
      }
  return found;
}

/* Position @tap of a kernel: [outputs x inputs]. */
static double *
gather_tap (const PareFactor *factor, const double *weights, int tap)
{
  gsize n = (gsize)factor->outputs * (gsize)factor->inputs;
  double *matrix = g_new (double, n);

  for (gsize i = 0; i < n; i++)
    matrix[i] = weights[i * factor->taps + tap];
  return matrix;
}

static double *
compose_tap (const PareKernelShape *shape, guint n, const PareFactor *factors, double *const *weights, int tap)
{
  double *product = gather_tap (&factors[0], weights[0], find_tap (shape, &factors[0], tap));

  for (guint f = 1; f < n; f++)
    {
      g_autofree double *left = gather_tap (&factors[f], weights[f], find_tap (shape, &factors[f], tap));
      g_autofree double *right = product;
      product = g_new (double, (gsize)factors[f].outputs *(gsize)shape->inputs);
      pare_linalg_gemm (FALSE, FALSE, factors[f].outputs, shape->inputs, factors[f].inputs, 1, left, right, 0, product);
    }
  return product;
}

double *
pare_factors_compose (const PareKernelShape *shape, guint n, const PareFactor *factors, double *const *weights)
{
  gsize channels = (gsize)shape->outputs * (gsize)shape->inputs;
  double *whole = g_new (double, channels *(gsize)shape->taps);

  for (int tap = 0; tap < shape->taps; tap++)
    {
      g_autofree double *matrix = compose_tap (shape, n, factors, weights, tap);
      for (gsize i = 0; i < channels; i++)
        whole[i * shape->taps + tap] = matrix[i];
    }
  return whole;
}
