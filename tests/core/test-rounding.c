/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Roundings of weights: they stand on their grids and lose less than the nearest ones do. */
#include "rounding.h"
#include <math.h>
#include <string.h>

static PareRoundingSettings
settings_of (const char *algorithm, PareBiasCorrection correction)
{
  PareRoundingSettings settings;

  pare_rounding_settings_init (&settings);
  settings.algorithm = algorithm;
  settings.bias_correction = correction;
  return settings;
}

/* The scale of weight @i of a pair per tensor, channel of @axis, or block along it. */
static float
step_at (const ParePair *pair, gint64 i)
{
  const PareShape *shape = &pair->input->constant->shape;
  gint64 inner, along, blocks;

  if (pair->axis < 0)
    return pare_tensor_get_double (pair->scale->constant, 0);
  inner = pare_shape_span (shape, pair->axis + 1, shape->rank);
  along = i / inner % shape->dims[pair->axis];
  if (!pair->block_size)
    return pare_tensor_get_double (pair->scale->constant, along);
  blocks = (shape->dims[pair->axis] + pair->block_size - 1) / pair->block_size;
  return pare_tensor_get_double (pair->scale->constant,
                                 (i / inner / shape->dims[pair->axis] * blocks + along / pair->block_size) * inner
                                     + i % inner);
}

/* The integer of weight @i; asserts that the weight is exactly it. */
static gint64
integer_at (const ParePair *pair, gint64 i)
{
  float step = step_at (pair, i), weight = pare_tensor_get_double (pair->input->constant, i);
  gint64 integer = rint (weight / step);

  g_assert_true (integer >= pair->lowest && integer <= pair->highest);
  g_assert_true (weight == (float)integer * step);
  return integer;
}

static void
test_weights_stand_on_their_grids (void)
{
  const char *algorithms[] = { "gptq", "kmeans" };

  for (guint c = 0; c < n_rounding_cases; c++)
    for (guint a = 0; a < G_N_ELEMENTS (algorithms); a++)
      {
        g_auto (RoundingNet) net = { 0 };
        PareRoundingSettings settings = settings_of (algorithms[a], PARE_BIAS_CORRECTION_AUTO);
        g_autoptr (PareGraph) graph = NULL;
        ParePair pair;
        rounding_net_init (&net, &rounding_cases[c], 3);
        graph = rounding_run (&net, &settings, TRUE);
        pair = rounding_pair (graph, "layer");
        for (gint64 i = 0; i < pare_tensor_elements (pair.input->constant); i++)
          integer_at (&pair, i);
      }
}

static void
test_nearest_computes_what_the_quantizer_made (void)
{
  for (guint c = 0; c < n_rounding_cases; c++)
    {
      g_auto (RoundingNet) net = { 0 };
      PareRoundingSettings settings = settings_of ("nearest", PARE_BIAS_CORRECTION_NONE);
      g_autoptr (PareGraph) graph = NULL;
      g_autoptr (PareTensor) before = NULL, after = NULL;
      rounding_net_init (&net, &rounding_cases[c], 3);
      graph = rounding_run (&net, &settings, TRUE);
      before = rounding_output (net.quantized, "layer", net.batch);
      after = rounding_output (graph, "layer", net.batch);
      g_assert_true (pare_tensor_equal (before, after));
    }
}

static double
error_of (const RoundingNet *net, const char *algorithm, PareBiasCorrection correction)
{
  PareRoundingSettings settings = settings_of (algorithm, correction);
  g_autoptr (PareGraph) graph = rounding_run (net, &settings, TRUE);
  g_autoptr (PareTensor) wanted = rounding_output (net->floats, "layer", net->batch);
  g_autoptr (PareTensor) given = rounding_output (graph, "layer", net->batch);

  return rounding_distance (wanted, given);
}

static void
test_gptq_loses_less_than_the_nearest (void)
{
  for (guint c = 0; c < n_rounding_cases; c++)
    {
      g_auto (RoundingNet) net = { 0 };
      rounding_net_init (&net, &rounding_cases[c], 3);
      g_assert_cmpfloat (error_of (&net, "gptq", PARE_BIAS_CORRECTION_NONE), <,
                         error_of (&net, "nearest", PARE_BIAS_CORRECTION_NONE));
      g_assert_cmpfloat (error_of (&net, "gptq", PARE_BIAS_CORRECTION_EMPIRICAL), <,
                         error_of (&net, "nearest", PARE_BIAS_CORRECTION_EMPIRICAL));
    }
}

