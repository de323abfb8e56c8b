/* SPDX-License-Identifier: LGPL-2.1-or-later
 * mse: from a histogram, the range whose quantizer has the least squared error, both ends being searched.
 *
 * Unlike hfmg's walk, which trades one end for the other on a single path, all pairs of a geometric grid of ends are
 * scored, and the best pair's surroundings again with smaller factors. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include "calibrate/quantization-error.h"
#include <math.h>

#define FACTOR 0.8
#define FACTORS 20 /* down to a hundredth of the extreme */
#define REFINEMENTS 5

typedef struct
{
  PareHistogram *histogram;
  guint bits;
} State;

/* Ends as powers of FACTOR times the extremes. */
typedef struct
{
  const PareQuantizationError *error;
  const PareRange *extremes;
  guint bits;
  double low, high;
  double least;
} Search;

static gpointer
mse_new (const PareObserverSettings *settings)
{
  State *state = g_new (State, 1);

  state->histogram = pare_histogram_new (MAX (settings->bins, 2));
  state->bits = CLAMP (settings->bits, 1, 16);
  return state;
}

static void
mse_free (gpointer data)
{
  State *state = data;

  pare_histogram_free (state->histogram);
  g_free (state);
}

static gboolean
mse_observe (gpointer state, const float *data, gsize n)
{
  return pare_histogram_add (((State *)state)->histogram, data, n);
}

/* Scores the pairs (low + i step, high + j step), i and j from @from to @to; an end that is zero has nothing to search.
 */
static void
search_around (Search *search, double step, int from, int to)
{
  double low = search->low, high = search->high;
  gboolean negative = search->extremes->low<0, positive = search->extremes->high> 0;

  for (int i = negative ? from : 0; i <= (negative ? to : 0); i++)
    for (int j = positive ? from : 0; j <= (positive ? to : 0); j++)
      {
        double a = MAX (low + i * step, 0), b = MAX (high + j * step, 0);
        double error = pare_quantization_error_of_range (search->error, search->extremes->low * pow (FACTOR, a),
                                                         search->extremes->high * pow (FACTOR, b), search->bits);
        if (error >= search->least)
          continue;
        search->least = error;
        search->low = a;
        search->high = b;
      }
}

static gboolean
mse_range (gpointer data, PareRange *range)
{
  const State *state = data;
  const PareHistogram *histogram = state->histogram;
  g_autoptr (PareQuantizationError) error = NULL;
  PareRange extremes;
  Search search;

  if (!pare_extremes_range (&histogram->extremes, range))
    return FALSE;
  if (!histogram->extremes.finite || range->low == range->high)
    return TRUE;
  error = pare_quantization_error_new (histogram);
  extremes = *range;
  search = (Search){ error, &extremes, state->bits, 0, 0, INFINITY };
  search_around (&search, 1, 0, FACTORS);
  for (guint k = 1; k <= REFINEMENTS; k++)
    search_around (&search, ldexp (1, -(int)k), -1, 1);
  if (extremes.low < 0)
    range->low = extremes.low * pow (FACTOR, search.low);
  if (extremes.high > 0)
    range->high = MAX (extremes.high * pow (FACTOR, search.high), range->low);
  return TRUE;
}

PARE_OBSERVER (mse) = { "mse",       "From a histogram, the least squared error among ranges with any two ends.",
                        mse_new,     mse_free,
                        mse_observe, mse_range };
