/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Ranks by EVBMF against a search over 20,001 values of the noise's variance by NumPy, on random matrices of known rank
 * plus noise of a known deviation. */
#include "decompose/evbmf.h"

#define MOST 16

static const struct
{
  int rows, columns, rank;
  double values[MOST];
} cases[] = {
  /* Rank 3, deviation 0.3. */
  { 12,
    20,
    3,
    { 14.9744, 12.2804, 6.69514, 1.80705, 1.6165, 1.48003, 1.22633, 0.938386, 0.839224, 0.783697, 0.612692,
      0.444341 } },
  /* Rank 5, deviation 0.8. */
  { 16,
    16,
    5,
    { 19.6703, 16.749, 13.1021, 12.2687, 10.6134, 4.04938, 3.83322, 3.36057, 2.48685, 2.33761, 2.18007, 1.65727,
      1.38695, 0.585686, 0.249567, 0.171222 } },
  /* Rank 2, deviation 1. */
  { 40, 10, 2, { 20.8779, 11.1496, 8.27996, 7.49726, 6.2995, 5.7989, 5.40776, 5.12321, 4.57908, 4.05287 } },
  /* Nothing but noise. */
  { 14,
    20,
    0,
    { 9.03175, 7.23667, 7.10185, 6.29566, 4.97198, 4.78894, 4.49723, 4.01785, 3.41782, 3.15433, 2.12015, 1.9091,
      1.56407, 1.12885 } },
  /* Rank 6, most of it below noise of deviation 2.2. */
  { 16,
    24,
    1,
    { 34.7504, 28.8306, 24.9425, 21.2317, 17.6728, 15.6974, 12.5124, 11.3548, 10.5924, 9.42821, 8.90115, 7.04265,
      6.34218, 5.59184, 4.6041, 3.01611 } },
};

static void
test_ranks_are_those_of_an_independent_search (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double energies[MOST];
      for (guint h = 0; h < MOST; h++)
        energies[h] = cases[i].values[h] * cases[i].values[h];
      g_assert_cmpint (pare_evbmf_rank (cases[i].rows, cases[i].columns, energies), ==, cases[i].rank);
      /* The unit of the numbers means nothing. */
      for (guint h = 0; h < MOST; h++)
        energies[h] *= 1e-6;
      g_assert_cmpint (pare_evbmf_rank (cases[i].rows, cases[i].columns, energies), ==, cases[i].rank);
    }
}

static void
test_without_noise_the_rank_is_exact (void)
{
  static const double energies[8] = { 9, 4, 1 }, none[8] = { 0 };

  g_assert_cmpint (pare_evbmf_rank (8, 20, energies), ==, 3);
  g_assert_cmpint (pare_evbmf_rank (8, 20, none), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/evbmf/independent-search", test_ranks_are_those_of_an_independent_search);
  g_test_add_func ("/evbmf/without-noise", test_without_noise_the_rank_is_exact);
  return g_test_run ();
}
