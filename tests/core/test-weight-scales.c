/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales of weights: each algorithm's by hand or by trying all others, and which weights share one. */
#include "net.h"
#include "quantize/parameters.h"
#include "quantize/weight-algorithm.h"
#include <math.h>
#include <string.h>

static const PareWeightAlgorithm *
algorithm (const char *name)
{
  return pare_weight_algorithm_find (name, NULL);
}

/* ARQ by its formula: s = max|w| / (2^(b-1) - 1), but by 2^(b-1) where |min| > |max|. */
static void
test_arq_is_its_formula (void)
{
  static const struct
  {
    float weights[3];
    guint bits;
    gboolean narrow;
    float scale;
  } cases[] = {
    { { 1.27f, -0.5f, 0 }, 8, FALSE, 0.01f },  /* 1.27 / 127 */
    { { -1.28f, 0.5f, 0 }, 8, FALSE, 0.01f },  /* 1.28 / 128 */
    { { -1.27f, 1.27f, 0 }, 8, FALSE, 0.01f }, /* equal: 1.27 / 127 */
    { { -0.8f, 0.3f, 0.1f }, 4, FALSE, 0.1f }, /* 0.8 / 8 */
    { { 0.7f, -0.3f, 0.1f }, 4, FALSE, 0.1f }, /* 0.7 / 7 */
    { { -0.7f, 0.3f, 0.1f }, 4, TRUE, 0.1f },  /* without -8: 0.7 / 7 */
    { { -0.4f, -0.2f, -0.1f }, 2, FALSE, 0.2f },
    { { -3.2768f, 1, 0 }, 16, FALSE, 0.0001f },
    { { 0, 0, 0 }, 8, FALSE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PareWeightGrid grid = pare_weight_grid (cases[i].bits, cases[i].narrow);
      float scale = algorithm ("arq")->scale (cases[i].weights, 3, &grid);
      g_assert_cmpfloat_with_epsilon (scale, cases[i].scale, cases[i].scale * 1e-6 + 1e-12);
    }
}

/* With it, the lowest integer is used. */
static void
test_arq_reaches_the_lowest_integer (void)
{
  const PareGranularity all = { -1 };
  const PareWeightGrid grid = pare_weight_grid (4, FALSE);
  PareShape shape = pare_shape_of (1, 4);
  g_autoptr (PareTensor) weight = pare_tensor_new_floats (&shape, (float[]){ -0.8f, 0.31f, -0.1f, 0 });
  g_autoptr (PareTensor) scales = pare_weight_scales (weight, &all, &grid, algorithm ("arq"), NULL, NULL);
  g_autoptr (PareTensor) integers = pare_weight_quantize (weight, &all, scales, &grid);

  g_assert_cmpmem (pare_tensor_data (integers), 4, ((gint8[]){ -8, 3, -1, 0 }), 4);
}

static double
error_of (const float *weights, guint n, double scale, const PareWeightGrid *grid)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += pow (fmin (fmax (rint (weights[i] / scale), grid->lowest), grid->highest) * scale - weights[i], 2);
  return sum;
}

/* Against a search a hundred times finer: its error is at most 5% above the least there is. */
static void
test_mse_is_near_the_least_error (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);

  for (guint bits = 2; bits <= 8; bits++)
    {
      const PareWeightGrid grid = pare_weight_grid (bits, FALSE);
      float weights[200];
      double largest = 0, least = INFINITY;
      for (guint i = 0; i < 200; i++)
        {
          double sum = 0;
          for (guint k = 0; k < 6; k++)
            sum += g_rand_double_range (random, -1, 1);
          weights[i] = sum;
          largest = fmax (largest, fabs (sum));
        }
      for (guint k = 1; k <= 4000; k++)
        least = fmin (least, error_of (weights, 200, largest / grid.highest * k / 4000, &grid));
      g_assert_cmpfloat (error_of (weights, 200, algorithm ("mse")->scale (weights, 200, &grid), &grid), <=,
                         1.05 * least);
    }
}

