/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Raising the operator set: one node of an old form, and the form that ONNX's operator changelog gives for it. */
#include "exec/executor.h"
#include "onnx/onnx.h"
#include <string.h>

/* A graph of one node: float input x of shape 2x3x4x5 (rank unknown when @rank is 0), output y. */
static PareGraph *
new_graph (const char *op_type, gint64 opset, guint rank)
{
  static const gint64 dims[] = { 2, 3, 4, 5 };
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape (rank, dims) };
  PareValue *input = pare_graph_add_value (graph, "x");
  PareNode *node = pare_graph_add_node (graph, "", op_type, "n", NULL);

  input->type = PARE_FLOAT32;
  if (rank)
    pare_value_set_spec (input, &spec);
  g_ptr_array_add (graph->inputs, input);
  pare_node_add_input (node, input);
  pare_node_add_output (node, pare_graph_add_value (graph, "y"));
  g_ptr_array_add (graph->outputs, pare_node_output (node, 0));
  graph->ir_version = 3;
  pare_graph_set_opset (graph, "", opset);
  return graph;
}

static PareNode *
only_node (PareGraph *graph)
{
  return graph->nodes->pdata[0];
}

static void
raise_to (PareGraph *graph, gint64 version)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_onnx_upgrade_opset (graph, version, &error));
  g_assert_no_error (error);
  g_assert_cmpint (pare_graph_opset (graph, ""), ==, version);
  pare_graph_assert_consistent (graph);
}

static void
assert_refused (PareGraph *graph, gint64 version, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_onnx_upgrade_opset (graph, version, &error));
  g_assert_nonnull (error);
  if (!strstr (error->message, words))
    g_error ("'%s' does not say '%s'", error->message, words);
}

static void
assert_ints (const PareTensor *tensor, guint n, const gint64 *numbers)
{
  g_assert_cmpuint (tensor->shape.rank, ==, 1);
  g_assert_cmpint (tensor->type, ==, PARE_INT64);
  g_assert_cmpmem (pare_tensor_data (tensor), pare_tensor_size (tensor), numbers, n * sizeof *numbers);
}

static void
test_lists_move_to_inputs (void)
{
  static const struct
  {
    const char *op_type, *attribute;
    guint input;
  } cases[]
      = { { "Squeeze", "axes", 1 }, { "Unsqueeze", "axes", 1 }, { "ReduceSum", "axes", 1 }, { "Split", "split", 1 },
          { "Pad", "pads", 1 },     { "Slice", "starts", 1 },   { "Slice", "ends", 2 },     { "Slice", "axes", 3 } };
  static const gint64 numbers[] = { 1, 2 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PareGraph) graph = new_graph (cases[i].op_type, 9, 4);
      pare_node_set_attribute (only_node (graph), pare_attribute_new_ints (cases[i].attribute, 2, numbers));
      raise_to (graph, 13);
      g_assert_null (pare_node_attribute (only_node (graph), cases[i].attribute));
      assert_ints (pare_node_constant (only_node (graph), cases[i].input), 2, numbers);
    }
}

/* ReduceMean's axes stay an attribute until version 18. */
static void
test_what_did_not_change_stays (void)
{
  static const gint64 axis = 1;
  g_autoptr (PareGraph) graph = new_graph ("ReduceMean", 9, 4);

  pare_node_set_attribute (only_node (graph), pare_attribute_new_ints ("axes", 1, &axis));
  raise_to (graph, 13);
  g_assert_nonnull (pare_node_attribute (only_node (graph), "axes"));
  g_assert_cmpuint (only_node (graph)->inputs->len, ==, 1);
}

static void
test_the_count_of_topk_is_a_list_of_one (void)
{
  static const gint64 five = 5;
  g_autoptr (PareGraph) graph = new_graph ("TopK", 9, 4);

  pare_node_set_attribute (only_node (graph), pare_attribute_new_int ("k", 5));
  raise_to (graph, 11);
  assert_ints (pare_node_constant (only_node (graph), 1), 1, &five);
}

