/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The algorithms that choose weights for n:m, beside what exhaustive search and elimination by hand find. */
#include "sparsify/nm-algorithm.h"
#include <math.h>
#include <string.h>

#define INPUTS 8
#define OUTPUTS 24
#define ROWS 40

/* A random layer: correlated inputs, and outputs that its dense weights compute of them. */
typedef struct
{
  PareNmProblem problem;
  double xx[INPUTS * INPUTS], yx[OUTPUTS * INPUTS], dense[OUTPUTS * INPUTS], weights[OUTPUTS * INPUTS];
} Layer;

static void
layer_init (Layer *layer, guint n, guint m)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  double x[ROWS][INPUTS];

  memset (layer, 0, sizeof *layer);
  for (guint r = 0; r < ROWS; r++)
    {
      double shared = g_rand_double_range (random, -1, 1);
      for (guint i = 0; i < INPUTS; i++)
        x[r][i] = (1 + i % 3) * (g_rand_double_range (random, -1, 1) + shared);
    }
  for (guint i = 0; i < OUTPUTS * INPUTS; i++)
    layer->weights[i] = layer->dense[i] = g_rand_double_range (random, -1, 1);
  for (guint i = 0; i < INPUTS; i++)
    for (guint j = 0; j < INPUTS; j++)
      for (guint r = 0; r < ROWS; r++)
        layer->xx[i * INPUTS + j] += x[r][i] * x[r][j] / ROWS;
  for (guint o = 0; o < OUTPUTS; o++)
    for (guint j = 0; j < INPUTS; j++)
      for (guint i = 0; i < INPUTS; i++)
        layer->yx[o * INPUTS + j] += layer->dense[o * INPUTS + i] * layer->xx[i * INPUTS + j];
  layer->problem = (PareNmProblem){ .outputs = OUTPUTS,
                                    .inputs = INPUTS,
                                    .taps = 1,
                                    .columns = INPUTS,
                                    .n = n,
                                    .m = m,
                                    .xx = layer->xx,
                                    .yx = layer->yx,
                                    .weights = layer->weights,
                                    .work = 1e9 };
}

static void
run (Layer *layer, const char *name)
{
  g_autoptr (GError) error = NULL;
  const PareNmAlgorithm *algorithm = pare_nm_algorithm_find (name, TRUE, &error);

  g_assert_no_error (error);
  g_assert_true (algorithm->solve (&layer->problem, &error));
  g_assert_no_error (error);
}

/* w xx w^T - 2 w yx^T of a row, above that of the dense weights. */
static double
cost (const Layer *layer, guint output, const double *w)
{
  const double *dense = layer->dense + output * INPUTS;
  double sum = 0;

  for (guint i = 0; i < INPUTS; i++)
    for (guint j = 0; j < INPUTS; j++)
      sum += (w[i] - dense[i]) * (w[j] - dense[j]) * layer->xx[i * INPUTS + j];
  return sum;
}

/* The best weights of a row where @mask has bits, @fixed ones given; by Gauss and Jordan on the normal equations. */
static void
solve_masked (const Layer *layer, guint output, guint mask, guint fixed, double *w)
{
  double a[INPUTS][INPUTS + 1] = { 0 };

  for (guint i = 0; i < INPUTS; i++)
    {
      gboolean is_free = mask >> i & 1 && !(fixed >> i & 1);
      a[i][i] = 1;
      a[i][INPUTS] = fixed >> i & 1 ? w[i] : 0;
      if (!is_free)
        continue;
      a[i][INPUTS] = layer->yx[output * INPUTS + i];
      for (guint j = 0; j < INPUTS; j++)
        a[i][j] = layer->xx[i * INPUTS + j];
    }
  for (guint p = 0; p < INPUTS; p++)
    for (guint i = 0; i < INPUTS; i++)
      for (guint j = INPUTS + 1; i != p && j-- > p;)
        a[i][j] -= a[i][p] / a[p][p] * a[p][j];
  for (guint i = 0; i < INPUTS; i++)
    w[i] = a[i][INPUTS] / a[i][i];
}

