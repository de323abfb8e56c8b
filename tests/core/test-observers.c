/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Observers: known numbers, a slow reference of hfmg, and how the stream came in does not matter. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include "exec/executor.h"
#include <math.h>
#include <string.h>

/* Feeds @n numbers in pieces of @piece. */
static gboolean
observe (const char *name, guint bins, guint bits, const float *data, gsize n, gsize piece, PareRange *range)
{
  const PareObserver *observer = pare_observer_find (name, NULL);
  PareObserverSettings settings = { .bins = bins, .bits = bits };
  gpointer state;
  gboolean found, finite = TRUE;

  g_assert_nonnull (observer);
  state = observer->state_new (&settings);
  for (gsize i = 0; i < n; i += piece)
    {
      for (gsize k = i; k < MIN (i + piece, n); k++)
        finite = finite && isfinite (data[k]);
      g_assert_cmpint (observer->observe (state, data + i, MIN (piece, n - i)), ==, finite);
    }
  found = observer->range (state, range);
  observer->state_free (state);
  return found;
}

static void
assert_range (const char *name, const float *data, gsize n, float low, float high)
{
  PareRange range;

  g_assert_true (observe (name, 256, 8, data, n, n, &range));
  g_assert_cmpfloat (range.low, ==, low);
  g_assert_cmpfloat (range.high, ==, high);
}

static const char *const names[] = { "minmax", "hfmg" };

static void
test_minmax_is_the_extremes (void)
{
  assert_range ("minmax", (float[]){ 0.5f, -3, 7, 0 }, 4, -3, 7);
}

static void
test_nothing_seen_is_no_range (void)
{
  PareRange range;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_false (observe (names[i], 256, 8, NULL, 0, 1, &range));
}

static void
test_single_values_keep_their_place (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const float values[] = { 0, 5, -5, 1e38f, -1e38f, 1e-38f, -1e-38f, 1e-45f };
      for (guint k = 0; k < G_N_ELEMENTS (values); k++)
        {
          const float repeated[] = { values[k], values[k], values[k] };
          assert_range (names[i], repeated, 1, values[k], values[k]);
          assert_range (names[i], repeated, 3, values[k], values[k]);
        }
    }
}

/* Evenly spread numbers are best quantized over all of their range. */
static void
test_even_spread_is_not_clipped (void)
{
  const float offsets[] = { 0, -1, -0.5f }, factors[] = { 1, 1e-30f, 1e38f };
  float data[1000];

  for (guint i = 0; i < G_N_ELEMENTS (offsets) * G_N_ELEMENTS (factors); i++)
    {
      float offset = offsets[i % 3], factor = factors[i / 3];
      for (guint k = 0; k < G_N_ELEMENTS (data); k++)
        data[k] = (k / 999.f + offset) * factor;
      assert_range ("hfmg", data, G_N_ELEMENTS (data), data[0], data[999]);
    }
}

static void
test_not_finite_is_no_number (void)
{
  const float odd[] = { NAN, INFINITY, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (names) * G_N_ELEMENTS (odd); i++)
    for (guint place = 0; place < 3; place++)
      {
        float data[] = { 1, 2, 3 };
        PareRange range = { 0, 0 };
        data[place] = odd[i / 2];
        g_assert_true (observe (names[i % 2], 256, 8, data, 3, 1, &range));
        g_assert_true (isnan (range.low) && isnan (range.high));
      }
}

/* Many zeros, a bell, and a few numbers far out. */
static void
fill_bell (float *data, guint n, guint seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n; i++)
    {
      double sum = -6;
      for (guint k = 0; k < 12; k++)
        sum += g_rand_double (random);
      data[i] = i % 3 == 0 ? 0 : i % 1000 == 1 ? 10 * sum : sum;
    }
}

#define BELL 300000

/* The order, the pieces and the number of threads do not matter, to the last bit. */
static void
test_stream_may_be_cut_anywhere (void)
{
  const gsize pieces[] = { BELL, 1, 1000, 65537 };
  g_autofree float *data = g_new (float, BELL);
  PareRange ranges[G_N_ELEMENTS (pieces) + 1];

  fill_bell (data, BELL, 3);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    g_assert_true (observe ("hfmg", 512, 8, data, BELL, pieces[i], &ranges[i]));
  for (guint i = 0; i < BELL / 2; i++)
    {
      float x = data[i];
      data[i] = data[BELL - 1 - i];
      data[BELL - 1 - i] = x;
    }
  g_assert_true (observe ("hfmg", 512, 8, data, BELL, 777, &ranges[G_N_ELEMENTS (pieces)]));
  for (guint i = 1; i <= G_N_ELEMENTS (pieces); i++)
    g_assert_cmpmem (&ranges[i], sizeof *ranges, &ranges[0], sizeof *ranges);
}

