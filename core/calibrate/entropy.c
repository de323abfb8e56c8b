/* SPDX-License-Identifier: LGPL-2.1-or-later
 * entropy: the threshold at which a clipped histogram and its quantized form differ least in the sense of Kullback and
 * Leibler, as in TensorRT and MXNet.
 *
 * A threshold T gives the range [-T, T] cut to what was seen. P is the histogram inside, with what lies beyond added to
 * its outermost bins; Q the histogram inside, merged into 2^bits levels and spread again over the bins of each level
 * that P has something in; the score is sum P log (P / Q). Zeros, which every quantizer keeps exactly, speak for no
 * threshold: the bin of zero counts like the larger of its neighbours, else a ReLU's zeros drown the rest. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include <math.h>

/* Thresholds that are tried. */
#define CANDIDATES 256
/* Counts of a level in which only P has something. */
#define SMALLEST 1e-4

typedef struct
{
  PareHistogram *histogram;
  guint bits;
} State;

/* Running sums over the bins before each: of counts, of count log count, of bins that are not empty. */
typedef struct
{
  guint n;
  gint64 zero; /* bin of zero; may lie outside */
  guint64 *counts;
  guint64 *total;
  double *information;
  guint *occupied;
} Sums;

static gpointer
entropy_new (const PareObserverSettings *settings)
{
  State *state = g_new (State, 1);

  state->histogram = pare_histogram_new (MAX (settings->bins, 2));
  state->bits = CLAMP (settings->bits, 1, 16);
  return state;
}

static void
entropy_free (gpointer data)
{
  State *state = data;

  pare_histogram_free (state->histogram);
  g_free (state);
}

static gboolean
entropy_observe (gpointer state, const float *data, gsize n)
{
  return pare_histogram_add (((State *)state)->histogram, data, n);
}

static double
information (double count)
{
  return count > 0 ? count * log (count) : 0;
}

static void
sums_init (Sums *sums, const PareHistogram *histogram)
{
  guint n = histogram->n;
  gint64 zero = llrint (-histogram->origin / histogram->width);

  while (!histogram->counts[n - 1])
    n--;
  *sums = (Sums){ n,
                  zero,
                  g_memdup2 (histogram->counts, n * sizeof (guint64)),
                  g_new0 (guint64, n + 1),
                  g_new0 (double, n + 1),
                  g_new0 (guint, n + 1) };
  if (zero >= 0 && zero < n)
    {
      guint64 before = zero > 0 ? sums->counts[zero - 1] : 0, after = zero + 1 < n ? sums->counts[zero + 1] : 0;
      sums->counts[zero] = MIN (sums->counts[zero], MAX (MAX (before, after), 1));
    }
  for (guint i = 0; i < n; i++)
    {
      sums->total[i + 1] = sums->total[i] + sums->counts[i];
      sums->information[i + 1] = sums->information[i] + information (sums->counts[i]);
      sums->occupied[i + 1] = sums->occupied[i] + (sums->counts[i] > 0);
    }
}

static void
sums_clear (Sums *sums)
{
  g_free (sums->counts);
  g_free (sums->total);
  g_free (sums->information);
  g_free (sums->occupied);
}

/* The divergence for bins [start, end), which hold something or are next to what was seen. */
static double
divergence (const Sums *sums, gint64 start, gint64 end, guint levels)
{
  gint64 first = MAX (start, 0), last = MIN (end, sums->n) - 1; /* bins beyond hold nothing */
  double below = sums->total[first], above = sums->total[sums->n] - sums->total[last + 1];
  double inside = sums->total[last + 1] - sums->total[first], all = sums->total[sums->n];
  double own = sums->information[last + 1] - sums->information[first], cross = 0;

  if (!(inside > 0))
    return INFINITY;
  /* What is beyond changes the outermost bins of P alone. */
  if (first == last)
    own = information (all);
  else
    own += information (sums->counts[first] + below) - information (sums->counts[first])
           + information (sums->counts[last] + above) - information (sums->counts[last]);
  for (guint j = 0; j < levels; j++)
    {
      gint64 from = start + (end - start) * j / levels, to = start + (end - start) * (j + 1) / levels;
      from = MAX (from, first);
      to = MIN (to, last + 1);
      if (from >= to)
        continue;
      double merged = sums->total[to] - sums->total[from], clipped = merged;
      guint bins = sums->occupied[to] - sums->occupied[from];
      if (from == first)
        {
          clipped += below;
          bins += below > 0 && sums->counts[first] == 0;
        }
      if (to == last + 1)
        {
          clipped += above;
          bins += above > 0 && sums->counts[last] == 0 && !(first == last && below > 0);
        }
      if (clipped > 0)
        cross += clipped * log (MAX (merged, SMALLEST) / bins);
    }
  /* sum p/all log ((p / all) / (q / inside)) */
  return (own - cross) / all + log (inside / all);
}

/* The bins of threshold @t bins, with zero in them. */
static void
bins_within (const Sums *sums, gint64 t, gint64 *start, gint64 *end)
{
  *start = MIN (MAX (sums->zero - t, 0), sums->zero);
  *end = MAX (MIN (sums->zero + t, sums->n), sums->zero);
}

static gboolean
entropy_range (gpointer data, PareRange *range)
{
  const State *state = data;
  const PareHistogram *histogram = state->histogram;
  gint64 start, end, widest, stride, best;
  guint levels = 1u << state->bits;
  double least, threshold;
  Sums sums;

  if (!pare_extremes_range (&histogram->extremes, range))
    return FALSE;
  if (!histogram->extremes.finite || range->low == range->high)
    return TRUE;
  sums_init (&sums, histogram);
  widest = MAX (sums.zero, sums.n - sums.zero);
  stride = (widest + CANDIDATES - 1) / CANDIDATES;
  best = widest;
  bins_within (&sums, widest, &start, &end);
  least = divergence (&sums, start, end, levels);
  for (gint64 t = widest - stride; t > 0; t -= stride)
    {
      bins_within (&sums, t, &start, &end);
      /* Fewer bins than levels would be quantized without a loss, whatever is cut off. */
      if (end - start < levels || end <= 0 || start >= sums.n)
        break;
      double score = divergence (&sums, start, end, levels);
      if (score < least)
        {
          least = score;
          best = t;
        }
    }
  sums_clear (&sums);
  threshold = best * histogram->width;
  if (best == widest)
    return TRUE;
  range->low = MAX (range->low, (float)-threshold);
  range->high = MIN (range->high, (float)threshold);
  return TRUE;
}

PARE_OBSERVER (entropy) = { "entropy",       "From a histogram, the threshold that keeps most of the information.",
                            entropy_new,     entropy_free,
                            entropy_observe, entropy_range };