/* 1 - <w, w'> / <w, w> at 4 bits: least squares alone loses about a hundredth, always on the same side. */
static void
test_gain_is_kept (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  const PareGranularity rows = { 0 };
  const PareWeightGrid grid = pare_weight_grid (4, FALSE);
  PareShape shape = pare_shape_of (2, 8, 300);
  float data[8 * 300];
  g_autoptr (PareTensor) weight = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    {
      data[i] = 0;
      for (guint k = 0; k < 6; k++)
        data[i] += g_rand_double_range (random, -1, 1);
    }
  weight = pare_tensor_new_floats (&shape, data);
  for (guint a = 0; a < 2; a++)
    {
      g_autoptr (PareTensor) scales
          = pare_weight_scales (weight, &rows, &grid, algorithm (a ? "gain" : "mse"), NULL, NULL);
      g_autoptr (PareTensor) integers = pare_weight_quantize (weight, &rows, scales, &grid);
      double shrunk = 0;
      for (guint row = 0; row < 8; row++)
        {
          double power = 0, along = 0;
          for (guint i = row * 300; i < (row + 1) * 300; i++)
            {
              power += data[i] * data[i];
              along += data[i] * pare_tensor_get_int (integers, i) * pare_tensor_get_double (scales, row);
            }
          shrunk += (1 - along / power) / 8;
        }
      if (a)
        g_assert_cmpfloat (fabs (shrunk), <, 0.002);
      else
        g_assert_cmpfloat (shrunk, >, 0.006);
    }
}

static void
test_auto_cuts_off_below_eight_bits_only (void)
{
  const float weights[] = { 1, 0.1f, 0.12f, -0.11f, 0.09f, -0.1f, 0.1f, 0.08f };

  for (guint bits = 2; bits <= 16; bits++)
    {
      const PareWeightGrid grid = pare_weight_grid (bits, FALSE);
      float expected = algorithm (bits < 8 ? "mse" : "minmax")->scale (weights, 8, &grid);
      g_assert_cmpfloat (algorithm ("auto")->scale (weights, 8, &grid), ==, expected);
    }
}

static void
test_unknown_algorithm_names_the_nearest (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pare_weight_algorithm_find ("minmix", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'minmax'"));
}

/* Which weights share a scale */

static PareTensor *
random_weight (const PareShape *shape)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  gint64 n = pare_shape_elements (shape);
  g_autofree float *data = g_new (float, n);

  for (gint64 i = 0; i < n; i++)
    data[i] = g_rand_double_range (random, -1, 1);
  return pare_tensor_new_floats (shape, data);
}

/* Offset of (a, b, c) in [A, B, C]. */
#define AT(a, b, c, B, C) (((a) * (B) + (b)) * (C) + (c))

/* Runs of @group along the middle axis of [outer, size, inner], the last one shorter: their largest weight is 7 steps.
 */
static void
check_groups (int outer, int size, int inner, int group, const PareShape *shape, int axis)
{
  const PareGranularity granularity = { axis, group };
  const PareWeightGrid grid = pare_weight_grid (4, FALSE);
  int groups = (size + group - 1) / group;
  g_autoptr (PareTensor) weight = random_weight (shape);
  g_autoptr (PareTensor) scales = pare_weight_scales (weight, &granularity, &grid, algorithm ("minmax"), NULL, NULL);
  g_autoptr (PareTensor) integers = pare_weight_quantize (weight, &granularity, scales, &grid);
  const float *w = pare_tensor_data (weight), *s = pare_tensor_data (scales);
  const gint8 *q = pare_tensor_data (integers);

  g_assert_cmpuint (scales->shape.rank, ==, shape->rank);
  g_assert_cmpint (scales->shape.dims[axis], ==, groups);
  g_assert_cmpint (pare_tensor_elements (scales), ==, outer * groups * inner);
  for (int o = 0; o < outer; o++)
    for (int g = 0; g < groups; g++)
      for (int i = 0; i < inner; i++)
        {
          float scale = s[AT (o, g, i, groups, inner)], largest = 0;
          for (int k = g * group; k < MIN (size, (g + 1) * group); k++)
            largest = fmaxf (largest, fabsf (w[AT (o, k, i, size, inner)]));
          g_assert_cmpfloat_with_epsilon (scale, largest / 7, 1e-7);
          for (int k = g * group; k < MIN (size, (g + 1) * group); k++)
            {
              gint64 at = AT (o, k, i, size, inner);
              g_assert_cmpint (q[at], ==, (int)rintf (w[at] / scale));
              g_assert_cmpint (pare_granularity_index (&granularity, shape, at), ==, AT (o, g, i, groups, inner));
            }
        }
}

static void
test_groups_are_runs_along_the_input_axis (void)
{
  PareShape rows = pare_shape_of (2, 5, 70), columns = pare_shape_of (2, 70, 5), conv = pare_shape_of (4, 3, 40, 3, 2);

  check_groups (5, 70, 1, 32, &rows, 1);
  check_groups (1, 70, 5, 32, &columns, 0);
  check_groups (1, 70, 5, 35, &columns, 0);
  check_groups (3, 40, 6, 16, &conv, 1);
}

