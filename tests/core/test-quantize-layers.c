/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the quantizer does with single layers: their own bits, weights alone, biases that 32 bits do not hold, settings
 * that contradict each other, and odd activations. */
#include "network.h"
#include "quantize/layers.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "quantize/trainable.h"
#include <math.h>
#include <string.h>

#define INPUTS 40
#define CHANNELS 6

/* y = third (second (first (x))): three products, the middle one no edge. */
static PareGraph *
chain (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, INPUTS));
  PareValue *a = OP (&net, "Gemm", "first", x, net_random (&net, "w1", pare_shape_of (2, INPUTS, INPUTS), -1, 1),
                     net_random (&net, "b1", pare_shape_of (1, INPUTS), -1, 1));
  PareValue *b = OP (&net, "Gemm", "second", a, net_random (&net, "w2", pare_shape_of (2, INPUTS, CHANNELS), -1, 1),
                     net_random (&net, "b2", pare_shape_of (1, CHANNELS), -1, 1));
  PareValue *y = OP (&net, "MatMul", "third", b, net_random (&net, "w3", pare_shape_of (2, CHANNELS, 4), -1, 1));

  net_output (&net, y);
  return g_object_ref (net.graph);
}

static void
set_ranges (PareGraph *graph, float low, float high)
{
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (!value->constant)
        value->range = (PareRange){ low, high };
    }
}

static gboolean
quantize (PareGraph *graph, const PareQuantizeSettings *base, const char *text, GError **error)
{
  g_autoptr (GHashTable) layers = pare_quantize_layers_parse (text, NULL);
  PareQuantizeSettings settings = *base;

  g_assert_nonnull (layers);
  settings.layers = layers;
  return pare_graph_quantize (graph, &settings, error);
}

static PareQuantizeSettings
defaults (void)
{
  PareQuantizeSettings settings;

  pare_quantize_settings_init (&settings);
  return settings;
}

static const PareRecordEntry *
entry_of (const PareGraph *graph, const char *layer)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (strcmp (pare_record_entry_layer (entry), layer) == 0)
        return entry;
    }
  g_error ("Nothing is recorded of layer '%s'.", layer);
}

static double
number_of (const PareGraph *graph, const char *layer, const char *name)
{
  double number = -1;

  pare_record_entry_number (entry_of (graph, layer), name, &number);
  return number;
}

/* The pair of the named value. */
static gboolean
find_pair (PareGraph *graph, const char *value, ParePair *pair)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_pair_read (graph->nodes->pdata[i], pair) && pair->input == pare_graph_find_value (graph, value))
      return TRUE;
  return FALSE;
}

static void
test_layers_have_their_own_bits (void)
{
  g_autoptr (PareGraph) graph = chain ();
  const PareQuantizeSettings settings = defaults ();
  ParePair pair;

  set_ranges (graph, -1, 1);
  g_assert_true (quantize (graph, &settings, "second:bits=4,activation-bits=5,weight-algorithm=arq", NULL));
  g_assert_true (find_pair (graph, "w2", &pair));
  g_assert_cmpint (pair.lowest, ==, -8);
  g_assert_true (find_pair (graph, "first", &pair));
  g_assert_cmpint (pair.highest, ==, 31);
  g_assert_true (find_pair (graph, "w1", &pair));
  g_assert_cmpint (pair.lowest, ==, -128);
  g_assert_cmpfloat (number_of (graph, "second", "activation_bits"), ==, 5);
  g_assert_cmpfloat (number_of (graph, "third", "activation_bits"), ==, 8);
}

/* Two readers of one value, which has one grid: the finer one. */
static void
test_shared_values_take_the_most_bits_asked_for (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 8));
  PareQuantizeSettings settings = defaults ();
  ParePair pair;

  net_output (&net, OP (&net, "MatMul", "a", x, net_random (&net, "wa", pare_shape_of (2, 8, 4), -1, 1)));
  net_output (&net, OP (&net, "MatMul", "b", x, net_random (&net, "wb", pare_shape_of (2, 8, 4), -1, 1)));
  set_ranges (net.graph, -1, 1);
  g_assert_true (quantize (net.graph, &settings, "a:activation-bits=6;b:activation-bits=4", NULL));
  g_assert_true (find_pair (net.graph, "x", &pair));
  g_assert_cmpint (pair.highest, ==, 63);
}

