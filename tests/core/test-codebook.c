/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The integers that stand for many numbers are the best ones: compared with all that there could be. */
#include "rounding/codebook.h"
#include <math.h>

#define LOWEST -5
#define HIGHEST 6
#define NUMBERS 40

typedef struct
{
  double numbers[NUMBERS], weights[NUMBERS];
} Data;

static void
draw (GRand *random, Data *data)
{
  for (guint i = 0; i < NUMBERS; i++)
    {
      /* Some beyond the integers that there are, some exactly between two, some that cost nothing. */
      data->numbers[i] = i % 8 ? g_rand_double_range (random, -7, 8) : g_rand_int_range (random, -6, 6) + 0.5;
      data->weights[i] = i % 10 ? g_rand_double_range (random, 0, 3) : 0;
    }
}

static double
cost_of (const Data *data, guint n, const gint32 *entries)
{
  double cost = 0;

  for (guint i = 0; i < NUMBERS; i++)
    {
      double least = INFINITY;
      for (guint e = 0; e < n; e++)
        least = MIN (least, pow (data->numbers[i] - entries[e], 2));
      cost += data->weights[i] * least;
    }
  return cost;
}

/* Least cost over all subsets of @levels integers. */
static double
best_cost (const Data *data, guint levels, gboolean with_zero)
{
  guint candidates = HIGHEST - LOWEST + 1;
  double least = INFINITY;

  for (guint set = 0; set < 1u << candidates; set++)
    {
      gint32 entries[HIGHEST - LOWEST + 1];
      guint n = 0;
      for (guint i = 0; i < candidates; i++)
        if (set >> i & 1)
          entries[n++] = LOWEST + (gint32)i;
      if (n == levels && (!with_zero || set >> -LOWEST & 1))
        least = MIN (least, cost_of (data, n, entries));
    }
  return least;
}

static void
assert_best (const Data *data, guint levels, gboolean with_zero)
{
  g_auto (PareCodebook) codebook = { 0 };
  gboolean zero = FALSE;

  pare_codebook_init (&codebook, NUMBERS, data->numbers, data->weights, LOWEST, HIGHEST, levels, with_zero);
  g_assert_cmpuint (codebook.n, ==, levels);
  for (guint i = 0; i < levels; i++)
    {
      g_assert_true (i ? codebook.entries[i] > codebook.entries[i - 1] : codebook.entries[i] >= LOWEST);
      zero |= codebook.entries[i] == 0;
    }
  g_assert_cmpint (codebook.entries[levels - 1], <=, HIGHEST);
  g_assert_true (zero || !with_zero);
  g_assert_cmpfloat_with_epsilon (cost_of (data, levels, codebook.entries), best_cost (data, levels, with_zero), 1e-9);
}

static void
test_no_other_integers_are_better (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  Data data;

  for (guint trial = 0; trial < 4; trial++)
    for (guint levels = 1; levels <= 6; levels++)
      {
        draw (random, &data);
        assert_best (&data, levels, FALSE);
        assert_best (&data, levels, TRUE);
      }
}

static void
test_more_levels_than_integers_take_all (void)
{
  const double numbers[] = { 0.2, 1.7 }, weights[] = { 1, 1 };
  g_auto (PareCodebook) codebook = { 0 };

  pare_codebook_init (&codebook, 2, numbers, weights, -1, 2, 16, FALSE);
  g_assert_cmpuint (codebook.n, ==, 4);
  for (gint32 i = 0; i < 4; i++)
    g_assert_cmpint (codebook.entries[i], ==, i - 1);
}

static void
test_numbers_go_to_the_nearest_entry (void)
{
  gint32 entries[] = { -7, -2, 0, 4, 11 };
  const PareCodebook codebook = { G_N_ELEMENTS (entries), entries };

  for (double x = -12; x < 15; x += 0.125)
    {
      double least = INFINITY;
      for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
        least = MIN (least, fabs (x - entries[i]));
      g_assert_cmpfloat (fabs (x - pare_codebook_nearest (&codebook, x)), ==, least);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codebook/no-other-integers-are-better", test_no_other_integers_are_better);
  g_test_add_func ("/codebook/more-levels-than-integers-take-all", test_more_levels_than_integers_take_all);
  g_test_add_func ("/codebook/numbers-go-to-the-nearest-entry", test_numbers_go_to_the_nearest_entry);
  return g_test_run ();
}
