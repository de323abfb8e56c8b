/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Observers: known numbers, slow references on the raw numbers, and how the stream came in does not matter. */
#include "calibrate/histogram.h"
#include "calibrate/observer.h"
#include "exec/executor.h"
#include <math.h>
#include <string.h>

/* Feeds @n numbers in pieces of @piece, as often as the observer wants them. */
static gboolean
observe (const char *name, guint bins, guint bits, const float *data, gsize n, gsize piece, PareRange *range)
{
  const PareObserver *observer = pare_observer_find (name, NULL);
  PareObserverSettings settings = { bins, bits, 99, 0.5, 0.7, 1.3, 0.01 };
  gpointer state;
  gboolean found, finite = TRUE;

  g_assert_nonnull (observer);
  state = observer->state_new (&settings);
  for (guint pass = 0; pass < (observer->next_pass ? 2 : 1); pass++)
    {
      if (pass)
        observer->next_pass (state);
      for (gsize i = 0; i < n; i += piece)
        {
          for (gsize k = i; k < MIN (i + piece, n); k++)
            finite = finite && isfinite (data[k]);
          g_assert_cmpint (observer->observe (state, data + i, MIN (piece, n - i)), ==, finite);
        }
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

static const char *const names[] = { "minmax", "hfmg", "moving-average", "percentile", "entropy", "mse", "ifmr" };

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
        data[place] = odd[i % 3];
        g_assert_true (observe (names[i / 3], 256, 8, data, 3, 1, &range));
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
test_stream_may_be_cut_anywhere (gconstpointer name)
{
  const gsize pieces[] = { BELL, 7, 1000, 65537 };
  g_autofree float *data = g_new (float, BELL);
  PareRange ranges[G_N_ELEMENTS (pieces) + 1];

  fill_bell (data, BELL, 3);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    g_assert_true (observe (name, 512, 8, data, BELL, pieces[i], &ranges[i]));
  for (guint i = 0; i < BELL / 2; i++)
    {
      float x = data[i];
      data[i] = data[BELL - 1 - i];
      data[BELL - 1 - i] = x;
    }
  g_assert_true (observe (name, 512, 8, data, BELL, 777, &ranges[G_N_ELEMENTS (pieces)]));
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

/* A stream of the numbers 0 .. @size - 1 again and again, as long as it takes that most are not looked at: what counts
 * is an eighth, drawn evenly from all places of an image or a row, however the stream is cut. */
static void
test_long_streams_are_counted_evenly (gconstpointer user_data)
{
  const gsize pieces[] = { G_MAXSIZE, 99991 };
  guint size = GPOINTER_TO_UINT (user_data), sure = 1 << 24, cycles = 4096, n = sure + cycles * size;
  g_autofree float *data = g_new (float, n);
  PareHistogram *histograms[2];

  for (guint i = 0; i < n; i++)
    data[i] = i % size;
  for (guint k = 0; k < 2; k++)
    {
      histograms[k] = pare_histogram_new (size);
      for (gsize i = 0; i < n; i += MIN (pieces[k], n - i))
        pare_histogram_add (histograms[k], data + i, MIN (pieces[k], n - i));
    }
  g_assert_cmpfloat (histograms[0]->width, ==, 1);
  g_assert_cmpuint (histograms[0]->seen, ==, n);
  g_assert_cmpfloat (fabs ((double)histograms[0]->total / n - 1), <, 0.001);
  for (guint i = 0; i < size; i++)
    g_assert_cmpfloat (fabs ((double)histograms[0]->counts[i] - sure / size - cycles), <, 0.05 * cycles + 1);
  g_assert_cmpmem (histograms[0]->counts, size * sizeof (guint64), histograms[1]->counts, size * sizeof (guint64));
  pare_histogram_free (histograms[0]);
  pare_histogram_free (histograms[1]);
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
slow_hfmg (const guint64 *counts, int zero, int *best_start, int *best_end)
{
  guint64 sums[BINS + 1] = { 0 }, share, low_share, high_share;
  int start = 0, end = BINS, least_length = BINS / 4;
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
      if (start < end && slow_error (counts, MIN (start, zero), MAX (end, zero)) < least)
        {
          least = slow_error (counts, MIN (start, zero), MAX (end, zero));
          *best_start = start;
          *best_end = end;
        }
    }
}

/* Numbers of [0, 1) or [-0.5, 0.5) in 64 bins of 1/64. */
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
      int start, end, zero = seed % 3 ? 0 : 32;

      for (guint i = 0; i < N; i++)
        {
          double x = pow (g_rand_double (random), 2 + seed);
          data[i] = (float)((seed & 1 ? x : 0.5 + (i & 1 ? x : -x) / 2) * 0.999);
        }
      data[0] = 0;
      data[1] = 0.999f;
      for (guint i = 0; i < N; i++)
        {
          counts[(guint)(data[i] * 64)]++;
          data[i] -= zero / 64.f;
        }
      slow_hfmg (counts, zero, &start, &end);
      clipped += end - start < BINS;
      g_assert_true (observe ("hfmg", BINS, 4, data, N, 100, &range));
      g_assert_cmpfloat (range.low, ==, (start - zero) / 64.f);
      g_assert_cmpfloat (range.high, ==, MIN ((end - zero) / 64.f, data[1]));
    }
  /* Else the test would say nothing. */
  g_assert_cmpuint (clipped, >=, 4);
}

/* The extremes of three batches, each weighing half of what follows it. */
static void
test_moving_average_fades (void)
{
  PareRange range;

  g_assert_true (observe ("moving-average", 256, 8, (float[]){ -1, 8, 0, 4, -3, 2 }, 6, 2, &range));
  g_assert_cmpfloat (range.low, ==, -1.75f);
  g_assert_cmpfloat (range.high, ==, 4);
}

static int
compare (const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;

  return (x > y) - (x < y);
}

/* The 99th, of sorted numbers, to a bin. */
static void
test_percentile_is_that_of_the_numbers (void)
{
  g_autofree float *data = g_new (float, BELL);
  PareRange range;
  double bin;

  fill_bell (data, BELL, 7);
  g_assert_true (observe ("percentile", 1024, 8, data, BELL, 5000, &range));
  qsort (data, BELL, sizeof *data, compare);
  bin = (data[BELL - 1] - data[0]) / 511;
  g_assert_cmpfloat_with_epsilon (range.low, data[BELL / 100 - 1], bin);
  g_assert_cmpfloat_with_epsilon (range.high, data[BELL - BELL / 100], bin);
  g_assert_cmpfloat (range.high, <, data[BELL - 1] / 2);
}

/* Squared error of an unsigned 4-bit quantizer over the raw numbers. */
static double
raw_error (const float *data, guint n, double low, double high)
{
  float scale = (high - low) / 15, inverse = 1 / scale, least = rintf (low / scale), most = least + 15;
  double sum = 0;

  for (guint i = 0; i < n; i++)
    {
      float difference = fminf (fmaxf (rintf (data[i] * inverse), least), most) * scale - data[i];
      sum += difference * difference;
    }
  return sum;
}

#define FEW 4000

/* Bells with a longer tail on one side; or nothing below zero. */
static void
fill_skewed (float *data, guint seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  fill_bell (data, FEW, seed);
  for (guint i = 0; i < FEW; i++)
    {
      data[i] *= data[i] > 0 ? 1 + seed * g_rand_double (random) : 1;
      if (seed % 2 == 0)
        data[i] = fmaxf (data[i], 0);
    }
}

static void
test_mse_has_the_least_error_of_all_ranges (void)
{
  for (guint seed = 1; seed < 5; seed++)
    {
      float data[FEW];
      double least = INFINITY, high = 0, low = 0, found;
      PareRange range;

      fill_skewed (data, seed);
      g_assert_true (observe ("mse", 2048, 4, data, FEW, 100, &range));
      for (guint i = 0; i < FEW; i++)
        {
          low = MIN (low, data[i]);
          high = MAX (high, data[i]);
        }
      for (guint i = 1; i <= (low < 0 ? 40 : 1); i++)
        for (guint k = 1; k <= 40; k++)
          least = MIN (least, raw_error (data, FEW, low * i / 40, high * k / 40));
      found = raw_error (data, FEW, MIN (range.low, 0), range.high);
      g_assert_cmpfloat (found, <=, least * 1.01);
      g_assert_cmpfloat (found, <, raw_error (data, FEW, low, high));
    }
}

/* All candidates on the raw numbers, around the bounds that AMCT takes. */
static void
test_ifmr_has_the_least_error_of_its_candidates (void)
{
  for (guint seed = 1; seed < 5; seed++)
    {
      float data[FEW], sorted[FEW];
      double least = INFINITY, low, high;
      PareRange range;

      fill_skewed (data, seed);
      memcpy (sorted, data, sizeof data);
      qsort (sorted, FEW, sizeof *sorted, compare);
      low = MIN (sorted[FEW / 100 - 1], 0);
      high = MAX (sorted[FEW - FEW / 100], 0);
      for (guint i = 0; i <= (low < 0 ? 60 : 0); i++)
        for (guint k = 0; k <= 60; k++)
          least = MIN (least, raw_error (data, FEW, low * (0.7 + i * 0.01), high * (0.7 + k * 0.01)));
      g_assert_true (observe ("ifmr", 1 << 16, 4, data, FEW, 100, &range));
      g_assert_cmpfloat (raw_error (data, FEW, range.low, range.high), <=, least * 1.01);
      g_assert_cmpfloat (range.low, >=, low * 1.31);
      g_assert_cmpfloat (range.high, <=, high * 1.31);
      g_assert_cmpfloat (range.high, >=, high * 0.69);
    }
}

/* The description of entropy, done slowly: 64 bins of [0, 1), 16 levels, zero in bin 0. */
static double
slow_divergence (const guint64 *seen, guint end)
{
  double p[BINS] = { 0 }, q[BINS] = { 0 }, all = 0, inside = 0, sum = 0;

  for (guint i = 0; i < BINS; i++)
    {
      double count = i == 0 ? MIN (seen[0], MAX (seen[1], 1)) : seen[i];
      p[MIN (i, end - 1)] += count;
      q[i] = i < end ? count : 0;
      all += count;
      inside += q[i];
    }
  for (guint j = 0; j < LEVELS; j++)
    {
      guint from = end * j / LEVELS, to = end * (j + 1) / LEVELS, occupied = 0;
      double merged = 0;
      for (guint i = from; i < to; i++)
        {
          merged += q[i];
          occupied += p[i] > 0;
        }
      for (guint i = from; i < to; i++)
        q[i] = p[i] > 0 ? MAX (merged, 1e-4) / occupied : 0;
    }
  for (guint i = 0; i < end; i++)
    if (p[i] > 0)
      sum += p[i] / all * log (p[i] / all / (q[i] / inside));
  return sum;
}

static void
test_entropy_keeps_most_information (void)
{
  guint clipped = 0;

  for (guint seed = 0; seed < 8; seed++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      float data[FEW] = { 0, 0.999f };
      guint64 counts[BINS] = { 0 };
      double least = INFINITY;
      guint best = BINS;
      PareRange range;

      for (guint i = 2; i < FEW; i++)
        data[i] = i % 2 ? 0 : 0.999 * pow (g_rand_double (random), 1 + seed);
      for (guint i = 0; i < FEW; i++)
        counts[(guint)(data[i] * 64)]++;
      for (guint end = BINS; end >= LEVELS; end--)
        if (slow_divergence (counts, end) < least)
          least = slow_divergence (counts, best = end);
      clipped += best < BINS;
      g_assert_true (observe ("entropy", BINS, 4, data, FEW, 100, &range));
      g_assert_cmpfloat (range.low, ==, 0);
      g_assert_cmpfloat (range.high, ==, MIN (best / 64.f, 0.999f));
    }
  /* Else the test would say nothing. */
  g_assert_cmpuint (clipped, >=, 4);
}

/* A threshold is of magnitudes: it leaves the shorter side alone. */
static void
test_entropy_of_both_signs (void)
{
  float data[FEW];
  PareRange range;

  fill_skewed (data, 3);
  data[5] = 100;
  g_assert_true (observe ("entropy", 2048, 4, data, FEW, 100, &range));
  g_assert_cmpfloat (range.high, <, 50);
  g_assert_cmpfloat (range.high, >=, 1);
  g_assert_cmpfloat (range.low, >=, -range.high);
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
  const guint sizes[] = { 128, 784, 1664, 4096 };

  g_test_init (&argc, &argv, NULL);
  ADD (minmax_is_the_extremes);
  ADD (nothing_seen_is_no_range);
  ADD (single_values_keep_their_place);
  ADD (even_spread_is_not_clipped);
  ADD (not_finite_is_no_number);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i], "moving-average") != 0)
      {
        g_autofree char *path = g_strconcat ("/observers/stream_may_be_cut_anywhere/", names[i], NULL);
        g_test_add_data_func (path, names[i], test_stream_may_be_cut_anywhere);
      }
  ADD (histogram_counts_exactly);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/observers/long_streams_are_counted_evenly/%u", sizes[i]);
      g_test_add_data_func (path, GUINT_TO_POINTER (sizes[i]), test_long_streams_are_counted_evenly);
    }
  ADD (hfmg_finds_the_least_error);
  ADD (moving_average_fades);
  ADD (percentile_is_that_of_the_numbers);
  ADD (mse_has_the_least_error_of_all_ranges);
  ADD (ifmr_has_the_least_error_of_its_candidates);
  ADD (entropy_keeps_most_information);
  ADD (entropy_of_both_signs);
  ADD (outliers_are_clipped);
  ADD (unknown_algorithm_names_the_nearest);
  return g_test_run ();
}
