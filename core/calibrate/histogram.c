/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A growing histogram of exact counts. */
#include "calibrate/histogram.h"
#include "graph/vectorize.h"
#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* Elements whose bins are computed at once, before the (scalar) counting. */
#define BLOCK 1024
/* Tables per thread: equal numbers in a row (zeros behind a ReLU) must not wait for each other's increments. */
#define TABLES 4

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

/* Merges bins in pairs. Downwards: the covered range grows to the left. */
static void
grow (PareHistogram *histogram, gboolean downwards)
{
  guint half = histogram->n / 2;
  g_autofree guint64 *counts = g_new0 (guint64, histogram->n);

  for (guint i = 0; i < half; i++)
    counts[i + (downwards ? half : 0)] = histogram->counts[2 * i] + histogram->counts[2 * i + 1];
  memcpy (histogram->counts, counts, histogram->n * sizeof *counts);
  if (downwards)
    histogram->origin -= histogram->n * histogram->width;
  histogram->width *= 2;
}

static void
cover (PareHistogram *histogram, double low, double high)
{
  if (histogram->width == 0)
    {
      double span = MAX (high - low, MAX (fabs (low), fabs (high)) * FLT_EPSILON);
      histogram->origin = low;
      /* A little wider, so that the highest number falls inside. */
      histogram->width = MAX (span, FLT_MIN) / histogram->n * (1 + 1e-6);
    }
  while (low < histogram->origin)
    grow (histogram, TRUE);
  while (high >= histogram->origin + histogram->n * histogram->width)
    grow (histogram, FALSE);
}

PARE_VECTORIZED static void
find_bins (const float *data, gsize n, float origin, float scale, gint32 last, gint32 *bins)
{
  for (gsize i = 0; i < n; i++)
    {
      gint32 bin = (gint32) ((data[i] - origin) * scale);
      bin = bin < 0 ? 0 : bin;
      bins[i] = bin > last ? last : bin;
    }
}

static void
count (const PareHistogram *histogram, const float *data, gsize n, guint32 *tables)
{
  float scale = (float) (1 / histogram->width), origin = (float) histogram->origin;
  guint bins = histogram->n;
  gint32 found[BLOCK];

  for (gsize at = 0; at < n; at += BLOCK)
    {
      gsize length = MIN (n - at, (gsize) BLOCK), i;
      find_bins (data + at, length, origin, scale, bins - 1, found);
      for (i = 0; i + TABLES <= length; i += TABLES)
        for (guint t = 0; t < TABLES; t++)
          tables[t * bins + found[i + t]]++;
      for (; i < length; i++)
        tables[found[i]]++;
    }
}

void
pare_histogram_add (PareHistogram *histogram, const float *data, gsize n)
{
  gsize chunk = (gsize) 1 << 16;
  gint64 chunks = (n + chunk - 1) / chunk;

  if (n == 0)
    return;
  pare_extremes_update (&histogram->extremes, data, n);
  if (!histogram->extremes.finite)
    return;
  cover (histogram, histogram->extremes.low, histogram->extremes.high);
#pragma omp parallel if (chunks > 1)
  {
    g_autofree guint32 *tables = g_new0 (guint32, TABLES * histogram->n);

#pragma omp for schedule(static)
    for (gint64 c = 0; c < chunks; c++)
      count (histogram, data + c * chunk, MIN (chunk, n - c * chunk), tables);
#pragma omp critical(pare_histogram)
    for (guint t = 0; t < TABLES; t++)
      for (guint i = 0; i < histogram->n; i++)
        histogram->counts[i] += tables[t * histogram->n + i];
  }
  histogram->total += n;
}