/* What is said of one layer comes before what is said of all, and of two that read one value the symmetric one wins. */
static void
test_layers_have_their_own_zero_points (void)
{
  static const struct
  {
    gboolean symmetric;
    const char *layers;
    PareDataType x, first;
  } cases[] = {
    { FALSE, "a:enable=true", PARE_UINT8, PARE_UINT8 },
    { TRUE, "a:enable=true", PARE_INT8, PARE_INT8 },
    { FALSE, "b:symmetric=true", PARE_INT8, PARE_UINT8 },
    { TRUE, "c:symmetric=false", PARE_INT8, PARE_UINT8 },
    { TRUE, "a:symmetric=false", PARE_UINT8, PARE_INT8 },
    { TRUE, "a:symmetric=false;b:symmetric=true", PARE_INT8, PARE_INT8 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 8)), *first;
      PareQuantizeSettings settings = defaults ();
      ParePair pair;
      first = OP (&net, "MatMul", "a", x, net_random (&net, "wa", pare_shape_of (2, 8, 4), -1, 1));
      net_output (&net, OP (&net, "MatMul", "b", x, net_random (&net, "wb", pare_shape_of (2, 8, 4), -1, 1)));
      net_output (&net, OP (&net, "MatMul", "c", first, net_random (&net, "wc", pare_shape_of (2, 4, 4), -1, 1)));
      set_ranges (net.graph, -1, 3);
      settings.symmetric = cases[i].symmetric;
      g_assert_true (quantize (net.graph, &settings, cases[i].layers, NULL));
      g_assert_true (find_pair (net.graph, "x", &pair));
      g_assert_cmpint (pair.type, ==, cases[i].x);
      g_assert_true (find_pair (net.graph, "a", &pair));
      g_assert_cmpint (pair.type, ==, cases[i].first);
    }
}

static void
test_weights_alone_need_no_ranges (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareQuantizeSettings settings = defaults ();
  g_autoptr (GError) error = NULL;
  ParePair pair;

  settings.weights_only = TRUE;
  settings.bits = 4;
  g_assert_true (quantize (graph, &settings, "third:enable=false", &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  g_assert_true (find_pair (graph, "w1", &pair));
  g_assert_true (find_pair (graph, "w2", &pair));
  g_assert_false (find_pair (graph, "w3", &pair));
  g_assert_false (find_pair (graph, "x", &pair));
  g_assert_false (find_pair (graph, "first", &pair));
  /* Nothing counts the bias in integers. */
  g_assert_nonnull (pare_graph_find_value (graph, "b2"));
  g_assert_cmpfloat (number_of (graph, "second", "weight_bits"), ==, 4);
  g_assert_cmpfloat (number_of (graph, "second", "activation_bits"), ==, -1);
  g_assert_cmpstr (pare_record_entry_action (entry_of (graph, "third")), ==, "left in float");
}

/* Groups */

static void
test_groups_are_where_there_are_channels_for_them (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareQuantizeSettings settings = defaults ();
  g_autoptr (GError) error = NULL;
  ParePair pair;

  set_ranges (graph, -1, 1);
  settings.group_size = 32;
  g_assert_true (quantize (graph, &settings, "second:group-size=0", &error));
  g_assert_no_error (error);
  g_assert_true (find_pair (graph, "w1", &pair));
  g_assert_cmpint (pair.block_size, ==, 32);
  g_assert_cmpint (pair.axis, ==, 0);
  g_assert_cmpint (pair.scale->constant->shape.dims[0], ==, 2); /* 32 and 8 of 40 */
  g_assert_cmpint (pair.scale->constant->shape.dims[1], ==, INPUTS);
  g_assert_cmpfloat (number_of (graph, "first", "group_size"), ==, 32);
  g_assert_true (find_pair (graph, "w2", &pair));
  g_assert_cmpint (pair.block_size, ==, 0);
  g_assert_cmpint (pair.axis, ==, 1);
  g_assert_true (find_pair (graph, "w3", &pair));
  g_assert_cmpint (pair.block_size, ==, 0);
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (graph, "third")), "only 6 input channels"));
}

