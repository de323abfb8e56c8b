/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A growing histogram: of every number while they are few, then of a share of them. */
#include "calibrate/histogram.h"
#include "graph/vectorize.h"
#include <math.h>
#include <omp.h>
#include <string.h>

/* Elements whose bins are computed at once, before the (scalar) counting. */
#define BLOCK 1024
/* Tables per thread: equal numbers in a row (zeros behind a ReLU) must not wait for each other's increments. Fewer
 * where these would not fit the nearest cache. */
#define TABLES 4
#define ROOM 16384
/* Numbers that a thread takes at once. */
#define CHUNK ((gsize)1 << 13)
/* So many numbers of a stream are all counted: the counts of sixteen million are as good as those of more. Of the
 * others one run in EVERY is, for all of them; which one changes from period to period, in step with nothing that has a
 * shape.
 */
#define SURE ((guint64)1 << 24)
#define RUN 16
#define EVERY_BITS 3
#define EVERY (1 << EVERY_BITS)
#define PERIOD (RUN * EVERY)
/* No bin is narrower than 2^-120 (below, everything quantizes to zero), nor than 2^-30 of the largest magnitude: then a
 * number divided by the width is exact in float, and so is the index of its bin. */
#define LEAST_EXPONENT -120
#define INDEX_BITS 30

PareHistogram *
pare_histogram_new (guint n)
{
  PareHistogram *histogram = g_new0 (PareHistogram, 1);

  histogram->n = n;
  histogram->reach = (PareRange){ -INFINITY, INFINITY };
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

/* The lowest and the highest number within reach. */
static PareRange
ends (const PareHistogram *histogram)
{
  const PareRange *reach = &histogram->reach;

  return (PareRange){ CLAMP (histogram->extremes.low, reach->low, reach->high),
                      CLAMP (histogram->extremes.high, reach->low, reach->high) };
}

/* The narrowest power of two with which n bins reach from @low to @high. It depends on nothing else. */
static double
fitting_width (const PareHistogram *histogram, double low, double high)
{
  double width;
  int exponent;

  frexp (MAX (fabs (low), fabs (high)), &exponent);
  width = ldexp (1, MAX (exponent - INDEX_BITS, LEAST_EXPONENT));
  while (floor (high / width) - floor (low / width) >= histogram->n)
    width *= 2;
  return width;
}

/* Makes the bins cover both ends: bin 0 holds the lowest number, and wider bins merge whole narrow ones. */
static void
cover (PareHistogram *histogram)
{
  PareRange covered = ends (histogram);
  double width = fitting_width (histogram, covered.low, covered.high), first = floor (covered.low / width);
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
find_bins (const float *data, gsize n, PareRange reach, float first, float scale, gint32 last, gint32 *bins)
{
  for (gsize i = 0; i < n; i++)
    {
      float raised = data[i] < reach.low ? reach.low : data[i], number = raised > reach.high ? reach.high : raised;
      gint32 bin = (gint32)(floorf (number * scale) - first);
      bins[i] = bin > last ? last : bin;
    }
}

/* Few numbers are not worth many tables, which have to be added up. */
static guint
n_tables (const PareHistogram *histogram, gsize numbers)
{
  return MIN (ROOM, numbers) / histogram->n >= TABLES ? TABLES : 1;
}

static void
count (const PareHistogram *histogram, const float *data, gsize n, guint32 *tables, guint together)
{
  float scale = (float)(1 / histogram->width), first = (float)(histogram->origin / histogram->width);
  guint bins = histogram->n;
  gint32 found[BLOCK];

  for (gsize at = 0; at < n; at += BLOCK)
    {
      gsize length = MIN (n - at, (gsize)BLOCK), i;
      find_bins (data + at, length, histogram->reach, first, scale, bins - 1, found);
      for (i = 0; together == TABLES && i + TABLES <= length; i += TABLES)
        for (guint t = 0; t < TABLES; t++)
          tables[t * bins + found[i + t]]++;
      for (; i < length; i++)
        tables[found[i]]++;
    }
}

/* Copies what counts of the numbers from place @from of the stream on, whose first is data[0]; returns how many. */
static gsize
draw (const float *data, guint64 from, gsize n, float *drawn)
{
  gsize length = 0;

  for (guint64 period = from / PERIOD; period * PERIOD < from + n; period++)
    {
      /* Knuth's multiplicative hash. */
      guint64 run = period * PERIOD + RUN * ((guint32)period * 2654435761u >> (32 - EVERY_BITS));
      guint64 start = MAX (run, from), end = MIN (run + RUN, from + n);
      if (start >= end)
        continue;
      memcpy (drawn + length, data + (start - from), (end - start) * sizeof *data);
      length += end - start;
    }
  return length;
}

PARE_VECTORIZED static void
add_table (guint64 *counts, const guint32 *table, guint n, guint every)
{
  for (guint i = 0; i < n; i++)
    counts[i] += (guint64)table[i] * every;
}

/* Counts @n numbers from place @from of the stream on: each, or those that are drawn, @every times. */
static void
count_stream (PareHistogram *histogram, const float *data, guint64 from, gsize n, guint every)
{
  gint64 chunks = (n + CHUNK - 1) / CHUNK;
  guint together = n_tables (histogram, n / every), size = together * histogram->n;
  guint64 counted = 0;

#pragma omp parallel reduction(+ : counted) if (chunks > 1)
  {
    g_autofree guint32 *tables = g_new0 (guint32, size);
    float drawn[CHUNK / EVERY + RUN];

#pragma omp for schedule(static)
    for (gint64 c = 0; c < chunks; c++)
      {
        const float *chunk = data + c * CHUNK;
        gsize length = MIN (CHUNK, n - c * CHUNK);
        if (every > 1)
          {
            length = draw (chunk, from + c * CHUNK, length, drawn);
            chunk = drawn;
          }
        count (histogram, chunk, length, tables, together);
        counted += length;
      }
#pragma omp critical(pare_histogram)
    for (guint at = 0; at < size; at += histogram->n)
      add_table (histogram->counts, tables + at, histogram->n, every);
  }
  histogram->total += every * counted;
}

gboolean
pare_histogram_add (PareHistogram *histogram, const float *data, gsize n)
{
  gsize sure = MIN (n, SURE - MIN (SURE, histogram->seen));

  if (!pare_extremes_update (&histogram->extremes, data, n))
    return FALSE;
  if (n == 0)
    return TRUE;
  cover (histogram);
  if (sure)
    count_stream (histogram, data, histogram->seen, sure, 1);
  if (sure < n)
    count_stream (histogram, data + sure, histogram->seen + sure, n - sure, EVERY);
  histogram->seen += n;
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
