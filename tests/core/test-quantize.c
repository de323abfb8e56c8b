/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The quantizer: numbers by hand, where pairs go on small graphs, and what the forms compute. */
#include "calibrate/extremes.h"
#include "network.h"
#include "quantize/parameters.h"
#include "quantize/quantize.h"
#include "quantize/weight-algorithm.h"
#include <math.h>
#include <string.h>

static void
test_parameters (void)
{
  const struct
  {
    PareRange range;
    gboolean symmetric;
    PareQuantizeParameters expected;
  } cases[] = {
    { { 0, 2.55f }, FALSE, { PARE_UINT8, 0.01f, 0 } },
    { { -2.55f, 0 }, FALSE, { PARE_UINT8, 0.01f, 255 } },
    { { -1, 1.55f }, FALSE, { PARE_UINT8, 0.01f, 100 } },
    { { 1, 2.55f }, FALSE, { PARE_UINT8, 0.01f, 0 } }, /* zero belongs to it */
    { { -5.1f, -1 }, FALSE, { PARE_UINT8, 0.02f, 255 } },
    { { -2.54f, 1 }, TRUE, { PARE_INT8, 0.02f, 0 } },
    { { 0, 0 }, FALSE, { PARE_UINT8, 1, 0 } },
    { { 0, 1e-40f }, TRUE, { PARE_INT8, 1, 0 } },
    { { -2.55e38f, 2.55e38f }, FALSE, { PARE_UINT8, 2e36f, 128 } }, /* 127.5, to even */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PareQuantizeParameters found = pare_quantize_parameters (&cases[i].range, 8, cases[i].symmetric);
      g_assert_cmpint (found.type, ==, cases[i].expected.type);
      g_assert_cmpfloat_with_epsilon (found.scale / cases[i].expected.scale, 1, 1e-6);
      g_assert_cmpint (found.zero_point, ==, cases[i].expected.zero_point);
    }
}

static void
assert_scales (const PareTensor *scales, guint n, const float *expected)
{
  g_assert_cmpint (pare_tensor_elements (scales), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (scales, i) / expected[i], 1, 1e-6);
}

static void
test_weight_scales (void)
{
  PareShape shape = pare_shape_of (2, 3, 2);
  g_autoptr (PareTensor) weight = pare_tensor_new_floats (&shape, (float[]){ 1.27f, -0.5f, 0, 0, 0.1f, -2.54f });
  const PareWeightGrid grid = pare_weight_grid (8, FALSE);
  const PareGranularity by_row = { 0 }, by_column = { 1 }, all = { -1 };
  const PareWeightAlgorithm *minmax = &pare_weight_algorithm_minmax;
  const float floors[] = { 0.5f, 0.25f, 0.001f };
  guint raised;
  g_autoptr (PareTensor) rows = pare_weight_scales (weight, &by_row, &grid, minmax, NULL, NULL);
  g_autoptr (PareTensor) columns = pare_weight_scales (weight, &by_column, &grid, minmax, NULL, NULL);
  g_autoptr (PareTensor) whole = pare_weight_scales (weight, &all, &grid, minmax, NULL, NULL);
  g_autoptr (PareTensor) floored = pare_weight_scales (weight, &by_row, &grid, minmax, floors, &raised);
  g_autoptr (PareTensor) integers = pare_weight_quantize (weight, &by_row, rows, &grid);

  assert_scales (rows, 3, (float[]){ 0.01f, 0.02f, 0.02f }); /* a row of zeros: the layer's scale */
  assert_scales (columns, 2, (float[]){ 0.01f, 0.02f });
  assert_scales (whole, 1, (float[]){ 0.02f });
  assert_scales (floored, 3, (float[]){ 0.5f, 0.25f, 0.02f });
  g_assert_cmpuint (raised, ==, 1); /* no weights, no loss */
  g_assert_cmpuint (whole->shape.rank, ==, 0);
  g_assert_cmpmem (pare_tensor_data (integers), 6, ((gint8[]){ 127, -50, 0, 0, 5, -127 }), 6);
}

/* Networks */