static void
test_a_missing_bound_is_an_omitted_input (void)
{
  g_autoptr (PareGraph) graph = new_graph ("Clip", 7, 4);
  const PareTensor *high;

  pare_node_set_attribute (only_node (graph), pare_attribute_new_float ("max", 6));
  raise_to (graph, 13);
  high = pare_node_constant (only_node (graph), 2);
  g_assert_null (pare_node_input (only_node (graph), 1));
  g_assert_cmpuint (high->shape.rank, ==, 0);
  g_assert_cmpfloat (pare_tensor_get_double (high, 0), ==, 6);
}

static void
test_bounds_are_of_the_type_of_the_data (void)
{
  g_autoptr (PareGraph) graph = new_graph ("Clip", 7, 4);

  pare_node_input (only_node (graph), 0)->type = PARE_FLOAT16;
  pare_node_set_attribute (only_node (graph), pare_attribute_new_float ("max", 6));
  raise_to (graph, 13);
  g_assert_cmpint (pare_node_constant (only_node (graph), 2)->type, ==, PARE_FLOAT16);
}

static void
test_softmax_over_the_last_axis_stays_one_node (void)
{
  g_autoptr (PareGraph) graph = new_graph ("Softmax", 9, 2);

  raise_to (graph, 13); /* axis 1 by default: the last of two */
  g_assert_cmpuint (graph->nodes->len, ==, 1);
  g_assert_cmpint (pare_node_get_int (only_node (graph), "axis", 0), ==, -1);
}

static void
test_softmax_over_several_axes_is_flattened (void)
{
  static const char *operators[] = { "Flatten", "Shape", "Softmax", "Reshape" };
  g_autoptr (PareGraph) graph = new_graph ("Softmax", 9, 4);
  PareNode *last;

  raise_to (graph, 13);
  g_assert_cmpuint (graph->nodes->len, ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpstr (((PareNode *)graph->nodes->pdata[i])->op_type, ==, operators[i]);
  g_assert_cmpint (pare_node_get_int (graph->nodes->pdata[0], "axis", 0), ==, 1);
  g_assert_cmpint (pare_node_get_int (graph->nodes->pdata[2], "axis", 0), ==, -1);
  last = graph->nodes->pdata[3];
  g_assert_true (pare_node_output (last, 0) == graph->outputs->pdata[0]);
}

static void
test_broadcasting_along_an_axis_becomes_positional (void)
{
  static const float bias[] = { 1, 2, 3 };
  PareShape list = pare_shape_of (1, 3), wanted = pare_shape_of (3, 3, 1, 1);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&list, bias);
  g_autoptr (PareGraph) graph = new_graph ("Add", 6, 4);
  PareNode *node = only_node (graph);

  pare_node_add_input (node, pare_graph_add_constant (graph, "bias", tensor));
  pare_node_set_attribute (node, pare_attribute_new_int ("broadcast", 1));
  pare_node_set_attribute (node, pare_attribute_new_int ("axis", 1));
  raise_to (graph, 7);
  g_assert_true (pare_shape_equal (&pare_node_constant (node, 1)->shape, &wanted));
  g_assert_cmpuint (node->attributes->len, ==, 0);
}

static void
test_upsample_becomes_resize (void)
{
  static const float scales[] = { 1, 1, 2, 2 };
  PareShape list = pare_shape_of (1, 4);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&list, scales);
  g_autoptr (PareGraph) graph = new_graph ("Upsample", 9, 4);
  PareNode *node = only_node (graph);
  g_autofree char *where = NULL, *rounding = NULL;

  pare_node_add_input (node, pare_graph_add_constant (graph, "scales", tensor));
  raise_to (graph, 13);
  where = pare_node_get_string (node, "coordinate_transformation_mode");
  rounding = pare_node_get_string (node, "nearest_mode");
  g_assert_cmpstr (node->op_type, ==, "Resize");
  g_assert_cmpstr (where, ==, "asymmetric");
  g_assert_cmpstr (rounding, ==, "floor");
  g_assert_cmpint (pare_tensor_elements (pare_node_constant (node, 1)), ==, 0);
  g_assert_true (pare_tensor_equal (pare_node_constant (node, 2), tensor));
}

