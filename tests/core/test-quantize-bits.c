/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks of few bits: what lies on which grid, and that training, export and their reversal keep what is computed. */
#include "exec/executor.h"
#include "net.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "quantize/trainable.h"
#include <math.h>
#include <string.h>

/* Convolutions, a residual sum, pooling and a product: each kind of place that a quantizer has. */
static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 8, 8));
  PareValue *a = OP (&net, "Conv", "a", x, net_random (&net, "aw", pare_shape_of (4, 6, 3, 3, 3), -1, 1),
                     net_random (&net, "ab", pare_shape_of (1, 6), -1, 1));
  PareValue *ra = OP (&net, "Relu", "ra", a);
  PareValue *b = OP (&net, "Conv", "b", ra, net_random (&net, "bw", pare_shape_of (4, 6, 6, 1, 1), -1, 1),
                     net_random (&net, "bb", pare_shape_of (1, 6), -1, 1));
  PareValue *sum = OP (&net, "Add", "sum", b, ra);
  PareValue *pooled = OP (&net, "MaxPool", "pooled", sum);
  PareValue *c = OP (&net, "Conv", "c", pooled, net_random (&net, "cw", pare_shape_of (4, 5, 6, 1, 1), -1, 1));
  PareValue *flat = OP (&net, "Flatten", "flat", c);
  PareValue *y = OP (&net, "Gemm", "y", flat, net_random (&net, "yw", pare_shape_of (2, 45, 4), -1, 1),
                     net_random (&net, "yb", pare_shape_of (1, 4), -1, 1));

  net_set_ints (pooled, "kernel_shape", 2, (gint64[]){ 2, 2 });
  net_set_ints (pooled, "strides", 2, (gint64[]){ 2, 2 });
  net_output (&net, y);
  for (guint i = 0; i < net.graph->values->len; i++)
    {
      PareValue *value = net.graph->values->pdata[i];
      if (!value->constant)
        value->range = (PareRange){ value == ra ? 0 : -2.5f, 3.1f };
    }
  return g_object_ref (net.graph);
}

static PareGraph *
quantized (guint bits, guint activation_bits, guint edge_bits)
{
  PareGraph *graph = network ();
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  pare_quantize_settings_init (&settings);
  settings.bits = bits;
  settings.activation_bits = activation_bits;
  settings.edge_bits = edge_bits;
  pare_graph_quantize (graph, &settings, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  return graph;
}

static PareTensor *
run (PareGraph *graph)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (4, 2, 3, 8, 8);
  float data[2 * 3 * 64];
  PareTensor *output = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -3, 3);
  input = pare_tensor_new_floats (&shape, data);
  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

static void
assert_same_function (PareTensor *a, PareTensor *b, double epsilon)
{
  g_assert_cmpint (pare_tensor_elements (a), ==, pare_tensor_elements (b));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (a, i), pare_tensor_get_double (b, i), epsilon);
}

/* The pair behind @weight. */
static ParePair
pair_of (PareGraph *graph, const char *weight)
{
  PareValue *value = pare_graph_find_value (graph, weight);
  ParePair pair;

  g_assert_nonnull (value);
  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_pair_read (graph->nodes->pdata[i], &pair) && pair.input == value)
      return pair;
  g_assert_not_reached ();
}

static void
assert_limits (PareGraph *graph, const char *value, gint32 lowest, gint32 highest)
{
  ParePair pair = pair_of (graph, value);

  g_assert_cmpint (pair.lowest, ==, lowest);
  g_assert_cmpint (pair.highest, ==, highest);
}

static void
test_every_width_has_its_grid (void)
{
  for (int bits = 2; bits <= 8; bits++)
    {
      g_autoptr (PareGraph) graph = quantized (bits, bits, bits);
      gint32 half = 1 << (bits - 1);
      assert_limits (graph, "aw", -half, half - 1);
      assert_limits (graph, "yw", -half, half - 1);
      assert_limits (graph, "x", 0, 2 * half - 1);
      assert_limits (graph, "ra", 0, 2 * half - 1);
    }
}