static void
test_smaller_groups_lose_less (void)
{
  const PareWeightGrid grid = pare_weight_grid (4, FALSE);
  PareShape shape = pare_shape_of (2, 16, 256);
  g_autoptr (PareTensor) weight = random_weight (&shape);
  double before = -INFINITY;

  for (int group = 256; group >= 8; group /= 4)
    {
      const PareGranularity granularity = { 1, group };
      g_autoptr (PareTensor) scales
          = pare_weight_scales (weight, &granularity, &grid, algorithm ("minmax"), NULL, NULL);
      double sqnr = pare_weight_sqnr (weight, &granularity, scales, &grid);
      g_assert_cmpfloat (sqnr, >, before);
      before = sqnr;
    }
}

/* 6.02 dB for each bit, as for any uniform quantizer. */
static void
test_sqnr_counts_bits (void)
{
  const PareGranularity rows = { 0 };
  PareShape shape = pare_shape_of (2, 4, 1000);
  g_autoptr (PareTensor) weight = random_weight (&shape);

  for (guint bits = 6; bits <= 16; bits += 2)
    {
      const PareWeightGrid grid = pare_weight_grid (bits, FALSE);
      g_autoptr (PareTensor) scales = pare_weight_scales (weight, &rows, &grid, algorithm ("minmax"), NULL, NULL);
      g_autoptr (PareTensor) integers = pare_weight_quantize (weight, &rows, scales, &grid);
      g_assert_cmpfloat_with_epsilon (pare_weight_sqnr (weight, &rows, scales, &grid), 6.02 * bits, 0.5);
      g_assert_cmpint (integers->type, ==, bits > 8 ? PARE_INT16 : PARE_INT8);
    }
}

static void
test_zeros_stay_zeros (void)
{
  static const char *const names[] = { "arq", "auto", "gain", "minmax", "mse" };
  const PareGranularity granularities[] = { { -1 }, { 0 }, { 1, 16 } };
  PareShape shape = pare_shape_of (2, 8, 64);
  g_autoptr (PareTensor) dense = random_weight (&shape), weight = NULL;
  float *sparse = g_memdup2 (pare_tensor_data (dense), pare_tensor_size (dense));

  for (guint i = 0; i < 8 * 64; i++)
    sparse[i] = i % 4 < 2 ? 0 : sparse[i];
  weight = pare_tensor_new_take (PARE_FLOAT32, &shape, sparse);
  for (guint a = 0; a < G_N_ELEMENTS (names); a++)
    for (guint g = 0; g < G_N_ELEMENTS (granularities); g++)
      {
        const PareWeightGrid grid = pare_weight_grid (4, FALSE);
        g_autoptr (PareTensor) scales
            = pare_weight_scales (weight, &granularities[g], &grid, algorithm (names[a]), NULL, NULL);
        g_autoptr (PareTensor) integers = pare_weight_quantize (weight, &granularities[g], scales, &grid);
        for (guint i = 0; i < 8 * 64; i++)
          if (i % 4 < 2)
            g_assert_cmpint (((const gint8 *)pare_tensor_data (integers))[i], ==, 0);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/weight-scales/arq-is-its-formula", test_arq_is_its_formula);
  g_test_add_func ("/weight-scales/arq-reaches-the-lowest-integer", test_arq_reaches_the_lowest_integer);
  g_test_add_func ("/weight-scales/mse-is-near-the-least-error", test_mse_is_near_the_least_error);
  g_test_add_func ("/weight-scales/gain-is-kept", test_gain_is_kept);
  g_test_add_func ("/weight-scales/auto-cuts-off-below-eight-bits-only", test_auto_cuts_off_below_eight_bits_only);
  g_test_add_func ("/weight-scales/unknown-algorithm-names-the-nearest", test_unknown_algorithm_names_the_nearest);
  g_test_add_func ("/weight-scales/groups-are-runs-along-the-input-axis", test_groups_are_runs_along_the_input_axis);
  g_test_add_func ("/weight-scales/smaller-groups-lose-less", test_smaller_groups_lose_less);
  g_test_add_func ("/weight-scales/sqnr-counts-bits", test_sqnr_counts_bits);
  g_test_add_func ("/weight-scales/zeros-stay-zeros", test_zeros_stay_zeros);
  return g_test_run ();
}