/* From IR version 4 on, an initializer that is an input could be overridden: no runtime would quantize it. */
static void
test_initializers_are_no_longer_inputs (void)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_scalar_float (1);
  g_autoptr (PareGraph) graph = new_graph ("Add", 7, 4);
  PareValue *weight = pare_graph_add_constant (graph, "w", tensor);

  pare_node_add_input (only_node (graph), weight);
  g_ptr_array_add (graph->inputs, weight);
  raise_to (graph, 13);
  g_assert_cmpint (graph->ir_version, ==, 7);
  g_assert_cmpuint (graph->inputs->len, ==, 1);
  g_assert_true (weight->constant == tensor);
}

static void
test_subgraphs_are_raised_too (void)
{
  static const gint64 axis = 0;
  g_autoptr (PareGraph) graph = new_graph ("If", 9, 4);
  PareAttribute *branch = pare_attribute_new_int ("then_branch", 0);
  PareGraph *body = pare_graph_new_body (graph);
  PareNode *inner = pare_graph_add_node (body, "", "Squeeze", "inner", NULL);

  pare_node_add_input (inner, pare_graph_add_value (body, "x"));
  pare_node_add_output (inner, pare_graph_add_value (body, "z"));
  pare_node_set_attribute (inner, pare_attribute_new_ints ("axes", 1, &axis));
  branch->type = PARE_ATTRIBUTE_GRAPH;
  branch->u.graph = body;
  pare_node_set_attribute (only_node (graph), branch);
  raise_to (graph, 13);
  assert_ints (pare_node_constant (inner, 1), 1, &axis);
}

/* Version 18 of the reductions and of Split, 20 of DFT and GridSample, 21 of GroupNormalization. */
static void
test_reductions_and_split_in_version_18 (void)
{
  static const gint64 axes[] = { 1, 2 };
  g_autoptr (PareGraph) mean = new_graph ("ReduceMean", 13, 4), split = new_graph ("Split", 13, 4);

  pare_node_set_attribute (only_node (mean), pare_attribute_new_ints ("axes", 2, axes));
  raise_to (mean, 18);
  assert_ints (pare_node_constant (only_node (mean), 1), 2, axes);
  g_assert_null (pare_node_attribute (only_node (mean), "axes"));
  pare_node_add_output (only_node (split), pare_graph_add_value (split, "z"));
  raise_to (split, 21);
  g_assert_cmpint (pare_node_get_int (only_node (split), "num_outputs", 0), ==, 2);
  g_assert_cmpint (split->ir_version, ==, 10);
}

static void
test_the_axis_of_dft_is_an_input_since_version_20 (void)
{
  g_autoptr (PareGraph) graph = new_graph ("DFT", 17, 4);

  raise_to (graph, 20);
  g_assert_null (pare_node_input (only_node (graph), 1));
  g_assert_cmpuint (pare_node_constant (only_node (graph), 2)->shape.rank, ==, 0);
  g_assert_cmpint (pare_tensor_get_int (pare_node_constant (only_node (graph), 2), 0), ==, 1);
}

static void
test_the_mode_of_gridsample_is_renamed_in_version_20 (void)
{
  g_autoptr (PareGraph) graph = new_graph ("GridSample", 16, 4);
  g_autofree char *mode = NULL;

  pare_node_set_attribute (only_node (graph), pare_attribute_new_string ("mode", "bicubic"));
  raise_to (graph, 20);
  mode = pare_node_get_string (only_node (graph), "mode");
  g_assert_cmpstr (mode, ==, "cubic");
}

/* x has 3 channels in one group, so that each number is needed three times. */
static void
test_scales_of_groups_become_scales_of_channels (void)
{
  static const float scale[] = { 7, 7, 7 }, bias[] = { 5, 5, 5 };
  PareShape one = pare_shape_of (1, 1);
  g_autoptr (PareGraph) graph = new_graph ("GroupNormalization", 18, 4);
  g_autoptr (PareTensor) seven = pare_tensor_new_floats (&one, scale), five = pare_tensor_new_floats (&one, bias);
  PareNode *node = only_node (graph);

  pare_node_set_attribute (node, pare_attribute_new_int ("num_groups", 1));
  pare_node_add_input (node, pare_graph_add_constant (graph, "scale", seven));
  pare_node_add_input (node, pare_graph_add_constant (graph, "bias", five));
  raise_to (graph, 21);
  g_assert_cmpmem (pare_tensor_data (pare_node_constant (node, 1)), 12, scale, sizeof scale);
  g_assert_cmpmem (pare_tensor_data (pare_node_constant (node, 2)), 12, bias, sizeof bias);
}

