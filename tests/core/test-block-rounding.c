/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Block reconstruction: what a block is, and that learning together beats learning alone. */
#include "adaptive.h"
#include "quantize/pair.h"
#include <math.h>
#include <string.h>

static const PareShape input_shape = { .rank = 4, .dims = { -1, 3, 6, 6 } };

static PareValue *
conv (Net *net, const char *name, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (name, "_w", NULL);

  return OP (net, "Conv", name, x, adaptive_weight (net, weight, pare_shape_of (4, out, in, 1, 1)));
}

/* a; a block of b and c with a way round them; d. All activations have 4 bits, that of the input too. */
static Net
residual (void)
{
  Net net = net_new ();
  PareValue *x = adaptive_activation (&net, net_input (&net, "x", input_shape), 0.2);
  PareValue *a = adaptive_activation (&net, OP (&net, "Relu", "a_relu", conv (&net, "a", x, 3, 6)), 0.4);
  PareValue *b = adaptive_activation (&net, OP (&net, "Relu", "b_relu", conv (&net, "b", a, 6, 6)), 0.4);
  PareValue *sum = OP (&net, "Add", "sum", conv (&net, "c", b, 6, 6), a);
  PareValue *s = adaptive_activation (&net, OP (&net, "Relu", "sum_relu", sum), 0.8);

  net_output (&net, conv (&net, "d", s, 6, 4));
  return net;
}

static void
test_a_block_ends_where_all_paths_meet (void)
{
  g_auto (Net) net = residual ();
  g_autoptr (PareSamples) samples = adaptive_samples (&input_shape);
  PareRoundingSettings settings = adaptive_settings ("block");
  guint n;
  const PareRounding *block = pare_rounding_find ("block", TRUE, NULL);
  g_autoptr (GArray) layers = g_array_new (FALSE, TRUE, sizeof (PareRoundingLayer));
  PareRoundingWork work = { .graph = net.graph, .samples = samples, .settings = &settings, .layers = layers };
  const char *names[] = { "a", "b", "c", "d" };
  const guint expected[] = { 1, 2, 1, 1 };

  for (n = 0; n < G_N_ELEMENTS (names); n++)
    {
      PareRoundingLayer layer = { .node = pare_graph_find_layer (net.graph, names[n], NULL) };
      g_array_append_val (layers, layer);
    }
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (block->span (&work, i, n - i), ==, expected[i]);
  /* Not more than there may be. */
  g_assert_cmpuint (block->span (&work, 1, 1), ==, 1);
}

static void
test_a_block_is_better_than_nearest (void)
{
  g_auto (Net) net = residual ();
  g_autoptr (PareSamples) samples = adaptive_samples (&input_shape);
  PareRoundingSettings settings = adaptive_settings ("block"), plain = adaptive_settings ("nearest");
  g_autoptr (PareGraph) graph = adaptive_round (&net, samples, &settings);
  g_autoptr (PareGraph) nearest = adaptive_round (&net, samples, &plain);

  g_assert_cmpfloat (adaptive_error (&net, graph, samples), <, 0.4 * adaptive_error (&net, nearest, samples));
}

static float
step_of (PareGraph *graph, const char *output)
{
  ParePair pair;

  g_assert_true (pare_pair_read (pare_graph_find_value (graph, output)->producer, &pair));
  return pare_tensor_get_double (pair.scale->constant, 0);
}

/* QDrop: three quarters of the numbers pass unrounded while it learns, and it is judged with all of them rounded. */
static void
test_activations_may_be_dropped (void)
{
  g_auto (Net) net = residual ();
  g_autoptr (PareSamples) samples = adaptive_samples (&input_shape);
  PareRoundingSettings settings = adaptive_settings ("block"), plain = adaptive_settings ("nearest");
  g_autoptr (PareGraph) graph = NULL, without = adaptive_round (&net, samples, &settings);
  g_autoptr (PareGraph) nearest = adaptive_round (&net, samples, &plain);

  settings.drop = 0.75;
  graph = adaptive_round (&net, samples, &settings);
  g_assert_cmpfloat (adaptive_error (&net, graph, samples), <, 0.5 * adaptive_error (&net, nearest, samples));
  g_assert_cmpfloat (step_of (graph, "sum_relu_rounded"), !=, step_of (without, "sum_relu_rounded"));
}

/* Steps that are far too wide for what they round become narrower. */
static void
test_steps_of_activations_learn (void)
{
  g_auto (Net) net = residual ();
  g_autoptr (PareSamples) samples = adaptive_samples (&input_shape);
  PareRoundingSettings settings = adaptive_settings ("block");
  g_autoptr (PareGraph) graph = NULL;
  ParePair pair;

  g_assert_true (pare_pair_read (pare_graph_find_value (net.graph, "b_relu_rounded")->producer, &pair));
  ((float *)pare_tensor_data (pair.scale->constant))[0] = 4;
  settings.iterations = 600;
  graph = adaptive_round (&net, samples, &settings);
  g_assert_cmpfloat (step_of (graph, "b_relu_rounded"), <, 3.2);
  pare_graph_assert_consistent (graph);
}

static void
test_threads_do_not_show (void)
{
  g_auto (Net) net = residual ();
  g_autoptr (PareSamples) samples = adaptive_samples (&input_shape);
  PareRoundingSettings settings = adaptive_settings ("block");
  g_autoptr (PareGraph) two = NULL, one = NULL;

  settings.iterations = 100;
  two = adaptive_round (&net, samples, &settings);
  pare_set_threads (1);
  one = adaptive_round (&net, samples, &settings);
  pare_set_threads (0);
  g_assert_true (pare_tensor_equal (adaptive_weight_of (one, "b_w"), adaptive_weight_of (two, "b_w")));
  g_assert_true (pare_tensor_equal (adaptive_weight_of (one, "c_w"), adaptive_weight_of (two, "c_w")));
  g_assert_cmpfloat (step_of (one, "sum_relu_rounded"), ==, step_of (two, "sum_relu_rounded"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/block-rounding/a-block-ends-where-all-paths-meet", test_a_block_ends_where_all_paths_meet);
  g_test_add_func ("/block-rounding/a-block-is-better-than-nearest", test_a_block_is_better_than_nearest);
  g_test_add_func ("/block-rounding/activations-may-be-dropped", test_activations_may_be_dropped);
  g_test_add_func ("/block-rounding/steps-of-activations-learn", test_steps_of_activations_learn);
  g_test_add_func ("/block-rounding/threads-do-not-show", test_threads_do_not_show);
  return g_test_run ();
}
