/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ifmr: two passes. The first finds bounds, a percentile at either end; the second the squared error of every range
 * whose ends are search_low to search_high times the bounds, and the least one wins. (AMCT's IFMR, which by its
 * documentation searches both ends, and by its code the upper one.)
 *
 * AMCT keeps all numbers for the search. Here the second pass counts them in a histogram that reaches to the widest
 * candidate and no further, so its bins are many times finer than a step of the quantizer; of a number beyond,
 * (x - end)^2 = (widest - end)^2 + (x - widest) (x + widest - 2 end), which needs the sum of x - widest alone to
 * compare ends. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include "calibrate/quantization-error.h"
#include "graph/vectorize.h"
#include <math.h>

/* Steps of 8 bits at 0.7 of the bounds are then 4 to 9 bins. */
#define FINE_BINS 4096
#define BLOCK ((gsize)1 << 13)

typedef struct
{
  PareObserverSettings settings;
  PareHistogram *histogram; /* of everything, then of what is inside the widest candidate */
  gboolean bounded;
  PareRange bounds, widest;
  double beyond_low, beyond_high; /* sums of x - widest */
} State;

static gpointer
ifmr_new (const PareObserverSettings *settings)
{
  State *state = g_new0 (State, 1);

  state->settings = *settings;
  state->settings.bits = CLAMP (settings->bits, 1, 16);
  state->histogram = pare_histogram_new (MAX (settings->bins, 2));
  return state;
}

static void
ifmr_free (gpointer data)
{
  State *state = data;

  pare_histogram_free (state->histogram);
  g_free (state);
}

static void
ifmr_next_pass (gpointer data)
{
  State *state = data;

  if (state->bounded || !pare_histogram_percentile (state->histogram, state->settings.percentile, &state->bounds)
      || !state->histogram->extremes.finite)
    return;
  state->bounds.low = MIN (state->bounds.low, 0);
  state->bounds.high = MAX (state->bounds.high, 0);
  state->widest.low = MAX (state->bounds.low * state->settings.search_high, -G_MAXFLOAT);
  state->widest.high = MIN (state->bounds.high * state->settings.search_high, G_MAXFLOAT);
  state->bounded = TRUE;
  pare_histogram_free (state->histogram);
  state->histogram = pare_histogram_new (MAX (FINE_BINS, state->settings.bins));
  state->histogram->reach = state->widest;
}

PARE_VECTORIZED static void
sum_beyond (const float *numbers, gsize n, PareRange widest, double beyond[2])
{
  float low = widest.low, high = widest.high;
  double sum_low = 0, sum_high = 0;

#pragma omp simd reduction(+ : sum_low, sum_high)
  for (gsize i = 0; i < n; i++)
    {
      float x = numbers[i];
      sum_low += x < low ? (double)x - low : 0;
      sum_high += x > high ? (double)x - high : 0;
    }
  beyond[0] = sum_low;
  beyond[1] = sum_high;
}

/* The sums of blocks are added in order, whoever made them. */
static void
add_beyond (State *state, const float *numbers, gsize n)
{
  gint64 blocks = (n + BLOCK - 1) / BLOCK;
  g_autofree double *beyond = g_new (double, 2 * MAX (blocks, 1));

#pragma omp parallel for schedule(static) if (blocks > 1)
  for (gint64 b = 0; b < blocks; b++)
    sum_beyond (numbers + b * BLOCK, MIN (BLOCK, n - b * BLOCK), state->widest, &beyond[2 * b]);
  for (gint64 b = 0; b < blocks; b++)
    {
      state->beyond_low += beyond[2 * b];
      state->beyond_high += beyond[2 * b + 1];
    }
}

static gboolean
ifmr_observe (gpointer data, const float *numbers, gsize n)
{
  State *state = data;
  const PareExtremes *extremes = &state->histogram->extremes;

  if (!pare_histogram_add (state->histogram, numbers, n))
    return FALSE;
  if (state->bounded && (extremes->low < state->widest.low || extremes->high > state->widest.high))
    add_beyond (state, numbers, n);
  return TRUE;
}

/* Candidates of an end, as multiples of its bound; one that is zero has no others. */
static guint
candidates (const State *state, float bound)
{
  const PareObserverSettings *settings = &state->settings;
  double steps = (settings->search_high - settings->search_low) / settings->search_step;

  return bound == 0 || !(steps >= 0) ? 1 : (guint)MIN (floor (steps + 1e-6), 1000) + 1;
}

static double
candidate (const State *state, float bound, guint i)
{
  return bound * (state->settings.search_low + i * state->settings.search_step);
}

/* The best pair of ends. */
static void
search (const State *state, PareRange *range)
{
  g_autoptr (PareQuantizationError) error = pare_quantization_error_new (state->histogram);
  guint lows = candidates (state, state->bounds.low), highs = candidates (state, state->bounds.high);
  g_autofree double *errors = g_new (double, lows *highs);
  guint best = 0;

#pragma omp parallel for schedule(static)
  for (guint i = 0; i < lows * highs; i++)
    {
      double low = candidate (state, state->bounds.low, i / highs);
      double high = candidate (state, state->bounds.high, i % highs);
      pare_align_zero (&low, &high, state->settings.bits);
      errors[i] = pare_quantization_error_of_range (error, low, high, state->settings.bits)
                  - 2 * low * state->beyond_low - 2 * high * state->beyond_high;
    }
  for (guint i = 1; i < lows * highs; i++)
    if (errors[i] < errors[best])
      best = i;
  range->low = candidate (state, state->bounds.low, best / highs);
  range->high = candidate (state, state->bounds.high, best % highs);
}

static gboolean
ifmr_range (gpointer data, PareRange *range)
{
  const State *state = data;

  if (!state->bounded)
    return pare_histogram_percentile (state->histogram, state->settings.percentile, range);
  if (!pare_extremes_range (&state->histogram->extremes, range))
    {
      *range = state->bounds;
      return TRUE;
    }
  if (state->histogram->extremes.finite && range->low < range->high)
    search (state, range);
  return TRUE;
}

PARE_OBSERVER (ifmr) = { "ifmr",        "Around percentiles, the ends of least squared error; reads the samples twice.",
                         ifmr_new,      ifmr_free,
                         ifmr_observe,  ifmr_range,
                         ifmr_next_pass };