/* An independent GPTQ: after each rounding the weights that are left are solved for again, by elimination. */

#define INPUTS 12
#define OUTPUTS 5

/* Solves a x = b of order @n, which both become something else. */
static void
eliminate (guint n, double a[INPUTS][INPUTS], double *b)
{
  for (guint i = 0; i < n; i++)
    for (guint r = i + 1; r < n; r++)
      {
        double factor = a[r][i] / a[i][i];
        for (guint c = i; c < n; c++)
          a[r][c] -= factor * a[i][c];
        b[r] -= factor * b[i];
      }
  for (guint i = n; i-- > 0; b[i] /= a[i][i])
    for (guint c = i + 1; c < n; c++)
      b[i] -= a[i][c] * b[c];
}

/* Least of (v - w) h (v - w) where the first @fixed columns in @order of v are given: the others. */
static void
solve_rest (double h[INPUTS][INPUTS], const double *w, const guint *order, guint fixed, double *v)
{
  double a[INPUTS][INPUTS], b[INPUTS] = { 0 };

  for (guint i = fixed; i < INPUTS; i++)
    {
      for (guint j = fixed; j < INPUTS; j++)
        a[i - fixed][j - fixed] = h[order[i]][order[j]];
      for (guint j = 0; j < fixed; j++)
        b[i - fixed] -= h[order[i]][order[j]] * (v[order[j]] - w[order[j]]);
    }
  eliminate (INPUTS - fixed, a, b);
  for (guint i = fixed; i < INPUTS; i++)
    v[order[i]] = w[order[i]] + b[i - fixed];
}

/* Covariances of the samples, and the damping of one percent. */
static void
covariances (const PareTensor *batch, double h[INPUTS][INPUTS])
{
  double mean[INPUTS] = { 0 }, trace = 0;

  for (guint s = 0; s < ROUNDING_SAMPLES; s++)
    for (guint i = 0; i < INPUTS; i++)
      mean[i] += pare_tensor_get_double (batch, s * INPUTS + i) / ROUNDING_SAMPLES;
  memset (h, 0, sizeof (double) * INPUTS * INPUTS);
  for (guint s = 0; s < ROUNDING_SAMPLES; s++)
    for (guint i = 0; i < INPUTS; i++)
      for (guint j = 0; j < INPUTS; j++)
        h[i][j] += (pare_tensor_get_double (batch, s * INPUTS + i) - mean[i])
                   * (pare_tensor_get_double (batch, s * INPUTS + j) - mean[j]) / ROUNDING_SAMPLES;
  for (guint i = 0; i < INPUTS; i++)
    trace += h[i][i];
  for (guint i = 0; i < INPUTS; i++)
    h[i][i] += 0.01 * trace / INPUTS;
}

static void
order_by_diagonal (double h[INPUTS][INPUTS], guint *order)
{
  for (guint i = 0; i < INPUTS; i++)
    {
      guint place = 0;
      for (guint j = 0; j < INPUTS; j++)
        place += h[j][j] > h[i][i];
      order[place] = i;
    }
}

/* Samples that the activation's quantizer leaves as they are. */
static void
round_samples (RoundingNet *net)
{
  ParePair pair;
  double step;
  float numbers[ROUNDING_SAMPLES * INPUTS];

  g_assert_true (
      pare_pair_read (pare_node_input (pare_graph_find_layer (net->quantized, "layer", NULL), 0)->producer, &pair));
  step = pare_tensor_get_double (pair.scale->constant, 0);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = (float)rint (pare_tensor_get_double (net->batch, i) / step) * (float)step;
  pare_tensor_unref (net->batch);
  net->batch = pare_tensor_new_floats (&(PareShape){ 2, { ROUNDING_SAMPLES, INPUTS } }, numbers);
  pare_samples_free (net->samples);
  net->samples = pare_samples_new (1, G_MAXINT32);
  g_assert_true (pare_samples_add (net->samples, &net->batch, 1, ROUNDING_SAMPLES, NULL));
}