static PareValue *
conv (Net *net, const char *output, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (output, "_w", NULL), *bias = g_strconcat (output, "_b", NULL);
  PareValue *y = OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, out, in, 3, 3), -0.3, 0.3),
                     net_random (net, bias, pare_shape_of (1, out), -0.3, 0.3));

  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  return y;
}

static PareValue *
image (Net *net)
{
  return net_input (net, "x", pare_shape_of (4, 2, 3, 6, 6));
}

static void
see (const PareValue *value, const float *data, gsize n, gpointer extremes)
{
  pare_extremes_update (extremes, data, n);
}

static void
calibrate (Net *net, const PareQuantizeSettings *settings, GPtrArray *inputs)
{
  g_autoptr (GPtrArray) values = pare_quantize_values (net->graph, settings, NULL), outputs = NULL;
  g_autofree PareExtremes *extremes = g_new (PareExtremes, values->len + 1);
  g_autoptr (PareExecutor) executor = pare_executor_new (net->graph);

  for (guint i = 0; i < values->len; i++)
    {
      pare_extremes_init (&extremes[i]);
      pare_executor_add_tap (executor, values->pdata[i], see, &extremes[i]);
    }
  outputs = network_run_with (executor, net->graph, inputs);
  for (guint i = 0; i < values->len; i++)
    g_assert_true (pare_extremes_range (&extremes[i], &((PareValue *)values->pdata[i])->range));
}

static void
quantize (Net *net, const PareQuantizeSettings *given)
{
  PareQuantizeSettings settings;
  g_autoptr (GPtrArray) inputs = network_inputs (net, 2);
  g_autoptr (GError) error = NULL;

  pare_quantize_settings_init (&settings);
  if (given)
    settings = *given;
  calibrate (net, &settings, inputs);
  if (!pare_graph_quantize (net->graph, &settings, &error))
    g_error ("%s", error->message);
  pare_graph_assert_consistent (net->graph);
}

static guint
count_nodes (const PareGraph *graph, const char *op_type)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += pare_node_is (graph->nodes->pdata[i], op_type);
  return n;
}

/* The node that computed @name before the quantizer came. */
static PareNode *
find (const PareGraph *graph, const char *op_type, guint index)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_node_is (graph->nodes->pdata[i], op_type) && index-- == 0)
      return graph->nodes->pdata[i];
  g_error ("There is no %s", op_type);
}

static PareNode *
dequantizer (const PareNode *node, guint input)
{
  PareNode *producer = pare_node_input (node, input)->producer;

  return producer && pare_node_is (producer, "DequantizeLinear") ? producer : NULL;
}

static const char *
reason_of (const PareGraph *graph, const char *layer)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (strcmp (pare_record_entry_layer (entry), layer) == 0)
        return strcmp (pare_record_entry_action (entry), "quantized") ? pare_record_entry_reason (entry) : "quantized";
    }
  return "not recorded";
}

static void
add_residual_block (Net *net)
{
  PareValue *h = OP (net, "Relu", "h", conv (net, "c1", image (net), 3, 8));
  PareValue *sum = OP (net, "Add", "sum", conv (net, "c2", h, 8, 8), h);

  net_output (net, conv (net, "y", OP (net, "Relu", "s", sum), 8, 5));
}

static void
test_residual_block_stays_in_integers (void)
{
  g_auto (Net) net = net_new ();
  PareNode *add;

  add_residual_block (&net);
  quantize (&net, NULL);
  add = find (net.graph, "Add", 0);
  g_assert_nonnull (dequantizer (add, 0));
  g_assert_nonnull (dequantizer (add, 1));
  for (guint i = 0; i < 3; i++)
    for (guint input = 0; input < 2; input++)
      g_assert_nonnull (dequantizer (find (net.graph, "Conv", i), input));
  /* x, h, c2, s, y, and three weights: nothing between a layer and its Relu. */
  g_assert_cmpuint (count_nodes (net.graph, "QuantizeLinear"), ==, 8);
  g_assert_cmpstr (reason_of (net.graph, "sum"), ==, "quantized");
}

static void
test_output_keeps_its_name (void)
{
  g_auto (Net) net = net_new ();
  PareValue *output;

  add_residual_block (&net);
  quantize (&net, NULL);
  output = net.graph->outputs->pdata[0];
  g_assert_cmpstr (output->name, ==, "y");
  g_assert_true (pare_node_is (output->producer, "DequantizeLinear"));
}

