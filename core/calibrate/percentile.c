/* SPDX-License-Identifier: LGPL-2.1-or-later
 * percentile: from a histogram, the range that all but a given share of the numbers lie below, and likewise above. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"

typedef struct
{
  PareHistogram *histogram;
  double percentile;
} State;

static gpointer
percentile_new (const PareObserverSettings *settings)
{
  State *state = g_new (State, 1);

  state->histogram = pare_histogram_new (MAX (settings->bins, 2));
  state->percentile = settings->percentile;
  return state;
}

static void
percentile_free (gpointer data)
{
  State *state = data;

  pare_histogram_free (state->histogram);
  g_free (state);
}

static gboolean
percentile_observe (gpointer state, const float *data, gsize n)
{
  return pare_histogram_add (((State *)state)->histogram, data, n);
}

static gboolean
percentile_range (gpointer data, PareRange *range)
{
  const State *state = data;

  return pare_histogram_percentile (state->histogram, state->percentile, range);
}

PARE_OBSERVER (percentile) = { "percentile",       "The range without a given share of the numbers at either end.",
                               percentile_new,     percentile_free,
                               percentile_observe, percentile_range };
