/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Solving for a layer's weights from samples: what a linear layer computes determines its weights. */
#include "net.h"
#include "reconstruct/leastsquares.h"
#include <math.h>

#define SAMPLES 7
#define BATCH 3

/* Layers of every kind one after the other, with a residual connection and a Reshape whose sizes come from Shape. */
static Net
layers_net (void)
{
  static const gint64 strides[] = { 2, 1 }, pads[] = { 1, 0, 1, 2 }, dilations[] = { 1, 2 };
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 4, 7, 6)), *conv, *grouped, *up, *flat, *shape;

  conv = OP (&net, "Conv", "conv", x, net_random (&net, "w1", pare_shape_of (4, 6, 4, 3, 2), -1, 1),
             net_random (&net, "b1", pare_shape_of (1, 6), -1, 1));
  net_set_ints (conv, "strides", 2, strides);
  net_set_ints (conv, "pads", 4, pads);
  net_set_ints (conv, "dilations", 2, dilations);
  grouped = OP (&net, "Conv", "grouped", OP (&net, "Relu", "relu", conv),
                net_random (&net, "w2", pare_shape_of (4, 6, 3, 1, 1), -1, 1));
  pare_node_set_attribute (grouped->producer, pare_attribute_new_int ("group", 2));
  up = OP (&net, "ConvTranspose", "up", OP (&net, "Add", "sum", grouped, conv),
           net_random (&net, "w3", pare_shape_of (4, 6, 2, 2, 3), -1, 1),
           net_random (&net, "b3", pare_shape_of (1, 2), -1, 1));
  net_set_ints (up, "strides", 2, strides);
  flat = OP (&net, "Flatten", "flat", up);
  shape = OP (&net, "Shape", "shape", flat);
  flat = OP (&net, "Reshape", "reshaped", flat, shape);
  net_output (&net, OP (&net, "Gemm", "gemm", flat, net_random (&net, "w4", pare_shape_of (2, 128, 5), -1, 1),
                        net_random (&net, "b4", pare_shape_of (1, 5), -1, 1)));
  return net;
}

static PareSamples *
random_samples (GRand *random, PareShape shape)
{
  PareSamples *samples = pare_samples_new (1, 1 << 20);

  shape.dims[0] = BATCH;
  for (guint first = 0; first < SAMPLES; first += BATCH)
    {
      gint64 n = pare_shape_elements (&shape);
      g_autofree float *numbers = g_new (float, n);
      g_autoptr (PareTensor) batch = NULL;
      for (gint64 i = 0; i < n; i++)
        numbers[i] = g_rand_double_range (random, -1, 1);
      batch = pare_tensor_new_floats (&shape, numbers);
      g_assert_true (pare_samples_add (samples, &batch, 1, MIN (BATCH, SAMPLES - first), NULL));
    }
  return samples;
}

static PareNode *
layer_of (PareGraph *graph, const char *name)
{
  return pare_graph_find_value (graph, name)->producer;
}

/* The layer's weights and bias explain its output without rest, however it slides over its input. */
static void
test_patches_times_weights_are_the_output (void)
{
  static const char *const layers[] = { "conv", "grouped", "up", "gemm" };
  static const gint64 per_sample[] = { 4 * 6, 4 * 6, 8 * 8, 1 };
  g_auto (Net) net = layers_net ();
  g_autoptr (PareSamples) samples = random_samples (net.random, pare_shape_of (4, 1, 4, 7, 6));

  for (guint limit = 0; limit < 2; limit++) /* with the frontier kept, and computed from the samples again and again */
    {
      g_autoptr (PareWalk) student = pare_walk_new (net.graph, samples, limit ? 1 << 24 : 0);
      g_autoptr (PareWalk) teacher = pare_walk_new (net.graph, samples, limit ? 1 << 24 : 0);
      for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
        {
          PareNode *node = layer_of (net.graph, layers[i]);
          PareLayerMatrix matrix;
          g_autoptr (PareMoments) moments = NULL;
          g_autofree double *weights = NULL, *bias = NULL;
          GError *error = NULL;
          g_assert_true (pare_layer_matrix_init (&matrix, node));
          g_assert_true (pare_walk_advance (student, node, &error));
          g_assert_true (pare_walk_advance (teacher, node, &error));
          moments = pare_moments_collect (&matrix, node, student, node, teacher, 0, &error);
          g_assert_no_error (error);
          weights = pare_layer_matrix_read (&matrix, node);
          bias = pare_layer_matrix_read_bias (&matrix, node);
          g_assert_cmpfloat (moments->rows, ==, SAMPLES * per_sample[i]);
          g_assert_cmpfloat (pare_moments_error (moments, weights, bias), <, 1e-10);
          bias[0] += 1; /* and the error is one where the bias is off by one, in units of the energy */
          g_assert_cmpfloat (pare_moments_error (moments, weights, bias), >, 1e-4);
        }
    }
}