static void
test_moved_data_shares_parameters (void)
{
  g_auto (Net) net = net_new ();
  PareValue *pooled = OP (&net, "MaxPool", "pool", OP (&net, "Relu", "h", conv (&net, "c", image (&net), 3, 4)));
  PareNode *pool, *gemm;

  net_set_ints (pooled, "kernel_shape", 2, (gint64[]){ 2, 2 });
  net_set_ints (pooled, "strides", 2, (gint64[]){ 2, 2 });
  net_output (&net, OP (&net, "Gemm", "y", OP (&net, "Flatten", "flat", pooled),
                        net_random (&net, "w", pare_shape_of (2, 36, 5), -1, 1)));
  quantize (&net, NULL);
  pool = find (net.graph, "MaxPool", 0);
  gemm = find (net.graph, "Gemm", 0);
  for (guint i = 1; i < 3; i++)
    g_assert_true (pare_tensor_equal (pare_node_constant (dequantizer (pool, 0), i),
                                      pare_node_constant (dequantizer (gemm, 0), i)));
}

static void
test_indices_are_not_quantized (void)
{
  g_auto (Net) net = net_new ();
  PareValue *pooled = OP (&net, "MaxPool", "pool", conv (&net, "c", image (&net), 3, 4));
  PareValue *indices = pare_graph_add_value (net.graph, "indices");

  net_set_ints (pooled, "kernel_shape", 2, (gint64[]){ 2, 2 });
  pare_node_add_output (pooled->producer, indices);
  net_output (&net, conv (&net, "y", pooled, 4, 2));
  net_output (&net, indices);
  quantize (&net, NULL);
  g_assert_cmpstr (reason_of (net.graph, "pool"), ==, "no int8 kernel has its second output");
  g_assert_true (net.graph->outputs->pdata[1] == indices);
}

static void
test_concat_joins_integers (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net);
  PareValue *both = OP (&net, "Concat", "both", conv (&net, "a", x, 3, 4), conv (&net, "b", x, 3, 4));

  pare_node_set_attribute (both->producer, pare_attribute_new_int ("axis", 1));
  net_output (&net, conv (&net, "y", both, 8, 2));
  quantize (&net, NULL);
  g_assert_nonnull (dequantizer (find (net.graph, "Concat", 0), 0));
  g_assert_nonnull (dequantizer (find (net.graph, "Concat", 0), 1));
}

static void
test_float_reader_of_an_input_keeps_floats (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net);

  net_output (&net, conv (&net, "y", x, 3, 4));
  net_output (&net, OP (&net, "Exp", "e", x));
  quantize (&net, NULL);
  g_assert_cmpstr (pare_node_input (find (net.graph, "Exp", 0), 0)->name, ==, "x");
  g_assert_nonnull (dequantizer (find (net.graph, "Conv", 0), 0));
}

static void
test_shared_weight_and_activation_with_two_readers (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net), *w = net_random (&net, "w", pare_shape_of (4, 3, 3, 1, 1), -1, 1);
  PareValue *r = OP (&net, "Relu", "r", OP (&net, "Conv", "a", x, w));

  net_output (&net, OP (&net, "Conv", "b", r, w));
  net_output (&net, OP (&net, "Exp", "e", r));
  quantize (&net, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_nonnull (dequantizer (find (net.graph, "Conv", i), 0));
      g_assert_nonnull (dequantizer (find (net.graph, "Conv", i), 1));
    }
  /* The first convolution's kernel writes integers: all readers see those. */
  g_assert_nonnull (dequantizer (find (net.graph, "Exp", 0), 0));
}

