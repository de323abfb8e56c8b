/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Balance and absorption: factors by hand, functions that stay, and errors that get smaller where they were large. */
#include "equalize/balance.h"
#include "equalize/equalize.h"
#include "network.h"
#include <math.h>
#include <string.h>

#define BATCH 16

static PareSamples *
samples_of (GPtrArray *inputs)
{
  PareSamples *samples = pare_samples_new (inputs->len, 1 << 20);
  g_autoptr (GError) error = NULL;

  pare_samples_add (samples, (PareTensor *const *)inputs->pdata, inputs->len, BATCH, &error);
  g_assert_no_error (error);
  return samples;
}

/* Equalizes by @algorithm on random samples, and asserts that the network computes the same for them. */
static void
equalize (Net *net, const char *algorithm, double strength)
{
  g_autoptr (GPtrArray) inputs = network_inputs (net, BATCH), expected = network_run (net->graph, inputs), found = NULL;
  g_autoptr (PareSamples) samples = samples_of (inputs);
  PareEqualizeSettings settings;
  g_autoptr (GError) error = NULL;

  pare_equalize_settings_init (&settings);
  settings.algorithm = algorithm;
  settings.strength = strength;
  pare_graph_equalize (net->graph, samples, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (net->graph);
  found = network_run (net->graph, inputs);
  network_assert_close (found, expected, 1e-5);
}

static const PareRecordEntry *
entry_of (PareGraph *graph, const char *layer, const char *action)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (strcmp (pare_record_entry_layer (entry), layer) == 0
          && strcmp (pare_record_entry_action (entry), action) == 0)
        return entry;
    }
  g_error ("'%s' was not %s", layer, action);
}

static double
number_of (PareGraph *graph, const char *layer, const char *action, const char *name)
{
  double number = NAN;

  g_assert_true (pare_record_entry_number (entry_of (graph, layer, action), name, &number));
  return number;
}

/* Channels 0 to 2: f = sqrt (A / W). 3: the largest weight of the others is 8 * 0.5 = 4, of 2. 4: the largest
 * activation is 2 / 0.5 = 4, too, of 12. 5: nothing to go by. */
static void
test_factors_by_hand (void)
{
  const double activations[] = { 2, 9, 1, 0, 12, 0 }, weights[] = { 8, 1, 1, 2, 0, 0 };
  const double expected[] = { 0.5, 3, 1, 2, 3, 1 };
  double factors[6];

  pare_balance_factors (6, activations, weights, 0.5, factors);
  for (guint c = 0; c < 6; c++)
    g_assert_cmpfloat_with_epsilon (factors[c], expected[c], 1e-12);
}

/* At strength 1 all activations get the size 1, at 0 all weights do. */
static void
test_strength_says_who_gives_way (void)
{
  const double activations[] = { 2, 50 }, weights[] = { 8, 0.25 };
  double factors[2];

  pare_balance_factors (2, activations, weights, 1, factors);
  g_assert_cmpfloat_with_epsilon (factors[1], 50, 1e-12);
  pare_balance_factors (2, activations, weights, 0, factors);
  g_assert_cmpfloat_with_epsilon (factors[1], 4, 1e-12);
}

static PareValue *
normalization (Net *net, const char *output, PareValue *x, int n)
{
  g_autofree float *scales = g_new (float, n);
  PareShape shape = pare_shape_of (1, n);
  g_autoptr (PareTensor) scale = NULL;

  for (int c = 0; c < n; c++)
    scales[c] = c % 7 == 3 ? 40 : 0.5f; /* the outliers of language models */
  scale = pare_tensor_new_floats (&shape, scales);
  return OP (net, "LayerNormalization", output, x, pare_graph_add_constant (net->graph, "scale", scale),
             net_random (net, "shift", shape, -0.1, 0.1));
}