/* (v - w) h (v - w) */
static double
cost_of (double h[INPUTS][INPUTS], const double *w, const double *v)
{
  double cost = 0;

  for (guint i = 0; i < INPUTS; i++)
    for (guint j = 0; j < INPUTS; j++)
      cost += (v[i] - w[i]) * h[i][j] * (v[j] - w[j]);
  return cost;
}

/* Rounds @w to multiples of @step from @lowest to @highest, the rest solved for again after each. */
static void
round_and_solve (double h[INPUTS][INPUTS], const double *w, double step, gint32 lowest, gint32 highest, double *v)
{
  guint order[INPUTS];

  order_by_diagonal (h, order);
  for (guint p = 0; p < INPUTS; p++)
    {
      solve_rest (h, w, order, p, v);
      v[order[p]] = CLAMP (rint (v[order[p]] / step), lowest, highest) * step;
    }
}

/* No other integer for one weight alone lowers the cost of @v. */
static void
assert_no_better_neighbour (double h[INPUTS][INPUTS], const double *w, double step, const ParePair *pair, double *v)
{
  double cost = cost_of (h, w, v);

  for (guint i = 0; i < INPUTS; i++)
    {
      double kept = v[i];
      for (gint32 q = pair->lowest; q <= pair->highest; q++)
        {
          v[i] = q * step;
          g_assert_cmpfloat (cost_of (h, w, v), >=, cost - 1e-9);
        }
      v[i] = kept;
    }
}

static void
test_gptq_is_no_worse_than_solving_again_after_each_weight (void)
{
  g_auto (RoundingNet) net = { 0 };
  PareRoundingSettings settings = settings_of ("gptq", PARE_BIAS_CORRECTION_EMPIRICAL);
  g_autoptr (PareGraph) graph = NULL;
  const PareTensor *original;
  double h[INPUTS][INPUTS];
  ParePair pair;

  rounding_net_init (&net, &rounding_cases[3], 3);
  round_samples (&net);
  graph = rounding_run (&net, &settings, TRUE);
  pair = rounding_pair (graph, "layer");
  original = pare_graph_find_value (net.floats, "w")->constant;
  covariances (net.batch, h);
  for (guint o = 0; o < OUTPUTS; o++)
    {
      double w[INPUTS], expected[INPUTS], found[INPUTS], step = pare_tensor_get_double (pair.scale->constant, o);
      for (guint i = 0; i < INPUTS; i++)
        {
          w[i] = pare_tensor_get_double (original, i * OUTPUTS + o);
          found[i] = integer_at (&pair, i * OUTPUTS + o) * step;
        }
      round_and_solve (h, w, step, pair.lowest, pair.highest, expected);
      g_assert_cmpfloat (cost_of (h, w, found), <=, cost_of (h, w, expected) + 1e-9);
      assert_no_better_neighbour (h, w, step, &pair, found);
    }
}

/* A teacher that has half the weights: those of the layer become what their grids have nearest to that. */
static void
test_teacher_says_what_is_wanted (void)
{
  g_auto (RoundingNet) net = { 0 };
  PareRoundingSettings settings = settings_of ("gptq", PARE_BIAS_CORRECTION_NONE);
  g_autoptr (PareGraph) alone = NULL, taught = NULL;
  g_autoptr (PareTensor) halved = NULL, wanted = NULL, own = NULL, given = NULL;
  g_autofree float *numbers = NULL;
  PareValue *weight;
  g_autoptr (GError) error = NULL;

  rounding_net_init (&net, &rounding_cases[3], 8);
  weight = pare_graph_find_value (net.floats, "w");
  numbers = g_memdup2 (pare_tensor_data (weight->constant), pare_tensor_size (weight->constant));
  for (gint64 i = 0; i < pare_tensor_elements (weight->constant); i++)
    numbers[i] /= 2;
  halved = pare_tensor_new_floats (&weight->constant->shape, numbers);
  pare_value_set_constant (weight, halved);
  alone = rounding_run (&net, &settings, TRUE);
  taught = pare_graph_copy (net.quantized);
  g_assert_true (pare_graph_round (taught, net.floats, net.samples, &settings, NULL, NULL, &error));
  g_assert_no_error (error);
  wanted = rounding_output (net.floats, "layer", net.batch);
  own = rounding_output (alone, "layer", net.batch);
  given = rounding_output (taught, "layer", net.batch);
  g_assert_cmpfloat (rounding_distance (wanted, given), <, rounding_distance (wanted, own) / 100);
}