static void
test_products_are_quantized_per_column (void)
{
  for (guint i = 0; i < 3; i++)
    {
      g_auto (Net) net = net_new ();
      gboolean turned = i == 1;
      PareValue *w = net_random (&net, "w", turned ? pare_shape_of (2, 5, 7) : pare_shape_of (2, 7, 5), -1, 1);
      PareValue *y = OP (&net, i < 2 ? "Gemm" : "MatMul", "y", net_input (&net, "x", pare_shape_of (2, 3, 7)), w);
      PareNode *weights;
      net_output (&net, y);
      if (i < 2)
        pare_node_set_attribute (y->producer, pare_attribute_new_int ("transB", turned));
      quantize (&net, NULL);
      weights = dequantizer (find (net.graph, i < 2 ? "Gemm" : "MatMul", 0), 1);
      g_assert_nonnull (weights);
      g_assert_cmpint (pare_node_get_int (weights, "axis", 9), ==, !turned);
      g_assert_cmpint (pare_tensor_elements (pare_node_constant (weights, 1)), ==, 5);
    }
}

static void
test_layers_in_float_have_a_reason (void)
{
  g_auto (Net) net = net_new ();
  PareValue *h
      = OP (&net, "ConvTranspose", "up", image (&net), net_random (&net, "u", pare_shape_of (4, 3, 4, 2, 2), -1, 1));
  PareShape shape = pare_shape_of (4, 1, 4, 1, 1);
  g_autoptr (PareTensor) odd = pare_tensor_new_floats (&shape, (float[]){ 1, 2, NAN, 4 });

  net_output (&net, conv (&net, "y", h, 4, 4));
  net_output (&net, OP (&net, "Conv", "odd", h, pare_graph_add_constant (net.graph, "nan", odd)));
  quantize (&net, NULL);
  g_assert_cmpstr (reason_of (net.graph, "up"), ==, "runtimes have no int8 kernel for ConvTranspose");
  g_assert_cmpstr (reason_of (net.graph, "odd"), ==, "its weight holds numbers that are not finite");
  g_assert_cmpstr (reason_of (net.graph, "y"), ==, "quantized");
}

static void
test_result_that_is_not_finite_stays_float (void)
{
  g_auto (Net) net = net_new ();
  PareShape shape = pare_shape_of (4, 1, 3, 1, 1);
  g_autoptr (PareTensor) huge = pare_tensor_new_floats (&shape, (float[]){ 3e38f, 3e38f, 3e38f });
  PareValue *x = image (&net), *big;

  big = OP (&net, "Conv", "big", OP (&net, "Mul", "two", x, x), pare_graph_add_constant (net.graph, "huge", huge));
  net_output (&net, conv (&net, "y", x, 3, 4));
  net_output (&net, big);
  quantize (&net, NULL);
  g_assert_cmpstr (reason_of (net.graph, "big"), ==, "its result was not finite when it was calibrated");
  g_assert_cmpstr (reason_of (net.graph, "y"), ==, "quantized");
}

static void
test_skipped_layers (void)
{
  g_auto (Net) net = net_new ();
  const char *skip[] = { "c2", NULL };
  g_autoptr (GHashTable) layers = g_hash_table_new (g_str_hash, g_str_equal);
  PareQuantizeLayer off = { 0, -1, -1, -1, -1, -1 }, whole = { -1, -1, 0, -1, -1, -1 };
  PareQuantizeSettings settings;

  pare_quantize_settings_init (&settings);
  settings.skip_layers = skip;
  settings.layers = layers;
  g_hash_table_insert (layers, (gpointer) "y", &off);
  g_hash_table_insert (layers, (gpointer) "c1", &whole);
  add_residual_block (&net);
  quantize (&net, &settings);
  g_assert_cmpstr (reason_of (net.graph, "c2"), ==, "the settings skip it");
  g_assert_cmpstr (reason_of (net.graph, "y"), ==, "the settings skip it");
  g_assert_cmpuint (pare_node_constant (dequantizer (find (net.graph, "Conv", 0), 1), 1)->shape.rank, ==, 0);
}

