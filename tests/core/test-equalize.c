/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cross-layer equalization: networks compute the same before and after, ranges are equal where they can be, and what
 * cannot be rescaled is left alone for a reason. */
#include "equalize/equalize.h"
#include "network.h"
#include "ops/operator.h"
#include <math.h>
#include <string.h>

/* A network and what it computed before it was equalized. */
typedef struct
{
  Net net;
  GPtrArray *inputs, *expected;
} Case;

static Case
case_begin (Net net)
{
  GPtrArray *inputs = network_inputs (&net, 2);

  return (Case){ net, inputs, network_run (net.graph, inputs) };
}

static void
case_clear (Case *now)
{
  net_clear (&now->net);
  g_ptr_array_unref (now->inputs);
  g_ptr_array_unref (now->expected);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, case_clear)

static void
equalize (Case *now, const char *clip)
{
  PareEqualizeSettings settings;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = NULL;

  pare_equalize_settings_init (&settings);
  if (clip)
    settings.clip = clip;
  pare_graph_equalize (now->net.graph, NULL, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (now->net.graph);
  found = network_run (now->net.graph, now->inputs);
  network_assert_close (found, now->expected, 1e-5);
}

/* The last entry of @layer. */
static const PareRecordEntry *
entry_of (PareGraph *graph, const char *layer)
{
  for (guint i = pare_record_length (graph->record); i-- > 0;)
    if (strcmp (pare_record_entry_layer (pare_record_get (graph->record, i)), layer) == 0)
      return pare_record_get (graph->record, i);
  g_error ("there is no entry of %s", layer);
}

static void
assert_entry (PareGraph *graph, const char *layer, const char *action, const char *reason)
{
  const PareRecordEntry *entry = entry_of (graph, layer);

  g_assert_cmpstr (pare_record_entry_action (entry), ==, action);
  if (!strstr (pare_record_entry_reason (entry), reason))
    g_error ("'%s' does not say '%s'", pare_record_entry_reason (entry), reason);
}

/* The largest weight of channel @c of a convolution: of an output (axis 0), or of an input. */
static double
range_of (PareGraph *graph, const char *weight, guint axis, gint64 c)
{
  const PareTensor *tensor = pare_graph_find_value (graph, weight)->constant;
  const gint64 *dims = tensor->shape.dims;
  double largest = 0;

  for (gint64 i = 0; i < pare_tensor_elements (tensor); i++)
    {
      gint64 index = axis == 0 ? i / (dims[1] * dims[2] * dims[3]) : i / (dims[2] * dims[3]) % dims[1];
      if (index == c)
        largest = MAX (largest, fabs (pare_tensor_get_double (tensor, i)));
    }
  return largest;
}

static PareValue *
convolution (Net *net, const char *output, PareValue *x, int outputs, int inputs, int kernel, int group)
{
  g_autofree char *weight = g_strconcat (output, ".weight", NULL), *bias = g_strconcat (output, ".bias", NULL);
  PareValue *y = OP (net, "Conv", output, x,
                     net_random (net, weight, pare_shape_of (4, outputs, inputs / group, kernel, kernel), -1, 1),
                     net_random (net, bias, pare_shape_of (1, outputs), -1, 1));

  if (kernel > 1)
    net_set_ints (y, "pads", 4, (gint64[]){ kernel / 2, kernel / 2, kernel / 2, kernel / 2 });
  if (group > 1)
    pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", group));
  return y;
}

static PareValue *
clip (Net *net, const char *output, PareValue *x, float low, float high)
{
  g_autoptr (PareTensor) least = pare_tensor_new_scalar_float (low), most = pare_tensor_new_scalar_float (high);

  return OP (net, "Clip", output, x, pare_graph_add_constant (net->graph, "low", least),
             pare_graph_add_constant (net->graph, "high", most));
}

static PareValue *
image (Net *net, int channels)
{
  return net_input (net, "x", pare_shape_of (4, -1, channels, 6, 6));
}

/* conv, relu, depthwise, clip, projection, twice; the second with a residual; then the head. */
static Net
inverted_residuals (void)
{
  Net net = net_new ();
  PareValue *x = convolution (&net, "stem", image (&net, 3), 4, 3, 3, 1);
  PareValue *expanded = OP (&net, "Relu", "r1", convolution (&net, "expand1", x, 8, 4, 1, 1));
  PareValue *deep = clip (&net, "c1", convolution (&net, "deep1", expanded, 8, 8, 3, 8), 0, 1.5f);
  PareValue *y = OP (&net, "Add", "sum", x, convolution (&net, "project1", deep, 4, 8, 1, 1)), *pooled;

  expanded = clip (&net, "c2", convolution (&net, "expand2", y, 8, 4, 1, 1), -0.5f, 2);
  y = convolution (&net, "project2", expanded, 6, 8, 1, 1);
  pooled = OP (&net, "Flatten", "flat", OP (&net, "GlobalAveragePool", "pool", OP (&net, "Relu", "r2", y)));
  net_output (&net, OP (&net, "Gemm", "logits", pooled, net_random (&net, "fc", pare_shape_of (2, 6, 5), -1, 1)));
  return net;
}

static void
test_function_stays_with_depthwise_clips_and_residuals (void)
{
  g_auto (Case) now = case_begin (inverted_residuals ());

  equalize (&now, NULL);
  for (guint i = 0; i < 6; i++)
    {
      static const char *const layers[] = { "stem", "expand1", "deep1", "expand2", "project2", "logits" };
      assert_entry (now.net.graph, layers[i], i < 5 ? "equalized" : "left alone", i < 5 ? "cross-layer" : "output");
    }
}

/* Through what moves channels to other axes, and joins them with constants. */
static void
test_function_stays_where_channels_move (void)
{
  Net net = net_new ();
  PareValue *x = image (&net, 3), *y;
  g_autoptr (PareTensor) tokens = pare_tensor_new_int64s (3, (gint64[]){ 0, 8, 36 });

  y = OP (&net, "Reshape", "tokens", convolution (&net, "embed", x, 8, 3, 1, 1),
          pare_graph_add_constant (&net.graph[0], "shape", tokens));
  y = OP (&net, "Transpose", "swapped", y);
  net_set_ints (y, "perm", 3, (gint64[]){ 0, 2, 1 });
  y = OP (&net, "Add", "placed", y, net_random (&net, "place", pare_shape_of (3, 1, 36, 1), -1, 1));
  y = OP (&net, "MatMul", "mixed", OP (&net, "Relu", "r", y), net_random (&net, "w1", pare_shape_of (2, 8, 8), -1, 1));
  y = OP (&net, "Add", "biased", y, net_random (&net, "b1", pare_shape_of (1, 8), -1, 1));
  y = OP (&net, "ReduceMean", "mean", OP (&net, "Max", "most", y, net_random (&net, "b2", pare_shape_of (0), 0, 1)));
  net_set_ints (y, "axes", 1, (gint64[]){ 1 });
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("keepdims", 0));
  net_output (&net, OP (&net, "Gemm", "logits", y, net_random (&net, "fc", pare_shape_of (2, 8, 5), -1, 1)));
  g_auto (Case) now = case_begin (net);
  equalize (&now, NULL);
  assert_entry (now.net.graph, "embed", "equalized", "cross-layer");
  assert_entry (now.net.graph, "mixed", "equalized", "cross-layer");
}

