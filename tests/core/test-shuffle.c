/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Orders and splits: every sample once, the same for the same seed, and even. */
#include "data/shuffle.h"
#include <string.h>

#define N 1000

static void
fill (guint64 *indices, gsize n, guint64 seed, guint64 pass)
{
  for (gsize i = 0; i < n; i++)
    indices[i] = i;
  pare_shuffle (indices, n, seed, pass);
}

static void
test_every_sample_comes_once (void)
{
  guint64 indices[N];
  gboolean seen[N] = { FALSE };

  fill (indices, N, 7, 3);
  for (guint i = 0; i < N; i++)
    {
      g_assert_cmpuint (indices[i], <, N);
      g_assert_false (seen[indices[i]]);
      seen[indices[i]] = TRUE;
    }
}

static void
test_order_is_of_seed_and_pass (void)
{
  guint64 first[N], again[N], other_pass[N], other_seed[N];
  guint same_pass = 0, same_seed = 0;

  fill (first, N, 7, 0);
  fill (again, N, 7, 0);
  fill (other_pass, N, 7, 1);
  fill (other_seed, N, 8, 0);
  g_assert_cmpmem (first, sizeof first, again, sizeof again);
  for (guint i = 0; i < N; i++)
    {
      same_pass += first[i] == other_pass[i];
      same_seed += first[i] == other_seed[i];
    }
  /* Two random orders agree in one place on average; in 20 with a probability below 1e-18. */
  g_assert_cmpuint (same_pass, <, 20);
  g_assert_cmpuint (same_seed, <, 20);
}

static void
test_every_order_is_equally_likely (void)
{
  guint counts[6] = { 0 };
  double chi_square = 0;

  for (guint pass = 0; pass < 6000; pass++)
    {
      guint64 order[3];
      fill (order, 3, 1, pass);
      counts[order[0] * 2 + (order[1] > order[2])]++;
    }
  for (guint i = 0; i < 6; i++)
    chi_square += (counts[i] - 1000.) * (counts[i] - 1000.) / 1000.;
  /* Five degrees of freedom: 20.5 is passed by chance once in a thousand. */
  g_assert_cmpfloat (chi_square, <, 20.5);
}

static void
test_nothing_and_one_can_be_shuffled (void)
{
  guint64 one = 42;

  pare_shuffle (NULL, 0, 1, 1);
  pare_shuffle (&one, 1, 1, 1);
  g_assert_cmpuint (one, ==, 42);
}

static void
test_split_has_its_fraction (void)
{
  guint in_validation = 0, differ = 0;

  for (guint i = 0; i < 10000; i++)
    {
      in_validation += pare_is_validation_sample (i, 0.1, 5);
      differ += pare_is_validation_sample (i, 0.1, 5) != pare_is_validation_sample (i, 0.1, 6);
      g_assert_false (pare_is_validation_sample (i, 0, 5));
      g_assert_true (pare_is_validation_sample (i, 1, 5));
    }
  /* The standard deviation is 30; 4 of them on each side. */
  g_assert_cmpuint (in_validation, >, 880);
  g_assert_cmpuint (in_validation, <, 1120);
  g_assert_cmpuint (differ, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shuffle/every-sample-comes-once", test_every_sample_comes_once);
  g_test_add_func ("/shuffle/order-is-of-seed-and-pass", test_order_is_of_seed_and_pass);
  g_test_add_func ("/shuffle/every-order-is-equally-likely", test_every_order_is_equally_likely);
  g_test_add_func ("/shuffle/nothing-and-one-can-be-shuffled", test_nothing_and_one_can_be_shuffled);
  g_test_add_func ("/shuffle/split-has-its-fraction", test_split_has_its_fraction);
  return g_test_run ();
}