static void
test_unknown_layer_names_the_nearest (void)
{
  g_auto (Net) net = net_new ();
  const char *skip[] = { "summ", NULL };
  g_autoptr (GError) error = NULL;
  PareQuantizeSettings settings;

  add_residual_block (&net);
  pare_quantize_settings_init (&settings);
  settings.skip_layers = skip;
  g_assert_false (pare_graph_quantize (net.graph, &settings, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'sum'"));
}

static void
test_missing_range_is_an_error (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GError) error = NULL;
  PareQuantizeSettings settings;

  add_residual_block (&net);
  pare_quantize_settings_init (&settings);
  g_assert_false (pare_graph_quantize (net.graph, &settings, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "graphcalibrator"));
}

/* Forms */

static void
test_forms_compute_the_same (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GPtrArray) inputs = NULL, simulated = NULL, lowered = NULL;
  g_autoptr (PareGraph) graph = NULL;
  g_autoptr (GError) error = NULL;

  add_residual_block (&net);
  quantize (&net, NULL);
  inputs = network_inputs (&net, 2);
  simulated = network_run (net.graph, inputs);
  graph = pare_graph_copy (net.graph);
  g_assert_true (pare_form_find ("qdq", NULL)->lower (graph, &error));
  pare_graph_assert_consistent (graph);
  lowered = network_run (graph, inputs);
  network_assert_close (lowered, simulated, 1e-6);
  for (guint i = 0; i < 3; i++)
    {
      const PareNode *layer = find (graph, "Conv", i);
      g_assert_cmpint (pare_node_constant (dequantizer (layer, 1), 0)->type, ==, PARE_INT8);
      g_assert_cmpint (pare_node_constant (dequantizer (layer, 2), 0)->type, ==, PARE_INT32);
    }
}

/* y = W x + b of 4 outputs: each is off by no more than the roundings of its x, W, b and y allow. */
static void
test_error_is_within_half_steps (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 8, 1, 1));
  PareValue *w = net_random (&net, "w", pare_shape_of (4, 4, 8, 1, 1), -1, 1);
  PareValue *b = net_random (&net, "b", pare_shape_of (1, 4), -1, 1);
  const PareNode *node;
  g_autoptr (GPtrArray) inputs = NULL, exact = NULL, found = NULL;
  double x_step, y_step, largest = 0;

  net_output (&net, OP (&net, "Conv", "y", x, w, b));
  inputs = network_inputs (&net, 2);
  exact = network_run (net.graph, inputs);
  {
    PareQuantizeSettings settings;
    pare_quantize_settings_init (&settings);
    calibrate (&net, &settings, inputs);
    g_assert_true (pare_graph_quantize (net.graph, &settings, NULL));
  }
  found = network_run (net.graph, inputs);
  node = find (net.graph, "Conv", 0);
  x_step = pare_tensor_get_double (pare_node_constant (dequantizer (node, 0), 1), 0);
  y_step = pare_tensor_get_double (pare_node_constant (((PareValue *)net.graph->outputs->pdata[0])->producer, 1), 0);
  for (guint i = 0; i < 8; i++)
    {
      guint n = i / 4, c = i % 4;
      double w_step = pare_tensor_get_double (pare_node_constant (dequantizer (node, 1), 1), c);
      /* The zero point is rounded, too: the ends of the range move by up to another half step. */
      double bound = y_step + w_step * x_step;
      for (guint k = 0; k < 8; k++)
        {
          double x_size = fabs (pare_tensor_get_double (inputs->pdata[0], n * 8 + k));
          double w_size = fabs (pare_tensor_get_double (w->constant, c * 8 + k));
          bound += x_step * w_size + w_step / 2 * (x_size + x_step);
        }
      double error = fabs (pare_tensor_get_double (found->pdata[0], i) - pare_tensor_get_double (exact->pdata[0], i));
      g_assert_cmpfloat (error, <=, bound);
      largest = MAX (largest, error);
    }
  /* It was quantized at all. */
  g_assert_cmpfloat (largest, >, 0);
}

#define ADD(name) g_test_add_func ("/quantize/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (parameters);
  ADD (weight_scales);
  ADD (residual_block_stays_in_integers);
  ADD (output_keeps_its_name);
  ADD (moved_data_shares_parameters);
  ADD (indices_are_not_quantized);
  ADD (concat_joins_integers);
  ADD (float_reader_of_an_input_keeps_floats);
  ADD (shared_weight_and_activation_with_two_readers);
  ADD (products_are_quantized_per_column);
  ADD (layers_in_float_have_a_reason);
  ADD (result_that_is_not_finite_stays_float);
  ADD (skipped_layers);
  ADD (unknown_layer_names_the_nearest);
  ADD (missing_range_is_an_error);
  ADD (forms_compute_the_same);
  ADD (error_is_within_half_steps);
  return g_test_run ();
}