static void
test_ranges_are_equal (void)
{
  Net net = net_new ();
  PareValue *y = OP (&net, "Relu", "r1", convolution (&net, "a", image (&net, 3), 8, 3, 3, 1));

  y = OP (&net, "Relu", "r2", convolution (&net, "b", y, 8, 8, 3, 8));
  net_output (&net, convolution (&net, "c", y, 4, 8, 1, 1));
  g_auto (Case) now = case_begin (net);
  equalize (&now, NULL);
  for (gint64 c = 0; c < 8; c++)
    {
      double deep = range_of (now.net.graph, "b.weight", 0, c);
      g_assert_cmpfloat_with_epsilon (range_of (now.net.graph, "a.weight", 0, c), deep, 1e-3 * deep);
      g_assert_cmpfloat_with_epsilon (range_of (now.net.graph, "c.weight", 1, c), deep, 1e-3 * deep);
    }
}

/* r1 = (4, 1) and r2 = (1, 9) give s = (2, 1/3). */
static void
test_factors_are_those_of_the_paper (void)
{
  Net net = net_new ();
  PareShape square = pare_shape_of (2, 2, 2);
  g_autoptr (PareTensor) first = pare_tensor_new_floats (&square, (float[]){ 4, 0.5f, -1, 1 });
  g_autoptr (PareTensor) second = pare_tensor_new_floats (&square, (float[]){ -1, 0.5f, 3, -9 });
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 2)), *w1, *w2, *y;
  static const float expected[2][4] = { { 2, 1.5f, -0.5f, 3 }, { -2, 1, 1, -3 } };

  w1 = pare_graph_add_constant (net.graph, "w1", first);
  w2 = pare_graph_add_constant (net.graph, "w2", second);
  y = OP (&net, "MatMul", "y", OP (&net, "Relu", "r", OP (&net, "MatMul", "h", x, w1)), w2);
  net_output (&net, y);
  g_auto (Case) now = case_begin (net);
  equalize (&now, NULL);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (w1->constant, i), (double)expected[0][i], 1e-5);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (w2->constant, i), (double)expected[1][i], 1e-5);
    }
}