static void
test_sixteen_bits_have_their_types (void)
{
  g_autoptr (PareGraph) graph = quantized (16, 16, 8);

  assert_limits (graph, "aw", -32768, 32767); /* edges get no fewer than the others */
  assert_limits (graph, "bw", -32768, 32767);
  assert_limits (graph, "x", 0, 65535);
  assert_limits (graph, "ra", 0, 65535);
  g_assert_cmpint (pair_of (graph, "bw").type, ==, PARE_INT16);
  g_assert_cmpint (pair_of (graph, "ra").type, ==, PARE_UINT16);
  g_assert_cmpint (pare_graph_opset (graph, ""), ==, 21);
}

/* Both are next to nothing beside the values of about 1. */
static void
test_sixteen_bits_lose_next_to_nothing (void)
{
  g_autoptr (PareGraph) plain = network (), graph = NULL;
  g_autoptr (PareTensor) exact = NULL, rounded = NULL;
  PareQuantizeSettings settings;

  for (guint i = 0; i < plain->values->len; i++)
    {
      PareValue *value = plain->values->pdata[i];
      if (!value->constant)
        value->range = (PareRange){ -60, 60 };
    }
  graph = pare_graph_copy (plain);
  pare_quantize_settings_init (&settings);
  settings.bits = settings.activation_bits = 16;
  g_assert_true (pare_graph_quantize (graph, &settings, NULL));
  exact = run (plain);
  rounded = run (graph);
  assert_same_function (exact, rounded, 0.05);
}

static void
test_edges_keep_their_own_width (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 3, 8);

  assert_limits (graph, "aw", -128, 127);
  assert_limits (graph, "x", 0, 255);
  assert_limits (graph, "bw", -8, 7);
  assert_limits (graph, "ra", 0, 7);
  assert_limits (graph, "cw", -8, 7);
  assert_limits (graph, "yw", -128, 127);
}

/* Cut-off weights cost less than coarse steps for all: the error may not exceed that of the grid that cuts off none. */
static void
test_few_bits_take_the_scale_of_least_error (void)
{
  g_autoptr (PareGraph) graph = quantized (3, 8, 3);
  ParePair pair = pair_of (graph, "aw");
  const float *w = pare_tensor_data (pair.input->constant);

  for (guint c = 0; c < 6; c++)
    {
      double scale = pare_tensor_get_double (pair.scale->constant, c), largest = 0, error = 0, widest = 0;
      for (guint i = 0; i < 27; i++)
        largest = MAX (largest, fabs (w[c * 27 + i]));
      for (guint i = 0; i < 27; i++)
        {
          double x = w[c * 27 + i], full = largest / 3;
          error += pow (CLAMP (rint (x / scale), -4, 3) * scale - x, 2);
          widest += pow (CLAMP (rint (x / full), -4, 3) * full - x, 2);
        }
      g_assert_cmpfloat (error, <=, widest * 1.0001);
      g_assert_cmpfloat (scale, >, 0.15 * largest / 3);
    }
}

static void
test_stored_integers_are_small (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 4, 4);
  g_autoptr (PareTensor) before = run (graph), after = NULL;
  g_autoptr (GError) error = NULL;
  const PareForm *form = pare_form_find ("qdq", NULL);
  guint weights = 0;
  ParePair pair;

  g_assert_true (form->lower (graph, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_pair_read (graph->nodes->pdata[i], &pair) && !pair.quantize)
      {
        weights++;
        for (gint64 k = 0; k < pare_tensor_elements (pair.input->constant); k++)
          g_assert_cmpint (ABS (2 * pare_tensor_get_int (pair.input->constant, k) + 1), <=, 15);
      }
  g_assert_cmpuint (weights, ==, 4);
  after = run (graph);
  assert_same_function (before, after, 1e-5);
}