/* Three layers read one normalization; of the residual beside it, nothing changes. */
static Net
transformer (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, -1, 4, 16)), *n, *y = NULL;
  static const char *const names[] = { "q", "k", "v" };

  pare_graph_set_opset (net.graph, "", 18); /* reductions have their axes as inputs */
  n = normalization (&net, "norm", x, 16);
  for (guint i = 0; i < 3; i++)
    {
      PareValue *h = OP (&net, "MatMul", names[i], n, net_random (&net, "w", pare_shape_of (2, 16, 8), -1, 1));
      y = y ? OP (&net, "Mul", i == 1 ? "qk" : "qkv", y, OP (&net, "Tanh", i == 1 ? "t1" : "t2", h)) : h;
    }
  y = OP (&net, "MatMul", "o", y, net_random (&net, "wo", pare_shape_of (2, 8, 16), -1, 1));
  net_output (&net, OP (&net, "Add", "sum", y, x));
  return net;
}

static void
test_readers_of_a_normalization_share_factors (void)
{
  g_auto (Net) net = transformer ();
  static const char *const names[] = { "q", "k", "v" };
  double strength;

  equalize (&net, "balance", 0);
  strength = number_of (net.graph, "q", "balanced", "strength");
  for (guint i = 0; i < 3; i++)
    {
      double before = number_of (net.graph, names[i], "balanced", "error_before");
      g_assert_cmpfloat (number_of (net.graph, names[i], "balanced", "strength"), ==, strength);
      g_assert_cmpfloat (number_of (net.graph, names[i], "balanced", "error_after"), <, before / 4);
    }
}

static void
test_given_strength_is_taken (void)
{
  g_auto (Net) net = transformer ();

  equalize (&net, "balance", 0.25);
  g_assert_cmpfloat (number_of (net.graph, "v", "balanced", "strength"), ==, 0.25);
}

/* f = 1 is the best where all channels are alike. */
static void
test_nothing_changes_when_it_does_not_help (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 2)), *h;
  PareShape square = pare_shape_of (2, 2, 2);
  g_autoptr (PareTensor) one = pare_tensor_new_floats (&square, (float[]){ 1, 0, 0, 1 });

  h = OP (&net, "MatMul", "h", x, pare_graph_add_constant (net.graph, "w1", one));
  net_output (&net, OP (&net, "MatMul", "y", h, pare_graph_add_constant (net.graph, "w2", one)));
  equalize (&net, "balance", 0);
  g_assert_true (pare_tensor_equal (pare_graph_find_value (net.graph, "w2")->constant, one));
}

static PareValue *
layer (Net *net, const char *output, PareValue *x, int outputs, int inputs, double bias)
{
  g_autofree char *weight = g_strconcat (output, ".weight", NULL);

  return OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, outputs, inputs, 1, 1), -1, 1),
             net_random (net, "bias", pare_shape_of (1, outputs), bias, bias + 1));
}

/* Convolutions between which a residual passes, through all methods. */
static void
test_methods_follow_each_other (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5)), *h, *y;

  h = layer (&net, "a", x, 6, 3, -1);
  y = layer (&net, "c", OP (&net, "Relu", "r", layer (&net, "b", h, 8, 6, 20)), 6, 8, 0);
  y = OP (&net, "Relu", "r2", OP (&net, "Add", "sum", h, y));
  net_output (&net, layer (&net, "d", y, 4, 6, 0));
  equalize (&net, "cross-layer,absorb,balance", 0);
  entry_of (net.graph, "a", "equalized");
  entry_of (net.graph, "b", "absorbed");
  entry_of (net.graph, "c", "balanced");
}

/* A bias of 20 and more, and inputs below 3: all channels are above zero. The least is zero afterwards. */
static void
test_high_biases_are_absorbed (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5));

  net_output (&net, layer (&net, "b", OP (&net, "Relu", "r", layer (&net, "a", x, 8, 3, 20)), 4, 8, 0));
  equalize (&net, "absorb", 0);
  g_assert_cmpfloat (number_of (net.graph, "a", "absorbed", "shifted"), ==, 8);
  g_assert_cmpfloat (number_of (net.graph, "a", "absorbed", "largest_shift"), >, 15);
  g_assert_cmpfloat (
      pare_tensor_get_double (pare_node_constant (pare_graph_find_value (net.graph, "a")->producer, 2), 0), <, 5);
}

