/* SPDX-License-Identifier: LGPL-2.1-or-later
 * hfmg: from a histogram, the range whose uniform quantization has the least squared error.
 *
 * Both ends move inwards by equal shares of the counts, at each step on the side where a share spans more bins; every
 * range on the way is scored with the expected squared error of 2^bits equal steps, the numbers being spread evenly
 * within their bins. (AMCT's HFMG; the same walk as in PyTorch's HistogramObserver.) The error of a step is a quadratic
 * in its position, so with running moments of the histogram a range is scored in time 2^bits, not in the number of
 * bins. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include <math.h>

/* The walk goes in this many shares of all counts. */
#define SHARES 100000

typedef struct
{
  PareHistogram *histogram;
  guint bits;
} State;

/* moments[k][i] = sum over bins before i of the integral of t^k dt times the density, t in bins. */
typedef struct
{
  guint n;
  const guint64 *counts;
  double *moments[3];
} Moments;

static gpointer
hfmg_new (const PareObserverSettings *settings)
{
  State *state = g_new (State, 1);

  state->histogram = pare_histogram_new (MAX (settings->bins, 2));
  state->bits = CLAMP (settings->bits, 1, 16);
  return state;
}

static void
hfmg_free (gpointer data)
{
  State *state = data;

  pare_histogram_free (state->histogram);
  g_free (state);
}

static gboolean
hfmg_observe (gpointer state, const float *data, gsize n)
{
  return pare_histogram_add (((State *)state)->histogram, data, n);
}

/* Integrals of 1, t and t^2 from @a to @b. */
static void
integrals (double a, double b, double out[3])
{
  out[0] = b - a;
  out[1] = (b * b - a * a) / 2;
  out[2] = (b * b * b - a * a * a) / 3;
}

static void
moments_init (Moments *moments, const PareHistogram *histogram)
{
  double sums[3] = { 0 };

  moments->n = histogram->n;
  moments->counts = histogram->counts;
  for (guint k = 0; k < 3; k++)
    moments->moments[k] = g_new (double, histogram->n + 1);
  for (guint i = 0; i <= histogram->n; i++)
    {
      double parts[3];
      for (guint k = 0; k < 3; k++)
        moments->moments[k][i] = sums[k];
      if (i == histogram->n)
        break;
      integrals (i, i + 1, parts);
      for (guint k = 0; k < 3; k++)
        sums[k] += parts[k] * histogram->counts[i];
    }
}

static void
moments_clear (Moments *moments)
{
  for (guint k = 0; k < 3; k++)
    g_free (moments->moments[k]);
}

static void
moments_at (const Moments *moments, double t, double out[3])
{
  guint bin = MIN ((guint)t, moments->n - 1);

  integrals (bin, t, out);
  for (guint k = 0; k < 3; k++)
    out[k] = moments->moments[k][bin] + out[k] * moments->counts[bin];
}

/* Squared error of quantizing everything to @levels steps over bins [start, end). */
static double
range_error (const Moments *moments, guint start, guint end, guint levels)
{
  double step = (double)(end - start) / levels, error = 0;
  double before[3] = { 0 }, after[3];

  for (guint j = 0; j < levels; j++)
    {
      double centre = start + (j + 0.5) * step;
      moments_at (moments, j + 1 == levels ? moments->n : start + (j + 1) * step, after);
      error += (after[2] - before[2]) - 2 * centre * (after[1] - before[1]) + centre * centre * (after[0] - before[0]);
      before[0] = after[0];
      before[1] = after[1];
      before[2] = after[2];
    }
  return error;
}

static gboolean
hfmg_range (gpointer data, PareRange *range)
{
  const State *state = data;
  const PareHistogram *histogram = state->histogram;
  guint64 share = MAX ((histogram->total + SHARES - 1) / SHARES, 1);
  guint64 below = 0, above = 0; /* counts outside [start, end) */
  guint start = 0, end = histogram->n, best_start, best_end, quarter;
  double least;
  Moments moments;

  if (!pare_extremes_range (&histogram->extremes, range) || !histogram->extremes.finite)
    return !histogram->extremes.finite;
  while (!histogram->counts[end - 1])
    end--;
  best_start = start;
  best_end = end;
  quarter = (end - start + 3) / 4;
  moments_init (&moments, histogram);
  least = range_error (&moments, start, end, 1u << state->bits);
  for (guint64 low_share = share, high_share = share; end - start > quarter;)
    {
      guint next_start = start, next_end = end;
      guint64 next_below = below, next_above = above;
      while (next_start < end && next_below + histogram->counts[next_start] <= low_share)
        next_below += histogram->counts[next_start++];
      while (next_end > start && next_above + histogram->counts[next_end - 1] <= high_share)
        next_above += histogram->counts[--next_end];
      if (next_start - start > end - next_end)
        {
          start = next_start;
          below = next_below;
          low_share += share;
        }
      else if (next_end < end)
        {
          end = next_end;
          above = next_above;
          high_share += share;
        }
      else
        {
          low_share += share;
          high_share += share;
          if (low_share > histogram->total)
            break;
          continue;
        }
      if (start >= end)
        break;
      double error = range_error (&moments, start, end, 1u << state->bits);
      if (error < least)
        {
          least = error;
          best_start = start;
          best_end = end;
        }
    }
  moments_clear (&moments);
  range->low = MAX (range->low, (float)(histogram->origin + best_start * histogram->width));
  range->high = MIN (range->high, (float)(histogram->origin + best_end * histogram->width));
  return TRUE;
}

PARE_OBSERVER (hfmg) = { "hfmg",       "From a histogram, the range whose quantization has the least squared error.",
                         hfmg_new,     hfmg_free,
                         hfmg_observe, hfmg_range };