static Net
wide_net (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 9, 9));
  PareValue *a = OP (&net, "Conv", "a", x, net_random (&net, "aw", pare_shape_of (4, 4, 3, 3, 3), -1, 1));

  net_output (&net, OP (&net, "Conv", "b", OP (&net, "Relu", "r", a),
                        net_random (&net, "bw", pare_shape_of (4, 2, 4, 1, 1), -1, 1),
                        net_random (&net, "bb", pare_shape_of (1, 2), -1, 1)));
  return net;
}

/* The input of b is four times what it was: least squares finds weights of a quarter, and the same bias. */
static void
test_least_squares_makes_up_for_a_changed_prefix (void)
{
  g_auto (Net) net = wide_net ();
  g_autoptr (PareGraph) changed = pare_graph_copy (net.graph);
  g_autoptr (PareSamples) samples = random_samples (net.random, pare_shape_of (4, 1, 3, 9, 9));
  g_autoptr (PareWalk) student = pare_walk_new (changed, samples, 1 << 24);
  g_autoptr (PareWalk) teacher = pare_walk_new (net.graph, samples, 1 << 24);
  PareNode *a = layer_of (changed, "a"), *b = layer_of (changed, "b"), *original = layer_of (net.graph, "b");
  PareLayerMatrix first, matrix;
  g_autoptr (PareMoments) moments = NULL;
  g_autofree double *scaled = NULL, *wanted = NULL, *wanted_bias = NULL;
  double weights[8], bias[2];
  GError *error = NULL;

  g_assert_true (pare_walk_advance (student, a, &error));
  g_assert_true (pare_layer_matrix_init (&first, a) && pare_layer_matrix_init (&matrix, b));
  scaled = pare_layer_matrix_read (&first, a);
  for (guint i = 0; i < 4 * 27; i++)
    scaled[i] *= 4;
  pare_layer_matrix_write (&first, changed, a, scaled, NULL);
  pare_graph_assert_consistent (changed);
  g_assert_true (pare_walk_advance (student, b, &error) && pare_walk_advance (teacher, original, &error));
  moments = pare_moments_collect (&matrix, b, student, original, teacher, 0, &error);
  g_assert_no_error (error);
  g_assert_true (pare_least_squares (moments, 4, NULL, 1e-12, weights, bias, &error));
  wanted = pare_layer_matrix_read (&matrix, original);
  wanted_bias = pare_layer_matrix_read_bias (&matrix, original);
  for (guint i = 0; i < 8; i++)
    g_assert_cmpfloat_with_epsilon (weights[i], wanted[i] / 4, 1e-5);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpfloat_with_epsilon (bias[i], wanted_bias[i], 1e-4);
}