/* The border of a padded layer sees zeros. */
static void
test_padding_is_in_the_way_of_absorption (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5)), *y;

  y = layer (&net, "b", OP (&net, "Relu", "r", layer (&net, "a", x, 8, 3, 20)), 4, 8, 0);
  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  net_output (&net, y);
  equalize (&net, "absorb", 0);
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (net.graph, "a", "left alone")), "padding"));
}

/* beta = 10, gamma = 2: c = 4. */
static void
test_normalization_tells_the_shift_without_samples (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 1, 5, 5)), *y;
  PareShape one = pare_shape_of (1, 2);
  PareEqualizeSettings settings;
  g_autoptr (PareTensor) beta = pare_tensor_new_floats (&one, (float[]){ 10, 1 });
  g_autoptr (PareTensor) gamma = pare_tensor_new_floats (&one, (float[]){ -2, 2 });
  g_autoptr (PareTensor) zero = pare_tensor_new_floats (&one, (float[]){ 0, 0 });
  g_autoptr (GError) error = NULL;
  PareValue *shift = pare_graph_add_constant (net.graph, "beta", beta);

  y = OP (&net, "BatchNormalization", "norm", layer (&net, "a", x, 2, 1, 0),
          pare_graph_add_constant (net.graph, "gamma", gamma), shift, pare_graph_add_constant (net.graph, "mean", zero),
          pare_graph_add_constant (net.graph, "variance", gamma));
  net_output (&net, layer (&net, "b", OP (&net, "Relu", "r", y), 4, 2, 0));
  pare_equalize_settings_init (&settings);
  settings.algorithm = "absorb";
  pare_graph_equalize (net.graph, NULL, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (number_of (net.graph, "norm", "absorbed", "largest_shift"), ==, 4);
  g_assert_cmpfloat (pare_tensor_get_double (shift->constant, 0), ==, 6);
  g_assert_cmpfloat (pare_tensor_get_double (shift->constant, 1), ==, 1);
}

static void
test_missing_samples_are_an_error (void)
{
  static const char *const algorithms[] = { "cross-layer,balance", "absorb" };

  for (guint i = 0; i < 2; i++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5));
      PareEqualizeSettings settings;
      g_autoptr (GError) error = NULL;
      net_output (&net, layer (&net, "b", layer (&net, "a", x, 8, 3, 0), 4, 8, 0));
      pare_equalize_settings_init (&settings);
      settings.algorithm = algorithms[i];
      g_assert_false (pare_graph_equalize (net.graph, NULL, &settings, NULL, NULL, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_NO_DATA);
      g_assert_nonnull (strstr (error->message, "'tensors'"));
    }
}

static void
test_numbers_that_are_not_finite_are_named (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 2));
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  PareShape shape = pare_shape_of (2, BATCH, 2);
  g_autofree float *numbers = g_new0 (float, BATCH * 2);
  g_autoptr (PareSamples) samples = NULL;
  g_autoptr (GError) error = NULL;
  PareEqualizeSettings settings;

  net_output (&net, OP (&net, "MatMul", "y",
                        OP (&net, "MatMul", "h", x, net_random (&net, "w1", pare_shape_of (2, 2, 3), -1, 1)),
                        net_random (&net, "w2", pare_shape_of (2, 3, 2), -1, 1)));
  numbers[5] = INFINITY;
  g_ptr_array_add (inputs, pare_tensor_new_floats (&shape, numbers));
  samples = samples_of (inputs);
  pare_equalize_settings_init (&settings);
  settings.algorithm = "balance";
  g_assert_false (pare_graph_equalize (net.graph, samples, &settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "'h'"));
}

#define ADD(name) g_test_add_func ("/balance/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (factors_by_hand);
  ADD (strength_says_who_gives_way);
  ADD (readers_of_a_normalization_share_factors);
  ADD (given_strength_is_taken);
  ADD (nothing_changes_when_it_does_not_help);
  ADD (methods_follow_each_other);
  ADD (high_biases_are_absorbed);
  ADD (padding_is_in_the_way_of_absorption);
  ADD (normalization_tells_the_shift_without_samples);
  ADD (missing_samples_are_an_error);
  ADD (numbers_that_are_not_finite_are_named);
  return g_test_run ();
}