/* A channel without weights on one side has no range to make equal. */
static void
test_dead_channels_stay (void)
{
  Net net = net_new ();
  PareShape square = pare_shape_of (2, 2, 2);
  g_autoptr (PareTensor) first = pare_tensor_new_floats (&square, (float[]){ 4, 0, -1, 0 });
  g_autoptr (PareTensor) second = pare_tensor_new_floats (&square, (float[]){ -1, 0.5f, 3, -9 });
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 2)), *w2;

  w2 = pare_graph_add_constant (net.graph, "w2", second);
  net_output (&net, OP (&net, "MatMul", "y",
                        OP (&net, "MatMul", "h", x, pare_graph_add_constant (net.graph, "w1", first)), w2));
  g_auto (Case) now = case_begin (net);
  equalize (&now, NULL);
  g_assert_cmpfloat (pare_tensor_get_double (w2->constant, 2), ==, 3);
}

static guint
count (PareGraph *graph, const char *op_type)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += strcmp (((PareNode *)graph->nodes->pdata[i])->op_type, op_type) == 0;
  return n;
}

static Net
clipped (float high)
{
  Net net = net_new ();
  PareValue *y = convolution (&net, "a", image (&net, 3), 8, 3, 1, 1);

  net_output (&net, convolution (&net, "b", clip (&net, "c", y, 0, high), 4, 8, 1, 1));
  return net;
}

static void
test_clips_can_be_kept (void)
{
  g_auto (Case) now = case_begin (clipped (1));

  equalize (&now, "keep");
  assert_entry (now.net.graph, "a", "left alone", "clip=keep");
  g_assert_cmpuint (count (now.net.graph, "Clip"), ==, 1);
}

static void
test_bounds_become_one_per_channel (void)
{
  g_auto (Case) now = case_begin (clipped (1));

  equalize (&now, NULL);
  assert_entry (now.net.graph, "a", "equalized", "cross-layer");
  g_assert_cmpuint (count (now.net.graph, "Clip"), ==, 0);
  g_assert_cmpuint (count (now.net.graph, "Min"), ==, 1);
}

/* No number reaches 100. */
static void
test_clips_can_become_relus (void)
{
  g_auto (Case) now = case_begin (clipped (100));

  equalize (&now, "relu");
  assert_entry (now.net.graph, "a", "equalized", "cross-layer");
  assert_entry (now.net.graph, "c", "replaced", "bound");
  g_assert_cmpuint (count (now.net.graph, "Relu"), ==, 1);
  g_assert_cmpuint (count (now.net.graph, "Min"), ==, 0);
}

/* Equalized means that weights changed; the name of the node in the way is the reason. */
static void
test_functions_that_are_not_homogeneous_are_in_the_way (void)
{
  static const char *const functions[] = { "Sigmoid", "Softplus", "Mul" };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      Net net = net_new ();
      PareValue *y = convolution (&net, "a", image (&net, 3), 8, 3, 1, 1);
      y = strcmp (functions[i], "Mul") ? OP (&net, functions[i], "f", y) : OP (&net, "Mul", "f", y, y);
      net_output (&net, convolution (&net, "b", y, 4, 8, 1, 1));
      g_auto (Case) now = case_begin (net);
      g_autoptr (PareTensor) before = pare_tensor_ref (pare_graph_find_value (now.net.graph, "a.weight")->constant);
      equalize (&now, NULL);
      assert_entry (now.net.graph, "a", "left alone", functions[i]);
      g_assert_true (pare_tensor_equal (before, pare_graph_find_value (now.net.graph, "a.weight")->constant));
    }
}

