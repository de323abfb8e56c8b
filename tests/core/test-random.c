/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Random operators: no two generators agree, so it is their distributions that are tested, and that a run can be
 * repeated. */
#include "evaluate-node.h"
#include <math.h>

#define N 100000

/* The first two moments of the output. */
static void
moments (const PareTensor *tensor, double *mean, double *variance)
{
  gint64 n = pare_tensor_elements (tensor);
  double sum = 0, squares = 0;

  for (gint64 i = 0; i < n; i++)
    {
      double x = pare_tensor_get_double (tensor, i);
      sum += x;
      squares += x * x;
    }
  *mean = sum / n;
  *variance = squares / n - *mean * *mean;
}

/* N numbers of @op_type, whose first two parameters are @a and @b. */
static PareTensor *
draw (const char *op_type, const char *a_name, float a, const char *b_name, float b, float seed)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  PareNode *node = make_node (graph, op_type, 0, 1);
  PareTensor *tensor;

  pare_node_set_attribute (node, pare_attribute_new_float (a_name, a));
  pare_node_set_attribute (node, pare_attribute_new_float (b_name, b));
  pare_node_set_attribute (node, pare_attribute_new_ints ("shape", 2, (gint64[]){ N / 10, 10 }));
  if (seed >= 0)
    pare_node_set_attribute (node, pare_attribute_new_float ("seed", seed));
  tensor = evaluate (node, NULL, &error);
  g_assert_no_error (error);
  return tensor;
}

static void
test_normal_numbers_have_their_mean_and_deviation (void)
{
  g_autoptr (PareTensor) x = draw ("RandomNormal", "mean", 3, "scale", 2, 1);
  double mean, variance;
  guint within = 0;

  moments (x, &mean, &variance);
  g_assert_cmpfloat_with_epsilon (mean, 3, 4 * 2 / sqrt (N));
  g_assert_cmpfloat_with_epsilon (variance, 4, 4 * 4 * sqrt (2. / N));
  for (guint i = 0; i < N; i++)
    within += fabs (pare_tensor_get_double (x, i) - 3) < 2;
  /* erf (1 / sqrt 2) of them lie within one deviation. */
  g_assert_cmpfloat_with_epsilon (within / (double)N, 0.682689, 4 * 0.47 / sqrt (N));
}

static void
test_uniform_numbers_fill_their_range (void)
{
  g_autoptr (PareTensor) x = draw ("RandomUniform", "low", -1, "high", 5, -1);
  double mean, variance;

  moments (x, &mean, &variance);
  g_assert_cmpfloat_with_epsilon (mean, 2, 4 * sqrt (3. / N));
  g_assert_cmpfloat_with_epsilon (variance, 3, 0.05);
  for (guint i = 0; i < N; i++)
    g_assert_true (pare_tensor_get_double (x, i) >= -1 && pare_tensor_get_double (x, i) <= 5);
}

static void
test_a_seed_gives_the_same_numbers_and_another_does_not (void)
{
  g_autoptr (PareTensor) a = draw ("RandomNormal", "mean", 0, "scale", 1, 7);
  g_autoptr (PareTensor) b = draw ("RandomNormal", "mean", 0, "scale", 1, 7);
  g_autoptr (PareTensor) c = draw ("RandomNormal", "mean", 0, "scale", 1, 8);

  g_assert_true (pare_tensor_equal (a, b));
  g_assert_false (pare_tensor_equal (a, c));
}

/* What @op_type makes of a [n,2] of rows @row. */
static PareTensor *
draw_from (const char *op_type, const float row[2], gint64 samples)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autofree float *numbers = g_new (float, 2 * N);
  PareShape shape = pare_shape_of (2, N, 2);
  PareNode *node = make_node (graph, op_type, 1, 1);
  g_autoptr (PareTensor) x = NULL;
  PareTensor *tensor;

  pare_graph_set_opset (graph, "", 15);
  for (guint i = 0; i < 2 * N; i++)
    numbers[i] = row[i % 2];
  x = pare_tensor_new_floats (&shape, numbers);
  if (samples)
    pare_node_set_attribute (node, pare_attribute_new_int ("sample_size", samples));
  tensor = evaluate (node, &x, &error);
  g_assert_no_error (error);
  return tensor;
}

static void
test_truth_is_as_likely_as_asked (void)
{
  g_autoptr (PareTensor) y = draw_from ("Bernoulli", (float[]){ 0.3f, 0.9f }, 0);
  guint counts[2] = { 0, 0 };

  for (guint i = 0; i < 2 * N; i++)
    counts[i % 2] += pare_tensor_get_double (y, i) == 1;
  g_assert_cmpfloat_with_epsilon (counts[0] / (double)N, 0.3, 4 * 0.46 / sqrt (N));
  g_assert_cmpfloat_with_epsilon (counts[1] / (double)N, 0.9, 4 * 0.3 / sqrt (N));
}

/* Logarithms need no sum of 1: e^0 and e^ln 3 are one to three. */
static void
test_classes_are_as_likely_as_asked (void)
{
  g_autoptr (PareTensor) y = draw_from ("Multinomial", (float[]){ 0, logf (3) }, 3);
  PareShape wanted = pare_shape_of (2, N, 3);
  double mean, variance;

  g_assert_true (pare_shape_equal (&y->shape, &wanted));
  g_assert_cmpint (y->type, ==, PARE_INT32);
  moments (y, &mean, &variance);
  g_assert_cmpfloat_with_epsilon (mean, 0.75, 4 * 0.44 / sqrt (3 * N));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/random/normal-numbers-have-their-mean-and-deviation",
                   test_normal_numbers_have_their_mean_and_deviation);
  g_test_add_func ("/random/uniform-numbers-fill-their-range", test_uniform_numbers_fill_their_range);
  g_test_add_func ("/random/a-seed-gives-the-same-numbers-and-another-does-not",
                   test_a_seed_gives_the_same_numbers_and_another_does_not);
  g_test_add_func ("/random/truth-is-as-likely-as-asked", test_truth_is_as_likely_as_asked);
  g_test_add_func ("/random/classes-are-as-likely-as-asked", test_classes_are_as_likely_as_asked);
  return g_test_run ();
}
