/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Factors against what is known of them: exact at full rank, as good as the singular values say below it, and better
 * for the output when they know the input. */
#include "decompose/factorization.h"
#include <math.h>
#include <string.h>

static PareTarget *
target_new (guint32 seed, int outputs, int inputs, int height, int width, gboolean metric)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  PareTarget *target = g_new0 (PareTarget, 1);
  int k = inputs * height * width, n = outputs * k, rows = 3 * k;

  target->shape = (PareKernelShape){ outputs, inputs, 2, { height, width }, height * width, k };
  target->wanted = g_new (double, n);
  for (int i = 0; i < n; i++)
    {
      target->wanted[i] = g_rand_double_range (rand, -1, 1);
      target->power += target->wanted[i] * target->wanted[i];
    }
  if (metric)
    {
      /* Inputs that go together: each is mixed with its neighbour. */
      g_autofree double *x = g_new0 (double, rows *k);
      target->metric = g_new0 (double, k *k);
      for (int r = 0; r < rows; r++)
        for (int i = 0; i < k; i++)
          x[r * k + i] = g_rand_double_range (rand, -1, 1) * (1 + i % 5) + (i ? 0.8 * x[r * k + i - 1] : 0);
      for (int r = 0; r < rows; r++)
        for (int i = 0; i < k; i++)
          for (int j = 0; j < k; j++)
            target->metric[i * k + j] += x[r * k + i] * x[r * k + j] / rows;
    }
  return target;
}

typedef struct
{
  PareFactor factors[PARE_MAX_FACTORS];
  double *weights[PARE_MAX_FACTORS];
  guint n;
} Cascade;

static double
fit_cost (const PareFactorization *how, const PareTarget *target, int rank, double *predicted)
{
  g_autoptr (PareSpectrum) spectrum = how->spectrum (how, target, NULL);
  Cascade cascade = { 0 };
  g_autofree double *whole = NULL;
  double cost;

  cascade.n = how->factors (how, &target->shape, rank, cascade.factors);
  for (guint f = 0; f < cascade.n; f++)
    cascade.weights[f] = g_new (double, cascade.factors[f].outputs *cascade.factors[f].inputs *cascade.factors[f].taps);
  g_assert_true (how->fit (how, target, spectrum, rank, cascade.weights, NULL));
  whole = pare_factors_compose (&target->shape, cascade.n, cascade.factors, cascade.weights);
  cost = pare_target_cost (target, whole);
  *predicted = 0;
  for (int r = rank; r < spectrum->n; r++)
    *predicted += spectrum->energies[r];
  for (guint f = 0; f < cascade.n; f++)
    g_free (cascade.weights[f]);
  return cost;
}

static const PareFactorization *
find (const char *name)
{
  for (const PareFactorization *const *how = pare_factorization_table; *how; how++)
    if (strcmp ((*how)->name, name) == 0)
      return *how;
  g_assert_not_reached ();
}