static void
check_opening (guint bits, PareTrainable trainable, double epsilon)
{
  g_autoptr (PareGraph) graph = quantized (bits, bits, bits);
  g_autoptr (PareTensor) before = run (graph), opened = NULL, closed = NULL;
  g_autoptr (GError) error = NULL;
  guint nodes = graph->nodes->len;

  g_assert_cmpint (pare_graph_open_quantizers (graph, trainable, &error), >=, 8);
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  opened = run (graph);
  assert_same_function (before, opened, epsilon);
  g_assert_true (pare_graph_close_quantizers (graph, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  g_assert_cmpuint (graph->nodes->len, ==, nodes);
  g_assert_cmpint (pare_graph_opset (graph, "pare"), ==, 0);
  closed = run (graph);
  assert_same_function (before, closed, epsilon);
}

static void
test_opened_and_closed_computes_the_same (void)
{
  for (guint bits = 2; bits <= 8; bits++)
    check_opening (bits, PARE_TRAINABLE_LSQ, 1e-5);
  check_opening (16, PARE_TRAINABLE_LSQ, 1e-4);
  check_opening (16, PARE_TRAINABLE_ULQ, 1e-3);
  check_opening (8, PARE_TRAINABLE_ULQ, 1e-3);
  check_opening (4, PARE_TRAINABLE_ULQ, 1e-3);
}

/* Pooling moves integers: its input and its output learn one scale, so that runtimes can pool the integers. */
static void
test_moved_values_share_a_scale (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 4, 4);
  PareNode *sum, *pooled;

  pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, NULL);
  sum = pare_graph_find_value (graph, "sum")->consumers->pdata[0];
  pooled = pare_graph_find_value (graph, "pooled")->consumers->pdata[0];
  g_assert_cmpstr (sum->op_type, ==, "FakeQuantizeOffset");
  g_assert_cmpstr (pooled->op_type, ==, "FakeQuantizeOffset");
  g_assert_true (sum->inputs->pdata[1] == pooled->inputs->pdata[1]);
  g_assert_true (sum->inputs->pdata[2] == pooled->inputs->pdata[2]);
}

static void
test_ranges_behind_relu_keep_their_low_end (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 4, 4);
  PareNode *ra, *x;

  pare_graph_open_quantizers (graph, PARE_TRAINABLE_ULQ, NULL);
  ra = pare_graph_find_value (graph, "ra")->consumers->pdata[0];
  x = pare_graph_find_value (graph, "x")->consumers->pdata[0];
  g_assert_cmpstr (ra->op_type, ==, "FakeQuantizeRange");
  g_assert_false (pare_is_quantizer_parameter (ra->inputs->pdata[1]));
  g_assert_true (pare_is_quantizer_parameter (ra->inputs->pdata[2]));
  g_assert_true (pare_is_quantizer_parameter (x->inputs->pdata[1]));
}

/* What an optimizer left behind is what the pairs say. */
static void
test_learnt_scales_reach_the_pairs (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 4, 4);
  g_autoptr (PareTensor) learnt = pare_tensor_new_scalar_float (-0.125f);
  PareNode *x;

  pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, NULL);
  x = pare_graph_find_value (graph, "x")->consumers->pdata[0];
  pare_value_set_constant (x->inputs->pdata[1], learnt);
  g_assert_true (pare_graph_close_quantizers (graph, NULL));
  g_assert_cmpfloat (pare_tensor_get_double (pair_of (graph, "x").scale->constant, 0), ==, 0.125);
}