/* Every number is in the bin whose bounds hold it. */
static void
test_histogram_counts_exactly (void)
{
  g_autofree float *data = g_new (float, BELL);
  PareHistogram *histogram = pare_histogram_new (300);
  g_autofree guint64 *counts = g_new0 (guint64, 300);

  fill_bell (data, BELL, 4);
  for (guint i = 0; i < BELL; i += 999)
    pare_histogram_add (histogram, data + i, MIN (999, BELL - i));
  for (guint i = 0; i < BELL; i++)
    {
      double bin = floor ((data[i] - histogram->origin) / histogram->width);
      g_assert_true (bin >= 0 && bin < 300);
      counts[(guint)bin]++;
    }
  g_assert_cmpuint (histogram->total, ==, BELL);
  g_assert_cmpmem (histogram->counts, 300 * sizeof *counts, counts, 300 * sizeof *counts);
  /* Narrower bins would not reach. */
  g_assert_cmpfloat ((histogram->extremes.high - histogram->extremes.low) / histogram->width, >, 298 / 2.);
  pare_histogram_free (histogram);
}

/* The description of hfmg, done slowly. */

#define BINS 64
#define LEVELS 16

static double
slow_error (const guint64 *counts, int start, int end)
{
  double step = (double)(end - start) / LEVELS, error = 0;

  for (int i = 0; i < BINS; i++)
    for (int j = 0; j < LEVELS; j++)
      {
        double a = MAX (i, j == 0 ? -1e9 : start + j * step);
        double b = MIN (i + 1, j == LEVELS - 1 ? 1e9 : start + (j + 1) * step), centre = start + (j + 0.5) * step;
        if (a < b)
          error += counts[i] * (pow (b - centre, 3) - pow (a - centre, 3)) / 3;
      }
  return error;
}

static void
slow_hfmg (const guint64 *counts, int end, int *best_start, int *best_end)
{
  guint64 sums[BINS + 1] = { 0 }, share, low_share, high_share;
  int start = 0, least_length = (end + 3) / 4;
  double least = slow_error (counts, 0, end);

  for (int i = 0; i < BINS; i++)
    sums[i + 1] = sums[i] + counts[i];
  low_share = high_share = share = MAX ((sums[BINS] + 99999) / 100000, 1);
  *best_start = 0;
  *best_end = end;
  while (end - start > least_length && low_share <= sums[BINS] && high_share <= sums[BINS])
    {
      int next_start = start, next_end = end;
      while (next_start < end && sums[next_start + 1] <= low_share)
        next_start++;
      while (next_end > start && sums[BINS] - sums[next_end - 1] <= high_share)
        next_end--;
      if (next_start - start > end - next_end)
        {
          start = next_start;
          low_share += share;
        }
      else if (next_end < end)
        {
          end = next_end;
          high_share += share;
        }
      else
        {
          low_share += share;
          high_share += share;
          continue;
        }
      if (start < end && slow_error (counts, start, end) < least)
        {
          least = slow_error (counts, start, end);
          *best_start = start;
          *best_end = end;
        }
    }
}

/* Numbers of [0, 1) in 64 bins: bin i is [i / 64, (i + 1) / 64). */
static void
test_hfmg_finds_the_least_error (void)
{
  enum
  {
    N = 20000
  };
  guint clipped = 0;

  for (guint seed = 0; seed < 8; seed++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      g_autofree float *data = g_new (float, N);
      guint64 counts[BINS] = { 0 };
      PareRange range;
      int start, end;

      for (guint i = 0; i < N; i++)
        {
          double x = pow (g_rand_double (random), 2 + seed);
          data[i] = (float)((seed & 1 ? x : 0.5 + (i & 1 ? x : -x) / 2) * 0.999);
        }
      data[0] = 0;
      data[1] = 0.999f;
      for (guint i = 0; i < N; i++)
        counts[(guint)(data[i] * 64)]++;
      slow_hfmg (counts, BINS, &start, &end);
      clipped += end - start < BINS;
      g_assert_true (observe ("hfmg", BINS, 4, data, N, 100, &range));
      g_assert_cmpfloat (range.low, ==, start / 64.f);
      g_assert_cmpfloat (range.high, ==, MIN (end / 64.f, 0.999f));
    }
  /* Else the test would say nothing. */
  g_assert_cmpuint (clipped, >=, 4);
}

static void
test_outliers_are_clipped (void)
{
  g_autofree float *data = g_new (float, BELL);
  PareRange range;

  fill_bell (data, BELL, 5);
  data[BELL / 2] = 100;
  g_assert_true (observe ("hfmg", 2048, 8, data, BELL, 4096, &range));
  g_assert_cmpfloat (range.high, <, 90);
  g_assert_cmpfloat (range.high, >, 3);
}

static void
test_unknown_algorithm_names_the_nearest (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pare_observer_find ("minmix", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'minmax'"));
}

#define ADD(name) g_test_add_func ("/observers/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (minmax_is_the_extremes);
  ADD (nothing_seen_is_no_range);
  ADD (single_values_keep_their_place);
  ADD (even_spread_is_not_clipped);
  ADD (not_finite_is_no_number);
  ADD (stream_may_be_cut_anywhere);
  ADD (histogram_counts_exactly);
  ADD (hfmg_finds_the_least_error);
  ADD (outliers_are_clipped);
  ADD (unknown_algorithm_names_the_nearest);
  return g_test_run ();
}