/* Such a network is loaded and written as it is, but nobody here knows what its operators mean. */
static void
test_operator_sets_that_are_too_new_are_not_executed (void)
{
  static const gint64 opsets[] = { 23, 99 };
  PareShape shape = pare_shape_of (4, 2, 3, 4, 5);
  g_autofree float *numbers = g_new0 (float, pare_shape_elements (&shape));
  g_autoptr (PareTensor) input = pare_tensor_new_floats (&shape, numbers);

  for (guint i = 0; i < G_N_ELEMENTS (opsets); i++)
    {
      g_autoptr (PareGraph) graph = new_graph ("Relu", opsets[i], 4);
      g_autoptr (PareExecutor) executor = pare_executor_new (graph);
      g_autoptr (PareTensor) output = NULL;
      g_autoptr (GError) error = NULL;
      g_assert_cmpint (pare_executor_run (executor, &input, 1, &output, &error), ==, opsets[i] == 23);
      if (opsets[i] == 99 && !strstr (error->message, "operator set 99"))
        g_error ("'%s' does not name the operator set", error->message);
    }
}

static void
test_what_cannot_be_raised_is_named (void)
{
  g_autoptr (PareGraph) norm = new_graph ("BatchNormalization", 8, 4), slope = new_graph ("PRelu", 6, 0);
  g_autoptr (PareGraph) any = new_graph ("Relu", 13, 4);

  pare_node_set_attribute (only_node (norm), pare_attribute_new_int ("spatial", 0));
  assert_refused (norm, 13, "Node 'n' (BatchNormalization)");
  pare_node_add_input (only_node (slope), pare_graph_add_value (slope, "slope"));
  assert_refused (slope, 13, "Node 'n' (PRelu)");
  assert_refused (any, 99, "99");
}

static void
test_a_new_enough_graph_is_left_alone (void)
{
  g_autoptr (PareGraph) graph = new_graph ("Softmax", 13, 4);

  raise_to (graph, 13);
  g_assert_null (pare_node_attribute (only_node (graph), "axis"));
  g_assert_cmpint (graph->ir_version, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/onnx/opset/" name, function)
  ADD ("lists-move-to-inputs", test_lists_move_to_inputs);
  ADD ("what-did-not-change-stays", test_what_did_not_change_stays);
  ADD ("the-count-of-topk-is-a-list-of-one", test_the_count_of_topk_is_a_list_of_one);
  ADD ("a-missing-bound-is-an-omitted-input", test_a_missing_bound_is_an_omitted_input);
  ADD ("bounds-are-of-the-type-of-the-data", test_bounds_are_of_the_type_of_the_data);
  ADD ("softmax-over-the-last-axis-stays-one-node", test_softmax_over_the_last_axis_stays_one_node);
  ADD ("softmax-over-several-axes-is-flattened", test_softmax_over_several_axes_is_flattened);
  ADD ("broadcasting-along-an-axis-becomes-positional", test_broadcasting_along_an_axis_becomes_positional);
  ADD ("upsample-becomes-resize", test_upsample_becomes_resize);
  ADD ("initializers-are-no-longer-inputs", test_initializers_are_no_longer_inputs);
  ADD ("subgraphs-are-raised-too", test_subgraphs_are_raised_too);
  ADD ("reductions-and-split-in-version-18", test_reductions_and_split_in_version_18);
  ADD ("the-axis-of-dft-is-an-input-since-version-20", test_the_axis_of_dft_is_an_input_since_version_20);
  ADD ("the-mode-of-gridsample-is-renamed-in-version-20", test_the_mode_of_gridsample_is_renamed_in_version_20);
  ADD ("scales-of-groups-become-scales-of-channels", test_scales_of_groups_become_scales_of_channels);
  ADD ("operator-sets-that-are-too-new-are-not-executed", test_operator_sets_that_are_too_new_are_not_executed);
  ADD ("what-cannot-be-raised-is-named", test_what_cannot_be_raised_is_named);
  ADD ("a-new-enough-graph-is-left-alone", test_a_new_enough_graph_is_left_alone);
  return g_test_run ();
}