static void
test_weights_that_are_not_finite_are_left_alone (void)
{
  g_auto (Net) net = clipped (1);
  PareValue *weight = pare_graph_find_value (net.graph, "b.weight");
  g_autofree float *numbers = g_memdup2 (pare_tensor_data (weight->constant), pare_tensor_size (weight->constant));
  g_autoptr (PareTensor) broken = NULL;
  PareEqualizeSettings settings;
  g_autoptr (GError) error = NULL;

  numbers[3] = INFINITY;
  broken = pare_tensor_new_floats (&weight->constant->shape, numbers);
  pare_value_set_constant (weight, broken);
  pare_equalize_settings_init (&settings);
  pare_graph_equalize (net.graph, NULL, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_entry (net.graph, "a", "left alone", "finite");
}

/* What somebody else reads, too, and is not rescaled there. */
static void
test_other_readers_are_in_the_way (void)
{
  Net net = net_new ();
  PareValue *y = convolution (&net, "a", image (&net, 3), 8, 3, 1, 1);

  net_output (&net, convolution (&net, "b", y, 4, 8, 1, 1));
  net_output (&net, OP (&net, "Exp", "e", y));
  g_auto (Case) now = case_begin (net);
  equalize (&now, NULL);
  assert_entry (now.net.graph, "a", "left alone", "'e' (Exp) reads them");
}

static void
assert_error (PareGraph *graph, const PareEqualizeSettings *settings, int code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_graph_equalize (graph, NULL, settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, code);
  if (!strstr (error->message, text))
    g_error ("'%s' does not say '%s'", error->message, text);
}

static void
test_impossible_settings_are_errors (void)
{
  g_auto (Net) net = clipped (1);
  PareEqualizeSettings settings, plain;
  const char *const absent[] = { "aa", NULL };

  pare_equalize_settings_init (&plain);
  settings = plain;
  settings.algorithm = "cross-layer, crosslayer";
  assert_error (net.graph, &settings, PARE_ERROR_SETTINGS, "'cross-layer'");
  settings = plain;
  settings.clip = "rely";
  assert_error (net.graph, &settings, PARE_ERROR_SETTINGS, "'relu'");
  settings = plain;
  settings.skip_layers = absent;
  assert_error (net.graph, &settings, PARE_ERROR_SETTINGS, "'a'");
  settings = plain;
  settings.bits = 1;
  assert_error (net.graph, &settings, PARE_ERROR_SETTINGS, "bits=1");
  pare_graph_find_value (net.graph, "a")->range = (PareRange){ 0, 1 };
  assert_error (net.graph, &plain, PARE_ERROR_SETTINGS, "before the graphcalibrator");
}

static gboolean
cancel (guint64 done, guint64 total, gpointer user_data)
{
  return FALSE;
}

static void
test_work_can_be_cancelled (void)
{
  g_auto (Net) net = clipped (1);
  PareEqualizeSettings settings;
  g_autoptr (GError) error = NULL;

  pare_equalize_settings_init (&settings);
  g_assert_false (pare_graph_equalize (net.graph, NULL, &settings, cancel, NULL, &error));
  g_assert_nonnull (error);
}

static void
test_layers_can_be_skipped (void)
{
  g_auto (Case) now = case_begin (clipped (1));
  PareEqualizeSettings settings;
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers = pare_equalize_layers_parse ("b:enable=false", &error);

  g_assert_no_error (error);
  pare_equalize_settings_init (&settings);
  settings.layers = layers;
  pare_graph_equalize (now.net.graph, NULL, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_entry (now.net.graph, "a", "left alone", "skip 'b'");
}

#define ADD(name) g_test_add_func ("/equalize/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (function_stays_with_depthwise_clips_and_residuals);
  ADD (function_stays_where_channels_move);
  ADD (ranges_are_equal);
  ADD (factors_are_those_of_the_paper);
  ADD (dead_channels_stay);
  ADD (clips_can_be_kept);
  ADD (bounds_become_one_per_channel);
  ADD (clips_can_become_relus);
  ADD (functions_that_are_not_homogeneous_are_in_the_way);
  ADD (weights_that_are_not_finite_are_left_alone);
  ADD (other_readers_are_in_the_way);
  ADD (impossible_settings_are_errors);
  ADD (work_can_be_cancelled);
  ADD (layers_can_be_skipped);
  return g_test_run ();
}