static double
best_cost (const Layer *layer, guint output)
{
  double least = INFINITY;

  for (guint mask = 0; mask < 1 << INPUTS; mask++)
    if (__builtin_popcount (mask & 15) == 2 && __builtin_popcount (mask >> 4) == 2)
      {
        double w[INPUTS] = { 0 };
        solve_masked (layer, output, mask, 0, w);
        least = MIN (least, cost (layer, output, w));
      }
  return least;
}

static guint
mask_of (const double *w)
{
  guint mask = 0;

  for (guint i = 0; i < INPUTS; i++)
    mask |= (w[i] != 0) << i;
  return mask;
}

static void
assert_pattern (const Layer *layer)
{
  for (guint o = 0; o < OUTPUTS; o++)
    for (guint i = 0; i < INPUTS; i += layer->problem.m)
      {
        guint kept = 0;
        for (guint j = i; j < i + layer->problem.m; j++)
          kept += layer->weights[o * INPUTS + j] != 0;
        g_assert_cmpuint (kept, ==, layer->problem.n);
      }
}

static void
test_obc_finds_nearly_the_best_masks (void)
{
  Layer layer;
  double best = 0, found = 0;
  guint hits = 0;

  layer_init (&layer, 2, 4);
  run (&layer, "obc");
  assert_pattern (&layer);
  for (guint o = 0; o < OUTPUTS; o++)
    {
      double least = best_cost (&layer, o), mine = cost (&layer, o, layer.weights + o * INPUTS);
      g_assert_cmpfloat (mine, >=, least * (1 - 1e-9));
      hits += mine <= least * (1 + 1e-9);
      best += least;
      found += mine;
    }
  g_assert_cmpuint (hits, >=, OUTPUTS * 3 / 4);
  g_assert_cmpfloat (found, <, 1.05 * best);
}

/* What stays is the exact solution on its mask. */
static void
test_obc_solves_for_what_stays (void)
{
  Layer layer;

  layer_init (&layer, 1, 4);
  run (&layer, "obc");
  assert_pattern (&layer);
  for (guint o = 0; o < OUTPUTS; o++)
    {
      double w[INPUTS] = { 0 };
      solve_masked (&layer, o, mask_of (layer.weights + o * INPUTS), 0, w);
      for (guint i = 0; i < INPUTS; i++)
        g_assert_cmpfloat_with_epsilon (layer.weights[o * INPUTS + i], w[i], 1e-9);
    }
}

/* The definition: when a column goes, those behind it take the best values while those before it keep theirs. */
static void
prune_in_order (const Layer *layer, guint output, guint kept, double *w)
{
  memcpy (w, layer->dense + output * INPUTS, INPUTS * sizeof *w);
  for (guint j = 0; j < INPUTS; j++)
    if (!(kept >> j & 1))
      {
        guint before = (2u << j) - 1;
        w[j] = 0;
        solve_masked (layer, output, 255, before, w);
      }
}

static void
test_sparsegpt_makes_up_in_what_follows (void)
{
  Layer layer;

  layer_init (&layer, 2, 4);
  run (&layer, "sparsegpt");
  assert_pattern (&layer);
  for (guint o = 0; o < OUTPUTS; o++)
    {
      double w[INPUTS];
      prune_in_order (&layer, o, mask_of (layer.weights + o * INPUTS), w);
      for (guint i = 0; i < INPUTS; i++)
        g_assert_cmpfloat_with_epsilon (layer.weights[o * INPUTS + i], w[i], 1e-9);
    }
}

/* Two blocks of four: the first one while the second is free, the second one while the first stays. */
static void
test_obc_cuts_wide_layers_into_blocks (void)
{
  Layer layer;
  double whole = 0, cut = 0;

  layer_init (&layer, 2, 4);
  layer.problem.work = 1;
  run (&layer, "obc");
  assert_pattern (&layer);
  for (guint o = 0; o < OUTPUTS; o++)
    {
      double *mine = layer.weights + o * INPUTS, w[INPUTS] = { 0 };
      guint mask = mask_of (mine);
      solve_masked (&layer, o, mask | 0xf0, 0, w);
      for (guint i = 0; i < 4; i++)
        g_assert_cmpfloat_with_epsilon (mine[i], w[i], 1e-9);
      solve_masked (&layer, o, mask, 0x0f, w);
      for (guint i = 4; i < INPUTS; i++)
        g_assert_cmpfloat_with_epsilon (mine[i], w[i], 1e-9);
      cut += cost (&layer, o, mine);
      whole += best_cost (&layer, o);
    }
  g_assert_cmpfloat (cut, <, 1.5 * whole);
}

