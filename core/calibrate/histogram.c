/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A growing histogram of exact counts. */
#include "calibrate/histogram.h"
#include "graph/vectorize.h"
#include <math.h>
#include <omp.h>
#include <string.h>

/* Elements whose bins are computed at once, before the (scalar) counting. */
#define BLOCK 1024
/* Tables per thread: equal numbers in a row (zeros behind a ReLU) must not wait for each other's increments. Fewer
 * where these would not fit the nearest cache. */
#define MOST_TABLES 4
#define ROOM 16384
/* Numbers that a thread takes at once. */
#define CHUNK ((gsize)1 << 13)
/* No bin is narrower than 2^-120 (below, everything quantizes to zero), nor than 2^-30 of the largest magnitude: then a
 * number divided by the width is exact in float, and so is the index of its bin. */
#define LEAST_EXPONENT -120
#define INDEX_BITS 30

PareHistogram *
pare_histogram_new (guint n)
{
  PareHistogram *histogram = g_new0 (PareHistogram, 1);

  histogram->n = n;
  histogram->counts = g_new0 (guint64, n);
  pare_extremes_init (&histogram->extremes);
  return histogram;
}

void
pare_histogram_free (PareHistogram *histogram)
{
  g_free (histogram->counts);
  g_free (histogram);
}

/* The narrowest power of two with which n bins reach from the lowest to the highest number. It depends on nothing else.
 */
static double
fitting_width (const PareHistogram *histogram)
{
  double low = histogram->extremes.low, high = histogram->extremes.high, width;
  int exponent;

  frexp (MAX (fabs (low), fabs (high)), &exponent);
  width = ldexp (1, MAX (exponent - INDEX_BITS, LEAST_EXPONENT));
  while (floor (high / width) - floor (low / width) >= histogram->n)
    width *= 2;
  return width;
}

/* Makes the bins cover the extremes: bin 0 holds the lowest number, and wider bins merge whole narrow ones. */
static void
cover (PareHistogram *histogram)
{
  double width = fitting_width (histogram), first = floor (histogram->extremes.low / width);
  g_autofree guint64 *counts = NULL;

  if (width == histogram->width && first * width == histogram->origin)
    return;
  counts = g_new0 (guint64, histogram->n);
  for (guint i = 0; i < histogram->n; i++)
    if (histogram->counts[i])
      counts[(guint)(floor ((histogram->origin + i * histogram->width) / width) - first)] += histogram->counts[i];
  memcpy (histogram->counts, counts, histogram->n * sizeof *counts);
  histogram->width = width;
  histogram->origin = first * width;
}

/* @first: index of bin 0, a whole number. Every step is exact, but where a negative number underflows to zero, which
 * could lie one beyond the last bin. */
PARE_VECTORIZED static void
find_bins (const float *data, gsize n, float first, float scale, gint32 last, gint32 *bins)
{
  for (gsize i = 0; i < n; i++)
    {
      gint32 bin = (gint32)(floorf (data[i] * scale) - first);
      bins[i] = bin > last ? last : bin;
    }
}

static guint
n_tables (const PareHistogram *histogram)
{
  return CLAMP (ROOM / histogram->n, 1, MOST_TABLES);
}

static void
count (const PareHistogram *histogram, const float *data, gsize n, guint32 *tables)
{
  float scale = (float)(1 / histogram->width), first = (float)(histogram->origin / histogram->width);
  guint bins = histogram->n, together = n_tables (histogram);
  gint32 found[BLOCK];

  for (gsize at = 0; at < n; at += BLOCK)
    {
      gsize length = MIN (n - at, (gsize)BLOCK), i;
      find_bins (data + at, length, first, scale, bins - 1, found);
      for (i = 0; i + together <= length; i += together)
        for (guint t = 0; t < together; t++)
          tables[t * bins + found[i + t]]++;
      for (; i < length; i++)
        tables[found[i]]++;
    }
}

gboolean
pare_histogram_add (PareHistogram *histogram, const float *data, gsize n)
{
  gint64 chunks = (n + CHUNK - 1) / CHUNK;
  guint size = n_tables (histogram) * histogram->n;

  if (!pare_extremes_update (&histogram->extremes, data, n))
    return FALSE;
  if (n == 0)
    return TRUE;
  cover (histogram);
#pragma omp parallel if (chunks > 1)
  {
    g_autofree guint32 *tables = g_new0 (guint32, size);

#pragma omp for schedule(static)
    for (gint64 c = 0; c < chunks; c++)
      count (histogram, data + c * CHUNK, MIN (CHUNK, n - c * CHUNK), tables);
#pragma omp critical(pare_histogram)
    for (guint at = 0; at < size; at += histogram->n)
      for (guint i = 0; i < histogram->n; i++)
        histogram->counts[i] += tables[at + i];
  }
  histogram->total += n;
  return TRUE;
}

/* Where the number is that has @rank - 1 others on its lower (@up) or upper side. */
static double
place_of (const PareHistogram *histogram, guint64 rank, gboolean up)
{
  guint64 passed = 0;
  guint i = 0;

#define COUNT(i) histogram->counts[up ? i : histogram->n - 1 - i]
  while (passed + COUNT (i) < rank)
    passed += COUNT (i++);
  double place = i + (double)(rank - 1 - passed) / COUNT (i);
#undef COUNT
  return histogram->origin + (up ? place : histogram->n - place) * histogram->width;
}

gboolean
pare_histogram_percentile (const PareHistogram *histogram, double percentile, PareRange *range)
{
  double inside = floor (histogram->total * CLAMP (percentile, 50, 100) / 100);
  guint64 rank = MAX (histogram->total - (guint64)MIN (inside, (double)histogram->total), 1);

  if (!pare_extremes_range (&histogram->extremes, range))
    return FALSE;
  /* The extremes are known exactly. */
  if (!histogram->extremes.finite || rank == 1)
    return TRUE;
  range->low = MAX (range->low, (float)place_of (histogram, rank, TRUE));
  range->high = MIN (range->high, (float)place_of (histogram, rank, FALSE));
  return TRUE;
}