/* A zero point is learnt where the range goes below zero, and the pair gets it rounded. */
static void
test_learnt_offsets_reach_the_pairs (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 4, 4);
  g_autoptr (PareTensor) scale = pare_tensor_new_scalar_float (0.125f), offset = pare_tensor_new_scalar_float (-0.7f);
  PareNode *x, *ra;

  pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, NULL);
  x = pare_graph_find_value (graph, "x")->consumers->pdata[0];
  ra = pare_graph_find_value (graph, "ra")->consumers->pdata[0];
  g_assert_cmpstr (ra->op_type, ==, "FakeQuantize"); /* behind Relu nothing is below zero */
  g_assert_false (pare_is_quantizer_parameter (ra->inputs->pdata[2]));
  g_assert_true (pare_is_quantizer_parameter (x->inputs->pdata[1]));
  g_assert_true (pare_is_quantizer_parameter (x->inputs->pdata[2]));
  pare_value_set_constant (x->inputs->pdata[1], scale);
  pare_value_set_constant (x->inputs->pdata[2], offset);
  g_assert_true (pare_graph_close_quantizers (graph, NULL));
  g_assert_cmpint (pare_tensor_get_int (pair_of (graph, "x").zero_point->constant, 0), ==, 6); /* 0.7 / 0.125 = 5.6 */
}

static void
test_scale_of_nan_is_refused (void)
{
  g_autoptr (PareGraph) graph = quantized (4, 4, 4);
  g_autoptr (PareTensor) broken = pare_tensor_new_scalar_float (NAN);
  g_autoptr (GError) error = NULL;
  PareNode *x;

  pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, NULL);
  x = pare_graph_find_value (graph, "x")->consumers->pdata[0];
  pare_value_set_constant (x->inputs->pdata[1], broken);
  g_assert_false (pare_graph_close_quantizers (graph, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "learning rate"));
}

static void
test_impossible_widths_are_refused (void)
{
  static const guint widths[][3] = { { 1, 8, 8 }, { 9, 8, 8 }, { 8, 1, 8 }, { 8, 32, 8 }, { 8, 8, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      g_autoptr (PareGraph) graph = network ();
      g_autoptr (GError) error = NULL;
      PareQuantizeSettings settings;
      pare_quantize_settings_init (&settings);
      settings.bits = widths[i][0];
      settings.activation_bits = widths[i][1];
      settings.edge_bits = widths[i][2];
      g_assert_false (pare_graph_quantize (graph, &settings, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, "from 2 to 8, or 16"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantize-bits/every-width-has-its-grid", test_every_width_has_its_grid);
  g_test_add_func ("/quantize-bits/sixteen-bits-have-their-types", test_sixteen_bits_have_their_types);
  g_test_add_func ("/quantize-bits/sixteen-bits-lose-next-to-nothing", test_sixteen_bits_lose_next_to_nothing);
  g_test_add_func ("/quantize-bits/edges-keep-their-own-width", test_edges_keep_their_own_width);
  g_test_add_func ("/quantize-bits/few-bits-take-the-scale-of-least-error",
                   test_few_bits_take_the_scale_of_least_error);
  g_test_add_func ("/quantize-bits/stored-integers-are-small", test_stored_integers_are_small);
  g_test_add_func ("/quantize-bits/opened-and-closed-computes-the-same", test_opened_and_closed_computes_the_same);
  g_test_add_func ("/quantize-bits/moved-values-share-a-scale", test_moved_values_share_a_scale);
  g_test_add_func ("/quantize-bits/ranges-behind-relu-keep-their-low-end", test_ranges_behind_relu_keep_their_low_end);
  g_test_add_func ("/quantize-bits/learnt-scales-reach-the-pairs", test_learnt_scales_reach_the_pairs);
  g_test_add_func ("/quantize-bits/learnt-offsets-reach-the-pairs", test_learnt_offsets_reach_the_pairs);
  g_test_add_func ("/quantize-bits/scale-of-nan-is-refused", test_scale_of_nan_is_refused);
  g_test_add_func ("/quantize-bits/impossible-widths-are-refused", test_impossible_widths_are_refused);
  return g_test_run ();
}