/* Sums of groups have no common step: the bias stays what it is, in the graph and in the file. */
static void
test_groups_leave_the_bias_in_float (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareQuantizeSettings settings = defaults ();
  g_autoptr (PareTensor) before = pare_tensor_ref (pare_graph_find_value (graph, "b1")->constant);

  set_ranges (graph, -1, 1);
  settings.group_size = 32;
  g_assert_true (quantize (graph, &settings, NULL, NULL));
  g_assert_true (pare_form_find ("qdq", NULL)->lower (graph, NULL));
  g_assert_true (pare_tensor_equal (pare_node_constant (pare_graph_find_value (graph, "first")->producer, 2), before));
}

static void
test_groups_cannot_be_trained (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareQuantizeSettings settings = defaults ();
  g_autoptr (GError) error = NULL;

  set_ranges (graph, -1, 1);
  settings.group_size = 32;
  g_assert_true (quantize (graph, &settings, NULL, NULL));
  g_assert_cmpint (pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, &error), ==, -1);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED);
  g_assert_nonnull (strstr (error->message, "w1"));
  g_assert_nonnull (strstr (error->message, "one scale per channel"));
}

/* Biases */

/* A convolution with weights of about 1e-3 and the given biases, on data in [0, 1]: one step of the data is 1 / 255, so
 * a bias of 32 bits wants weight scales of at least |b| 255 / 2^30. */
static PareGraph *
biased (const float biases[CHANNELS])
{
  g_auto (Net) net = net_new ();
  PareShape shape = pare_shape_of (1, CHANNELS);
  g_autoptr (PareTensor) bias = pare_tensor_new_floats (&shape, biases);
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 3, 6, 6));
  PareValue *y = OP (&net, "Conv", "y", x, net_random (&net, "w", pare_shape_of (4, CHANNELS, 3, 3, 3), -1e-3, 1e-3),
                     pare_graph_add_constant (net.graph, "b", bias));

  net_output (&net, y);
  set_ranges (net.graph, 0, 1);
  return g_object_ref (net.graph);
}

static void
test_bias_that_would_not_fit_makes_its_channel_coarser (void)
{
  /* 60 x 255 / 2^30 = 1.4e-5: nearly twice the scale of 1e-3 / 127. */
  g_autoptr (PareGraph) graph = biased ((float[]){ 0.5f, 60, 0, -1, 0.1f, 0 });
  const PareQuantizeSettings settings = defaults ();
  g_autoptr (GError) error = NULL;
  ParePair pair;

  g_assert_true (quantize (graph, &settings, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (find_pair (graph, "w", &pair));
  g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (pair.scale->constant, 1), 60. * 255 / (1 << 30), 1e-9);
  g_assert_cmpfloat (pare_tensor_get_double (pair.scale->constant, 0), <, 1e-3 / 126);
  g_assert_cmpfloat (number_of (graph, "y", "coarser_channels"), ==, 1);
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (graph, "y")), "1 channel"));
}

static void
test_layer_that_its_bias_would_ruin_stays_in_float (void)
{
  /* 1e5 x 255 / 2^30 = 0.024: no weight would be left. */
  g_autoptr (PareGraph) graph = biased ((float[]){ 1e5f, -1e5f, 1e5f, 1e5f, 1e5f, 1e5f });
  const PareQuantizeSettings settings = defaults ();
  g_autoptr (GError) error = NULL;
  ParePair pair;

  g_assert_true (quantize (graph, &settings, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (find_pair (graph, "w", &pair));
  g_assert_false (find_pair (graph, "x", &pair));
  g_assert_cmpstr (pare_record_entry_action (entry_of (graph, "y")), ==, "left in float");
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (graph, "y")), "32 bits"));
}

