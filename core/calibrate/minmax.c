/* SPDX-License-Identifier: LGPL-2.1-or-later
 * minmax: the range is from the lowest to the highest number seen. */
#include "calibrate/extremes.h"
#include "calibrate/observer.h"

static gpointer
minmax_new (const PareObserverSettings *settings)
{
  PareExtremes *extremes = g_new (PareExtremes, 1);

  pare_extremes_init (extremes);
  return extremes;
}

static gboolean
minmax_observe (gpointer state, const float *data, gsize n)
{
  return pare_extremes_update (state, data, n);
}

static gboolean
minmax_range (gpointer state, PareRange *range)
{
  return pare_extremes_range (state, range);
}

PARE_OBSERVER (minmax)
    = { "minmax",    "The range is from the lowest to the highest number seen.", minmax_new, g_free, minmax_observe,
        minmax_range };