static void
test_full_rank_is_exact (void)
{
  static const int sizes[][4] = { { 5, 4, 3, 3 }, { 3, 6, 3, 5 }, { 7, 2, 2, 3 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (const PareFactorization *const *how = pare_factorization_table; *how; how++)
      for (guint metric = 0; metric < 2; metric++)
        {
          g_autoptr (PareTarget) target = target_new (s, sizes[s][0], sizes[s][1], sizes[s][2], sizes[s][3], metric);
          g_autoptr (PareSpectrum) spectrum = (*how)->spectrum (*how, target, NULL);
          double predicted;

          g_assert_true ((*how)->applies (&target->shape));
          g_assert_cmpfloat (fit_cost (*how, target, spectrum->n, &predicted), <, 1e-9 * target->power);
        }
}

/* Eckart and Young: without a metric the squared error of rank r is the sum of the squared singular values behind r. */
static void
test_errors_of_weights_are_the_singular_values_left_out (void)
{
  static const char *const names[] = { "spatial, vertical first", "spatial, horizontal first", "reduced rank" };
  g_autoptr (PareTarget) target = target_new (3, 6, 5, 3, 3, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const PareFactorization *how = find (names[i]);
      for (int rank = 1; rank < 6; rank++)
        {
          double predicted, cost = fit_cost (how, target, rank, &predicted);
          g_assert_cmpfloat (predicted, >, 0.01);
          g_assert_cmpfloat_with_epsilon (cost, predicted, 1e-9);
        }
    }
}

/* The singular values of the stacked slices themselves, by another routine. */
static void
test_spatial_spectrum_is_that_of_the_stacked_slices (void)
{
  g_autoptr (PareTarget) target = target_new (4, 4, 3, 3, 3, FALSE);
  const PareFactorization *how = find ("spatial, horizontal first");
  g_autoptr (PareSpectrum) spectrum = how->spectrum (how, target, NULL);
  double matrix[9 * 12], s[9];

  /* Rows: input channel and column of the kernel; columns: output channel and row of the kernel. */
  for (int o = 0; o < 4; o++)
    for (int c = 0; c < 3; c++)
      for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
          matrix[(c * 3 + x) * 12 + o * 3 + y] = target->wanted[((o * 3 + c) * 3 + y) * 3 + x];
  g_assert_true (pare_linalg_svd (9, 12, matrix, NULL, s, NULL, NULL));
  g_assert_cmpint (spectrum->n, ==, 9);
  for (int i = 0; i < 9; i++)
    g_assert_cmpfloat_with_epsilon (spectrum->energies[i], s[i] * s[i], 1e-9);
}

/* Reduced-rank regression has a closed form; what the metric predicts is what comes out. */
static void
test_reduced_rank_is_optimal_under_the_metric (void)
{
  g_autoptr (PareTarget) target = target_new (5, 6, 4, 3, 3, TRUE);
  const PareFactorization *how = find ("reduced rank");

  for (int rank = 1; rank < 6; rank++)
    {
      double predicted, cost = fit_cost (how, target, rank, &predicted);
      g_assert_cmpfloat_with_epsilon (cost, predicted, 1e-8 * predicted);
    }
}

/* Knowing the inputs must pay: the same rank found from the weights alone costs more under the metric. */
static void
test_factors_that_know_the_input_cost_less (void)
{
  g_autoptr (PareTarget) target = target_new (6, 8, 6, 3, 3, TRUE);
  double *metric = target->metric;

  for (const PareFactorization *const *how = pare_factorization_table; *how; how++)
    for (int rank = 2; rank < 6; rank += 3)
      {
        Cascade cascade = { 0 };
        g_autoptr (PareSpectrum) blind = NULL;
        g_autofree double *whole = NULL;
        double predicted, informed = fit_cost (*how, target, rank, &predicted);

        target->metric = NULL;
        blind = (*how)->spectrum (*how, target, NULL);
        cascade.n = (*how)->factors (*how, &target->shape, rank, cascade.factors);
        for (guint f = 0; f < cascade.n; f++)
          cascade.weights[f]
              = g_new (double, cascade.factors[f].outputs *cascade.factors[f].inputs *cascade.factors[f].taps);
        g_assert_true ((*how)->fit (*how, target, blind, rank, cascade.weights, NULL));
        whole = pare_factors_compose (&target->shape, cascade.n, cascade.factors, cascade.weights);
        target->metric = metric;
        g_assert_cmpfloat (informed, <, 0.8 * pare_target_cost (target, whole));
        for (guint f = 0; f < cascade.n; f++)
          g_free (cascade.weights[f]);
      }
}

/* The gradient by the second factor vanishes: perturbing it in any direction does not help. */
static void
test_spatial_factors_are_at_a_minimum_of_the_second (void)
{
  g_autoptr (PareTarget) target = target_new (7, 4, 3, 3, 3, TRUE);
  const PareFactorization *how = find ("spatial, vertical first");
  g_autoptr (PareSpectrum) spectrum = how->spectrum (how, target, NULL);
  PareFactor factors[PARE_MAX_FACTORS];
  double first[4 * 9], second[4 * 12], *weights[] = { first, second }, best;
  g_autofree double *whole = NULL;
  guint n = how->factors (how, &target->shape, 4, factors);

  g_assert_true (how->fit (how, target, spectrum, 4, weights, NULL));
  whole = pare_factors_compose (&target->shape, n, factors, weights);
  best = pare_target_cost (target, whole);
  for (int i = 0; i < 4 * 12; i++)
    for (int sign = -1; sign <= 1; sign += 2)
      {
        g_autofree double *moved = NULL;
        second[i] += sign * 1e-3;
        moved = pare_factors_compose (&target->shape, n, factors, weights);
        g_assert_cmpfloat (pare_target_cost (target, moved), >=, best);
        second[i] -= sign * 1e-3;
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/factorizations/full-rank-is-exact", test_full_rank_is_exact);
  g_test_add_func ("/factorizations/errors-of-weights", test_errors_of_weights_are_the_singular_values_left_out);
  g_test_add_func ("/factorizations/spatial-spectrum", test_spatial_spectrum_is_that_of_the_stacked_slices);
  g_test_add_func ("/factorizations/reduced-rank-is-optimal", test_reduced_rank_is_optimal_under_the_metric);
  g_test_add_func ("/factorizations/knowing-the-input-pays", test_factors_that_know_the_input_cost_less);
  g_test_add_func ("/factorizations/spatial-minimum", test_spatial_factors_are_at_a_minimum_of_the_second);
  return g_test_run ();
}