/* A channel whose weights are nearly nothing beside its bias says nothing of the layer. */
static void
test_channel_without_weight_does_not_condemn_its_layer (void)
{
  g_autoptr (PareGraph) graph = biased ((float[]){ 1, 1, 1, 1, 1, 1 });
  PareValue *weight = pare_graph_find_value (graph, "w");
  float *numbers = g_memdup2 (pare_tensor_data (weight->constant), pare_tensor_size (weight->constant));
  const PareQuantizeSettings settings = defaults ();
  g_autoptr (PareTensor) tensor = NULL;
  ParePair pair;

  for (guint i = 0; i < 27; i++)
    numbers[i] *= 1e-9f;
  tensor = pare_tensor_new_take (PARE_FLOAT32, &weight->constant->shape, numbers);
  pare_value_set_constant (weight, tensor);
  g_assert_true (quantize (graph, &settings, NULL, NULL));
  g_assert_true (find_pair (graph, "w", &pair));
}

/* Contradictions */

static void
test_contradictions_are_refused (void)
{
  static const struct
  {
    const char *layers, *skip[3], *message;
    gboolean weights_only;
    guint group_size;
    gboolean whole;
  } cases[] = {
    { "second:enable=true", { "second" }, "'second' is in skip-layers" },
    { "second:bits=4", { "second" }, "'second' is in skip-layers" },
    { NULL, { "second", "second" }, "'second' stands twice" },
    { "second:per-channel=false,group-size=32", { NULL }, "'second' has scales per group" },
    { "second:bits=9", { NULL }, "from 2 to 8, or 16" },
    { "second:activation-bits=15", { NULL }, "from 2 to 8, or 16" },
    { "second:activation-bits=4", { NULL }, "weights-only", TRUE },
    { "second:symmetric=true", { NULL }, "weights-only", TRUE },
    { NULL, { NULL }, "group-size=32", FALSE, 32, TRUE },
    { "secnd:bits=4", { NULL }, "'second'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PareGraph) graph = chain ();
      g_autoptr (GError) error = NULL;
      PareQuantizeSettings settings = defaults ();
      set_ranges (graph, -1, 1);
      settings.skip_layers = cases[i].skip;
      settings.weights_only = cases[i].weights_only;
      settings.group_size = cases[i].group_size;
      settings.per_channel = !cases[i].whole;
      g_assert_false (quantize (graph, &settings, cases[i].layers, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      if (!strstr (error->message, cases[i].message))
        g_error ("Case %u: %s", i, error->message);
    }
}

/* A layer may be named in both when both say the same. */
static void
test_skipping_twice_over_is_no_contradiction (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareQuantizeSettings settings = defaults ();

  set_ranges (graph, -1, 1);
  settings.skip_layers = (const char *const[]){ "second", NULL };
  g_assert_true (quantize (graph, &settings, "second:enable=false", NULL));
}

/* Odd activations */

static PareTensor *
run (PareGraph *graph, float number)
{
  PareShape shape = pare_shape_of (2, 3, INPUTS);
  float data[3 * INPUTS];
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (GPtrArray) inputs = g_ptr_array_new (), outputs = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = number;
  input = pare_tensor_new_floats (&shape, data);
  g_ptr_array_add (inputs, input);
  outputs = network_run (graph, inputs);
  return pare_tensor_ref (outputs->pdata[0]);
}

/* Whatever the constant, its grid holds it exactly: the result is the float network's but for the weights. */
static void
test_constant_activations_are_on_their_grid (void)
{
  const float constants[] = { 0, 1, -3, 1e-3f, 1e20f };

  for (guint i = 0; i < G_N_ELEMENTS (constants); i++)
    {
      g_autoptr (PareGraph) graph = chain ();
      const PareQuantizeSettings settings = defaults ();
      PareValue *x = pare_graph_find_value (graph, "x");
      ParePair pair;
      double scale, zero;
      set_ranges (graph, -1, 1);
      x->range = (PareRange){ constants[i], constants[i] };
      g_assert_true (quantize (graph, &settings, NULL, NULL));
      g_assert_true (find_pair (graph, "x", &pair));
      scale = pare_tensor_get_double (pair.scale->constant, 0);
      zero = pare_tensor_get_double (pair.zero_point->constant, 0);
      g_assert_true (scale > 0 && isfinite (scale));
      g_assert_cmpfloat_with_epsilon ((rint (constants[i] / scale + zero) - zero) * scale, constants[i],
                                      fabs (constants[i]) * 1e-6 + 1e-38);
    }
}

static void
test_all_zero_activations_run (void)
{
  g_autoptr (PareGraph) graph = chain (), plain = chain ();
  const PareQuantizeSettings settings = defaults ();
  g_autoptr (PareTensor) found = NULL, expected = NULL;

  set_ranges (graph, -8, 8);
  pare_graph_find_value (graph, "x")->range = (PareRange){ 0, 0 };
  pare_graph_find_value (graph, "first")->range = (PareRange){ -1, 1 };
  g_assert_true (quantize (graph, &settings, NULL, NULL));
  found = run (graph, 0);
  expected = run (plain, 0);
  for (gint64 i = 0; i < pare_tensor_elements (found); i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (found, i), pare_tensor_get_double (expected, i), 0.2);
}

static void
test_infinite_activations_name_the_layer (void)
{
  g_autoptr (PareGraph) graph = chain ();
  const PareQuantizeSettings settings = defaults ();

  set_ranges (graph, -1, 1);
  pare_graph_find_value (graph, "first")->range = (PareRange){ -1, INFINITY };
  g_assert_true (quantize (graph, &settings, NULL, NULL));
  g_assert_cmpstr (pare_record_entry_reason (entry_of (graph, "second")), ==,
                   "its input was not finite when it was calibrated");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantize-layers/own-bits", test_layers_have_their_own_bits);
  g_test_add_func ("/quantize-layers/shared-values-take-the-most-bits-asked-for",
                   test_shared_values_take_the_most_bits_asked_for);
  g_test_add_func ("/quantize-layers/own-zero-points", test_layers_have_their_own_zero_points);
  g_test_add_func ("/quantize-layers/weights-alone-need-no-ranges", test_weights_alone_need_no_ranges);
  g_test_add_func ("/quantize-layers/groups-are-where-there-are-channels-for-them",
                   test_groups_are_where_there_are_channels_for_them);
  g_test_add_func ("/quantize-layers/groups-leave-the-bias-in-float", test_groups_leave_the_bias_in_float);
  g_test_add_func ("/quantize-layers/groups-cannot-be-trained", test_groups_cannot_be_trained);
  g_test_add_func ("/quantize-layers/bias-that-would-not-fit-makes-its-channel-coarser",
                   test_bias_that_would_not_fit_makes_its_channel_coarser);
  g_test_add_func ("/quantize-layers/layer-that-its-bias-would-ruin-stays-in-float",
                   test_layer_that_its_bias_would_ruin_stays_in_float);
  g_test_add_func ("/quantize-layers/channel-without-weight-does-not-condemn-its-layer",
                   test_channel_without_weight_does_not_condemn_its_layer);
  g_test_add_func ("/quantize-layers/contradictions-are-refused", test_contradictions_are_refused);
  g_test_add_func ("/quantize-layers/skipping-twice-over-is-no-contradiction",
                   test_skipping_twice_over_is_no_contradiction);
  g_test_add_func ("/quantize-layers/constant-activations-are-on-their-grid",
                   test_constant_activations_are_on_their_grid);
  g_test_add_func ("/quantize-layers/all-zero-activations-run", test_all_zero_activations_run);
  g_test_add_func ("/quantize-layers/infinite-activations-name-the-layer", test_infinite_activations_name_the_layer);
  return g_test_run ();
}
