/* SPDX-License-Identifier: LGPL-2.1-or-later
 * hfmg: from a histogram, the range whose uniform quantization has the least squared error.
 *
 * Both ends move inwards by equal shares of the counts, at each step on the side where a share spans more bins; every
 * range on the way is scored with the expected squared error of 2^bits equal steps over it, zero included, the numbers
 * being spread evenly within their bins. (AMCT's HFMG; the same walk as in PyTorch's HistogramObserver.) */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include "calibrate/quantization-error.h"
#include <math.h>

/* The walk goes in this many shares of all counts. */
#define SHARES 100000

typedef struct
{
  PareHistogram *histogram;
  guint bits;
} State;

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

/* The quantizer's range is [start, end) with zero. */
static double
score (const PareQuantizationError *error, const PareHistogram *histogram, guint start, guint end, guint levels)
{
  double zero = -histogram->origin / histogram->width;

  return pare_quantization_error_of_cells (error, MIN (start, zero), MAX (end, zero), levels);
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
  g_autoptr (PareQuantizationError) moments = NULL;

  if (!pare_extremes_range (&histogram->extremes, range) || !histogram->extremes.finite)
    return !histogram->extremes.finite;
  while (!histogram->counts[end - 1])
    end--;
  best_start = start;
  best_end = end;
  quarter = (end - start + 3) / 4;
  moments = pare_quantization_error_new (histogram);
  least = score (moments, histogram, start, end, 1u << state->bits);
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
      double error = score (moments, histogram, start, end, 1u << state->bits);
      if (error < least)
        {
          least = error;
          best_start = start;
          best_end = end;
        }
    }
  range->low = MAX (range->low, (float)(histogram->origin + best_start * histogram->width));
  range->high = MIN (range->high, (float)(histogram->origin + best_end * histogram->width));
  return TRUE;
}

PARE_OBSERVER (hfmg) = { "hfmg",       "From a histogram, the range whose quantization has the least squared error.",
                         hfmg_new,     hfmg_free,
                         hfmg_observe, hfmg_range };