static void
test_kmeans_keeps_to_its_levels (void)
{
  for (guint sampled = 0; sampled < 2; sampled++)
    for (guint c = 0; c < n_rounding_cases; c++)
      {
        g_auto (RoundingNet) net = { 0 };
        PareRoundingSettings settings = settings_of ("kmeans", PARE_BIAS_CORRECTION_NONE);
        g_autoptr (PareGraph) graph = NULL;
        g_autoptr (GHashTable) integers = g_hash_table_new (NULL, NULL);
        ParePair pair;
        settings.levels = 4;
        rounding_net_init (&net, &rounding_cases[c], 8);
        graph = rounding_run (&net, &settings, sampled);
        pair = rounding_pair (graph, "layer");
        for (gint64 i = 0; i < pare_tensor_elements (pair.input->constant); i++)
          g_hash_table_add (integers, GINT_TO_POINTER (integer_at (&pair, i)));
        g_assert_cmpuint (g_hash_table_size (integers), ==, 4);
      }
}

static void
test_zeros_of_a_pattern_stay (void)
{
  const char *algorithms[] = { "gptq", "kmeans" };

  for (guint a = 0; a < G_N_ELEMENTS (algorithms); a++)
    {
      g_auto (RoundingNet) net = { 0 };
      PareRoundingSettings settings = settings_of (algorithms[a], PARE_BIAS_CORRECTION_NONE);
      g_autoptr (PareGraph) graph = NULL;
      g_autoptr (PareTensor) sparse = NULL;
      g_autofree float *numbers = NULL;
      ParePair pair;
      settings.levels = 4;
      rounding_net_init (&net, &rounding_cases[0], 8);
      pair = rounding_pair (net.quantized, "layer");
      numbers = g_memdup2 (pare_tensor_data (pair.input->constant), pare_tensor_size (pair.input->constant));
      for (gint64 i = 0; i < pare_tensor_elements (pair.input->constant); i += 2)
        numbers[i] = 0;
      sparse = pare_tensor_new_floats (&pair.input->constant->shape, numbers);
      pare_value_set_constant (pair.input, sparse);
      pair.input->sparsity = (PareSparsity){ .mode = PARE_SPARSITY_N_OF_M, .n = 1, .m = 2 };
      graph = rounding_run (&net, &settings, TRUE);
      pair = rounding_pair (graph, "layer");
      for (gint64 i = 0; i < pare_tensor_elements (pair.input->constant); i += 2)
        g_assert_cmpint (integer_at (&pair, i), ==, 0);
    }
}

static void
test_result_does_not_depend_on_threads (void)
{
  g_auto (RoundingNet) net = { 0 };
  PareRoundingSettings settings = settings_of ("gptq", PARE_BIAS_CORRECTION_AUTO);
  PareTensor *weights[2];

  rounding_net_init (&net, &rounding_cases[0], 4);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PareGraph) graph = NULL;
      pare_set_threads (i + 1);
      graph = rounding_run (&net, &settings, TRUE);
      weights[i] = pare_tensor_ref (rounding_pair (graph, "layer").input->constant);
    }
  pare_set_threads (0);
  g_assert_true (pare_tensor_equal (weights[0], weights[1]));
  for (guint i = 0; i < 2; i++)
    pare_tensor_unref (weights[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rounding/weights-stand-on-their-grids", test_weights_stand_on_their_grids);
  g_test_add_func ("/rounding/nearest-computes-what-the-quantizer-made", test_nearest_computes_what_the_quantizer_made);
  g_test_add_func ("/rounding/gptq-loses-less-than-the-nearest", test_gptq_loses_less_than_the_nearest);
  g_test_add_func ("/rounding/gptq-is-no-worse-than-solving-again-after-each-weight",
                   test_gptq_is_no_worse_than_solving_again_after_each_weight);
  g_test_add_func ("/rounding/teacher-says-what-is-wanted", test_teacher_says_what_is_wanted);
  g_test_add_func ("/rounding/kmeans-keeps-to-its-levels", test_kmeans_keeps_to_its_levels);
  g_test_add_func ("/rounding/zeros-of-a-pattern-stay", test_zeros_of_a_pattern_stay);
  g_test_add_func ("/rounding/result-does-not-depend-on-threads", test_result_does_not_depend_on_threads);
  return g_test_run ();
}
