/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The error of a step of a quantizer is a quadratic in its position, so with running moments of the histogram a range
 * is scored in time 2^bits, not in the number of bins. */
#include "calibrate/quantization-error.h"
#include <math.h>

/* sums[k][i] = integral of t^k dt over the bins before i, times their counts, t in bins. */
struct _PareQuantizationError
{
  const PareHistogram *histogram;
  double *sums[3];
};

/* Integrals of 1, t and t^2 from @a to @b. */
static void
integrals (double a, double b, double out[3])
{
  out[0] = b - a;
  out[1] = (b * b - a * a) / 2;
  out[2] = (b * b * b - a * a * a) / 3;
}

PareQuantizationError *
pare_quantization_error_new (const PareHistogram *histogram)
{
  PareQuantizationError *error = g_new (PareQuantizationError, 1);
  double sums[3] = { 0 };

  error->histogram = histogram;
  for (guint k = 0; k < 3; k++)
    error->sums[k] = g_new (double, histogram->n + 1);
  for (guint i = 0; i <= histogram->n; i++)
    {
      double parts[3];
      for (guint k = 0; k < 3; k++)
        error->sums[k][i] = sums[k];
      if (i == histogram->n)
        break;
      integrals (i, i + 1, parts);
      for (guint k = 0; k < 3; k++)
        sums[k] += parts[k] * histogram->counts[i];
    }
  return error;
}

void
pare_quantization_error_free (PareQuantizationError *error)
{
  for (guint k = 0; k < 3; k++)
    g_free (error->sums[k]);
  g_free (error);
}

/* Moments of all that lies before @t. */
static void
moments_before (const PareQuantizationError *error, double t, double out[3])
{
  double place = CLAMP (t, 0, error->histogram->n);
  guint bin = MIN ((guint)place, error->histogram->n - 1);

  integrals (bin, place, out);
  for (guint k = 0; k < 3; k++)
    out[k] = error->sums[k][bin] + out[k] * error->histogram->counts[bin];
}

/* Squared error when all between two places goes to @centre. */
static double
error_to (const double before[3], const double after[3], double centre)
{
  return (after[2] - before[2]) - 2 * centre * (after[1] - before[1]) + centre * centre * (after[0] - before[0]);
}

/* Steps within a bin cannot be told apart: an evenly spread number errs by step^2 / 12. */
static double
error_of_fine_cells (const PareQuantizationError *error, double start, double end, double step)
{
  double none[3] = { 0 }, low[3], high[3], all[3];

  moments_before (error, start, low);
  moments_before (error, end, high);
  moments_before (error, error->histogram->n, all);
  return error_to (none, low, start + step / 2) + (high[0] - low[0]) * step * step / 12
         + error_to (high, all, end - step / 2);
}

double
pare_quantization_error_of_cells (const PareQuantizationError *error, double start, double end, guint levels)
{
  double step = (end - start) / levels, sum = 0;
  double before[3] = { 0 }, after[3];

  if (step < 1 && levels > 1)
    return error_of_fine_cells (error, start, end, step);
  for (guint j = 0; j < levels; j++)
    {
      moments_before (error, j + 1 == levels ? error->histogram->n : start + (j + 1) * step, after);
      sum += error_to (before, after, start + (j + 0.5) * step);
      for (guint k = 0; k < 3; k++)
        before[k] = after[k];
    }
  return sum;
}

void
pare_align_zero (double *low, double *high, guint bits)
{
  guint most = (1u << bits) - 1;
  double scale, first;

  *low = MIN (*low, 0);
  *high = MAX (*high, 0);
  scale = (*high - *low) / most;
  if (!(scale > 0))
    return;
  first = rint (*low / scale);
  *low = first * scale;
  *high = (first + most) * scale;
}

double
pare_quantization_error_of_range (const PareQuantizationError *error, double low, double high, guint bits)
{
  const PareHistogram *histogram = error->histogram;
  guint levels = 1u << bits;
  double half_step, sum;

  pare_align_zero (&low, &high, bits);
  half_step = (high - low) / (levels - 1) / 2;
  sum = pare_quantization_error_of_cells (error, (low - half_step - histogram->origin) / histogram->width,
                                          (high + half_step - histogram->origin) / histogram->width,
                                          half_step > 0 ? levels : 1);
  return sum * histogram->width * histogram->width;
}