/* Fewer columns: the others' weights are zero, and no other weights for the rest are better. */
static void
test_least_squares_on_some_columns_is_a_minimum (void)
{
  static const gint64 kept[] = { 0, 3 };
  g_auto (Net) net = wide_net ();
  g_autoptr (PareSamples) samples = random_samples (net.random, pare_shape_of (4, 1, 3, 9, 9));
  g_autoptr (PareWalk) student = pare_walk_new (net.graph, samples, 0);
  g_autoptr (PareWalk) teacher = pare_walk_new (net.graph, samples, 0);
  PareNode *b = layer_of (net.graph, "b");
  PareLayerMatrix matrix;
  g_autoptr (PareMoments) moments = NULL;
  double weights[8], bias[2], least;
  GError *error = NULL;

  g_assert_true (pare_layer_matrix_init (&matrix, b));
  moments = pare_moments_collect (&matrix, b, student, b, teacher, 0, &error);
  g_assert_no_error (error);
  g_assert_true (pare_least_squares (moments, 2, kept, 1e-12, weights, bias, &error));
  g_assert_cmpfloat (weights[1], ==, 0);
  g_assert_cmpfloat (weights[4 + 2], ==, 0);
  least = pare_moments_error (moments, weights, bias);
  g_assert_cmpfloat (least, >, 1e-3);
  for (guint i = 0; i < 4; i++)
    {
      double *weight = &weights[i / 2 * 4 + kept[i % 2]], before = *weight;
      for (int sign = -1; sign <= 1; sign += 2)
        {
          *weight = before + sign * 1e-3;
          g_assert_cmpfloat (pare_moments_error (moments, weights, bias), >, least);
        }
      *weight = before;
    }
}

/* Positions that are taken in turns are a part of all, and as many as asked for. */
static void
test_rows_can_be_limited (void)
{
  g_auto (Net) net = wide_net ();
  g_autoptr (PareSamples) samples = random_samples (net.random, pare_shape_of (4, 1, 3, 9, 9));
  g_autoptr (PareWalk) walk = pare_walk_new (net.graph, samples, 0), teacher = pare_walk_new (net.graph, samples, 0);
  PareNode *b = layer_of (net.graph, "b");
  PareLayerMatrix matrix;
  g_autoptr (PareMoments) moments = NULL;

  g_assert_true (pare_layer_matrix_init (&matrix, b));
  moments = pare_moments_collect (&matrix, b, walk, b, teacher, 7, NULL);
  g_assert_cmpfloat (moments->rows, ==, SAMPLES * 7); /* every seventh of 49 */
}

/* Where the network is widest, its input of 3 x 9 x 9 has to be kept, for every sample. */
static void
test_walk_knows_how_many_samples_fit (void)
{
  g_auto (Net) net = wide_net ();
  g_autoptr (PareSamples) samples = random_samples (net.random, pare_shape_of (4, 1, 3, 9, 9));
  guint64 batch = pare_samples_batch (samples), bytes = batch * 3 * 9 * 9 * sizeof (float);
  g_autoptr (PareWalk) tight = pare_walk_new (net.graph, samples, 2 * bytes - 1);
  g_autoptr (PareWalk) wide = pare_walk_new (net.graph, samples, 2 * bytes);
  PareNode *b = layer_of (net.graph, "b");
  PareValue *result = pare_node_output (b, 0);
  guint valid;

  g_assert_cmpuint (pare_walk_fitting (tight, NULL), ==, batch);
  g_assert_cmpuint (pare_walk_fitting (wide, NULL), ==, 2 * batch);
  pare_walk_limit (wide, batch + 1);
  g_assert_cmpuint (pare_walk_batches (wide), ==, 2);
  g_assert_true (pare_walk_advance (wide, b, NULL) && pare_walk_ask (wide, 1, &result, NULL));
  g_ptr_array_unref (pare_walk_get (wide, 1, &valid, NULL));
  g_assert_cmpuint (valid, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reconstruct/patches", test_patches_times_weights_are_the_output);
  g_test_add_func ("/reconstruct/changed-prefix", test_least_squares_makes_up_for_a_changed_prefix);
  g_test_add_func ("/reconstruct/some-columns", test_least_squares_on_some_columns_is_a_minimum);
  g_test_add_func ("/reconstruct/limited-rows", test_rows_can_be_limited);
  g_test_add_func ("/reconstruct/fitting-samples", test_walk_knows_how_many_samples_fit);
  return g_test_run ();
}