static double
total_cost (const char *algorithm)
{
  Layer layer;
  double sum = 0;

  layer_init (&layer, 2, 4);
  run (&layer, algorithm);
  assert_pattern (&layer);
  for (guint o = 0; o < OUTPUTS; o++)
    sum += cost (&layer, o, layer.weights + o * INPUTS);
  return sum;
}

static void
test_the_more_an_algorithm_looks_at_the_better_it_is (void)
{
  double magnitude = total_cost ("magnitude"), wanda = total_cost ("wanda"), sparsegpt = total_cost ("sparsegpt");

  g_assert_cmpfloat (wanda, <, 0.9 * magnitude);
  g_assert_cmpfloat (sparsegpt, <, 0.9 * wanda);
  g_assert_cmpfloat (total_cost ("obc"), <, 0.9 * sparsegpt);
}

static void
test_wanda_keeps_the_largest_shares (void)
{
  Layer layer;

  layer_init (&layer, 2, 4);
  run (&layer, "wanda");
  for (guint i = 0; i < OUTPUTS * INPUTS; i++)
    {
      guint higher = 0;
      double mine = fabs (layer.dense[i]) * sqrt (layer.xx[i % INPUTS * (INPUTS + 1)]);
      for (guint j = i / 4 * 4; j < i / 4 * 4 + 4; j++)
        higher += fabs (layer.dense[j]) * sqrt (layer.xx[j % INPUTS * (INPUTS + 1)]) > mine;
      g_assert_cmpfloat (layer.weights[i], ==, higher < 2 ? layer.dense[i] : 0);
    }
}

/* Two positions of the kernel: groups are formed of the channels at each of them. */
static void
test_positions_of_the_kernel_are_separate (gconstpointer algorithm)
{
  Layer layer;

  layer_init (&layer, 2, 4);
  layer.problem.inputs = 4;
  layer.problem.taps = 2;
  run (&layer, algorithm);
  for (guint o = 0; o < OUTPUTS; o++)
    for (guint t = 0; t < 2; t++)
      {
        guint kept = 0;
        for (guint i = 0; i < 4; i++)
          kept += layer.weights[o * INPUTS + i * 2 + t] != 0;
        g_assert_cmpuint (kept, ==, 2);
      }
}

static void
test_algorithms_are_found (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (pare_nm_algorithm_find (NULL, TRUE, &error)->name, ==, "obc");
  g_assert_cmpstr (pare_nm_algorithm_find (NULL, FALSE, &error)->name, ==, "magnitude");
  g_assert_null (pare_nm_algorithm_find ("wander", TRUE, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'wanda'"));
  g_clear_error (&error);
  g_assert_null (pare_nm_algorithm_find ("obc", FALSE, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NO_DATA);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nm-algorithms/obc-mask", test_obc_finds_nearly_the_best_masks);
  g_test_add_func ("/nm-algorithms/obc-weights", test_obc_solves_for_what_stays);
  g_test_add_func ("/nm-algorithms/obc-blocks", test_obc_cuts_wide_layers_into_blocks);
  g_test_add_func ("/nm-algorithms/sparsegpt", test_sparsegpt_makes_up_in_what_follows);
  g_test_add_func ("/nm-algorithms/wanda", test_wanda_keeps_the_largest_shares);
  g_test_add_func ("/nm-algorithms/order", test_the_more_an_algorithm_looks_at_the_better_it_is);
  g_test_add_data_func ("/nm-algorithms/positions-magnitude", "magnitude", test_positions_of_the_kernel_are_separate);
  g_test_add_data_func ("/nm-algorithms/positions-sparsegpt", "sparsegpt", test_positions_of_the_kernel_are_separate);
  g_test_add_data_func ("/nm-algorithms/positions-obc", "obc", test_positions_of_the_kernel_are_separate);
  g_test_add_func ("/nm-algorithms/found", test_algorithms_are_found);
  return g_test_run ();
}
