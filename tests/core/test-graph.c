/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The graph's structures: links, names, copies, order. */
#include "graph/graph.h"

/* A node @op from value @from to a new value @to. */
static PareNode *
add_step (PareGraph *graph, const char *op, const char *from, const char *to)
{
  PareNode *node = pare_graph_add_node (graph, "", op, "", NULL);
  PareValue *value = pare_graph_find_value (graph, to);

  pare_node_add_input (node, pare_graph_find_value (graph, from));
  pare_node_add_output (node, value ? value : pare_graph_add_value (graph, to));
  return node;
}

/* x -> A -> a -> B -> y */
static PareGraph *
chain (void)
{
  PareGraph *graph = pare_graph_new ();

  pare_graph_set_opset (graph, "", 13);
  g_ptr_array_add (graph->inputs, pare_graph_add_value (graph, "x"));
  add_step (graph, "A", "x", "a");
  add_step (graph, "B", "a", "y");
  g_ptr_array_add (graph->outputs, pare_graph_find_value (graph, "y"));
  pare_graph_assert_consistent (graph);
  return graph;
}

static void
test_names_are_unique (void)
{
  g_autoptr (PareGraph) graph = chain ();

  g_assert_null (pare_graph_add_value (graph, "a"));
  g_assert_cmpstr (pare_graph_add_value_near (graph, "a")->name, ==, "a_1");
  g_assert_cmpstr (pare_graph_add_value_near (graph, "a")->name, ==, "a_2");
  g_assert_cmpstr (pare_graph_add_value_near (graph, "new")->name, ==, "new");
  pare_graph_assert_consistent (graph);
}

static void
test_the_standard_domain_has_two_names (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  PareNode *node = pare_graph_add_node (graph, "ai.onnx", "Relu", "r", NULL);

  pare_graph_set_opset (graph, "", 11);
  pare_graph_set_opset (graph, "ai.onnx", 13);
  pare_graph_set_opset (graph, "com.example", 2);
  g_assert_cmpuint (graph->opsets->len, ==, 2);
  g_assert_cmpint (pare_graph_opset (graph, "ai.onnx"), ==, 13);
  g_assert_cmpint (pare_graph_opset (graph, "com.example"), ==, 2);
  g_assert_cmpint (pare_graph_opset (graph, "org.other"), ==, 0);
  g_assert_true (pare_node_is (node, "Relu"));
  g_assert_false (pare_node_is (pare_graph_add_node (graph, "com.example", "Relu", "", NULL), "Relu"));
}

static void
test_a_body_asks_the_outermost_graph_for_opsets (void)
{
  g_autoptr (PareGraph) graph = chain ();
  g_autoptr (PareGraph) body = pare_graph_new_body (graph);

  g_assert_cmpint (pare_graph_opset (body, ""), ==, 13);
}

static void
test_labels_fall_back_to_the_first_output (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareNode *named = pare_graph_add_node (graph, "", "C", "name", NULL);
  PareNode *bare = pare_graph_add_node (graph, "", "D", "", NULL);

  g_assert_cmpstr (pare_node_label (named), ==, "name");
  g_assert_cmpstr (pare_node_label (graph->nodes->pdata[0]), ==, "a");
  g_assert_cmpstr (pare_node_label (bare), ==, "D");
}

static void
test_a_value_read_twice_has_no_only_consumer (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareValue *a = pare_graph_find_value (graph, "a");
  PareNode *reader = graph->nodes->pdata[1];

  g_assert_true (pare_value_only_consumer (a) == reader);
  g_assert_null (pare_value_only_consumer (pare_graph_find_value (graph, "y"))); /* an output of the network */
  pare_node_add_input (reader, a);
  g_assert_null (pare_value_only_consumer (a));
  pare_node_set_input (reader, 1, NULL);
  g_assert_true (pare_value_only_consumer (a) == reader);
  g_ptr_array_add (graph->outputs, a);
  g_assert_null (pare_value_only_consumer (a));
  pare_graph_assert_consistent (graph);
}

static void
test_a_capture_is_no_plain_reader (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareNode *loop = pare_graph_add_node (graph, "", "Loop", "loop", NULL);
  PareValue *x = pare_graph_find_value (graph, "x"), *a = pare_graph_find_value (graph, "a");

  pare_node_set_input (graph->nodes->pdata[1], 0, NULL);
  pare_node_add_capture (loop, a);
  g_assert_cmpuint (a->consumers->len, ==, 1);
  g_assert_null (pare_value_only_consumer (a));
  /* A subgraph knows the value by its name, which a replacement would not have. */
  g_assert_false (pare_graph_replace_value (graph, a, x));
  pare_graph_assert_consistent (graph);
}

static void
test_replacing_an_output_moves_its_name (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareValue *a = pare_graph_find_value (graph, "a"), *y = pare_graph_find_value (graph, "y");
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, 10) };

  pare_value_set_spec (y, &spec);
  pare_graph_remove_node (graph, graph->nodes->pdata[1]);
  g_assert_true (pare_graph_replace_value (graph, y, a));
  g_assert_cmpstr (a->name, ==, "y");
  g_assert_true (graph->outputs->pdata[0] == a);
  g_assert_cmpint (a->type, ==, PARE_FLOAT32);
  g_assert_true (a->has_shape && a->shape.dims[1] == 10);
  pare_graph_assert_consistent (graph);
  pare_graph_remove_dead (graph);
  g_assert_null (pare_graph_find_value (graph, "a"));
  g_assert_cmpuint (graph->values->len, ==, 2);
  pare_graph_assert_consistent (graph);
}

static void
test_an_input_cannot_take_the_name_of_an_output (void)
{
  g_autoptr (PareGraph) graph = chain ();

  g_assert_false (
      pare_graph_replace_value (graph, pare_graph_find_value (graph, "y"), pare_graph_find_value (graph, "x")));
  g_assert_cmpstr (((PareValue *)graph->outputs->pdata[0])->name, ==, "y");
  pare_graph_assert_consistent (graph);
}

static void
test_replacing_reaches_every_use (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareValue *x = pare_graph_find_value (graph, "x"), *a = pare_graph_find_value (graph, "a");
  PareNode *square = add_step (graph, "Mul", "a", "square");

  pare_node_add_input (square, a);
  g_assert_true (pare_graph_replace_value (graph, a, x));
  g_assert_cmpuint (a->consumers->len, ==, 0);
  g_assert_cmpuint (x->consumers->len, ==, 4);
  g_assert_true (pare_node_input (square, 0) == x && pare_node_input (square, 1) == x);
  pare_graph_assert_consistent (graph);
}

static void
test_an_output_moves_between_nodes (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareNode *first = graph->nodes->pdata[0];
  PareValue *a = pare_graph_find_value (graph, "a"), *y = pare_graph_find_value (graph, "y");

  pare_graph_remove_node (graph, graph->nodes->pdata[1]);
  pare_node_set_output (first, 0, y);
  g_assert_true (y->producer == first);
  g_assert_null (a->producer);
  pare_graph_assert_consistent (graph);
}

static void
test_dead_branches_go_as_a_whole (void)
{
  g_autoptr (PareGraph) graph = chain ();
  const float zero = 0;
  PareShape shape = pare_shape_of (1, 1);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, &zero);
  PareNode *dead = add_step (graph, "C", "a", "c");

  pare_node_add_input (dead, pare_graph_add_constant (graph, "weight", tensor));
  add_step (graph, "D", "c", "d");
  pare_graph_add_value (graph, "unused");
  g_ptr_array_add (graph->inputs, pare_graph_add_value (graph, "unread input"));
  pare_graph_remove_dead (graph);
  g_assert_cmpuint (graph->nodes->len, ==, 2);
  g_assert_cmpuint (graph->values->len, ==, 4);
  g_assert_null (pare_graph_find_value (graph, "weight"));
  g_assert_nonnull (pare_graph_find_value (graph, "unread input"));
  pare_graph_assert_consistent (graph);
}

static void
test_a_copy_shares_tensors_and_nothing_else (void)
{
  g_autoptr (PareGraph) copy = NULL;
  PareGraph *graph = chain ();
  PareShape shape = pare_shape_of (1, 1), two = pare_shape_of (2, -1, 3);
  const float one = 1;
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, &one);
  PareNode *node = graph->nodes->pdata[0];
  PareSpec spec = { PARE_FLOAT32, two };
  PareValue *x = pare_graph_find_value (graph, "x");
  gint64 pads[] = { 1, 2 };

  pare_node_add_input (node, pare_graph_add_constant (graph, "w", tensor));
  pare_node_add_input (node, NULL);
  pare_node_set_attribute (node, pare_attribute_new_ints ("pads", 2, pads));
  pare_value_set_spec (x, &spec);
  x->symbols = g_new0 (char *, 3);
  x->symbols[1] = g_strdup ("width"); /* the first axis has no name: a copy must not stop there */
  x->range = (PareRange){ -1, 2 };
  pare_record_add (graph->record, "s", "a", "did", NULL, NULL);
  copy = pare_graph_copy (graph);
  pare_node_remove_attribute (node, "pads");
  g_object_unref (graph);

  pare_graph_assert_consistent (copy);
  node = copy->nodes->pdata[0];
  g_assert_true (pare_node_constant (node, 1) == tensor);
  g_assert_cmpuint (node->inputs->len, ==, 3);
  g_assert_null (pare_node_input (node, 2));
  {
    guint n;
    const gint64 *values = pare_node_get_ints (node, "pads", &n);
    g_assert_cmpmem (values, n * sizeof *values, pads, sizeof pads);
  }
  x = copy->inputs->pdata[0];
  g_assert_null (x->symbols[0]);
  g_assert_cmpstr (x->symbols[1], ==, "width");
  g_assert_cmpfloat (x->range.high, ==, 2);
  g_assert_cmpint (pare_graph_opset (copy, ""), ==, 13);
  g_assert_cmpuint (pare_record_length (copy->record), ==, 1);
}

static void
test_sorting_keeps_file_order_where_it_can (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  const char *expected[] = { "early", "first", "second", "late" };

  g_ptr_array_add (graph->inputs, pare_graph_add_value (graph, "x"));
  pare_graph_add_value (graph, "s");
  pare_graph_add_value (graph, "e");
  add_step (graph, "N", "e", "first");
  add_step (graph, "N", "e", "second");
  add_step (graph, "N", "second", "late");
  add_step (graph, "N", "x", "early");
  /* e is early's twin output: the readers stand before it in the file. */
  pare_node_add_output (graph->nodes->pdata[3], pare_graph_find_value (graph, "e"));
  g_assert_true (pare_graph_sort (graph, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpstr (pare_node_label (graph->nodes->pdata[i]), ==, expected[i]);
  pare_graph_assert_consistent (graph);
}

static void
test_a_cycle_is_an_error_that_names_a_node_on_it (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (graph->inputs, pare_graph_add_value (graph, "x"));
  pare_graph_add_value (graph, "b");
  add_step (graph, "Fine", "x", "fine");
  add_step (graph, "N", "b", "a");
  add_step (graph, "N", "a", "b");
  g_assert_false (pare_graph_sort (graph, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_DECODE);
  g_assert_nonnull (g_strrstr (error->message, "cycle"));
  g_assert_nonnull (g_strrstr (error->message, "'a'"));
}

static void
test_attributes_are_typed (void)
{
  g_autoptr (PareGraph) graph = chain ();
  PareNode *node = graph->nodes->pdata[0];
  g_autofree char *text = NULL;
  guint n = 7;

  pare_node_set_attribute (node, pare_attribute_new_int ("k", 3));
  pare_node_set_attribute (node, pare_attribute_new_float ("alpha", 0.5f));
  pare_node_set_attribute (node, pare_attribute_new_string ("mode", "edge"));
  g_assert_cmpint (pare_node_get_int (node, "k", 0), ==, 3);
  g_assert_cmpfloat (pare_node_get_float (node, "k", 2), ==, 2); /* an int is no float */
  g_assert_cmpfloat (pare_node_get_float (node, "alpha", 2), ==, 0.5f);
  text = pare_node_get_string (node, "mode");
  g_assert_cmpstr (text, ==, "edge");
  g_assert_null (pare_node_get_ints (node, "k", &n));
  g_assert_cmpuint (n, ==, 0);
  pare_node_set_attribute (node, pare_attribute_new_int ("k", 4));
  g_assert_cmpint (pare_node_get_int (node, "k", 0), ==, 4);
  g_assert_cmpuint (node->attributes->len, ==, 3);
}

static void
test_nearest_names (void)
{
  const char *const names[] = { "minmax", "percentile", "entropy", NULL };

  g_assert_cmpstr (pare_nearest_name ("minmx", names), ==, "minmax");
  g_assert_cmpstr (pare_nearest_name ("percentil", names), ==, "percentile");
  g_assert_null (pare_nearest_name ("zzzzzzzz", names));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/graph/names-unique", test_names_are_unique);
  g_test_add_func ("/graph/domain", test_the_standard_domain_has_two_names);
  g_test_add_func ("/graph/body-opset", test_a_body_asks_the_outermost_graph_for_opsets);
  g_test_add_func ("/graph/labels", test_labels_fall_back_to_the_first_output);
  g_test_add_func ("/graph/only-consumer", test_a_value_read_twice_has_no_only_consumer);
  g_test_add_func ("/graph/capture", test_a_capture_is_no_plain_reader);
  g_test_add_func ("/graph/replace-output", test_replacing_an_output_moves_its_name);
  g_test_add_func ("/graph/replace-input", test_an_input_cannot_take_the_name_of_an_output);
  g_test_add_func ("/graph/replace-uses", test_replacing_reaches_every_use);
  g_test_add_func ("/graph/set-output", test_an_output_moves_between_nodes);
  g_test_add_func ("/graph/dead", test_dead_branches_go_as_a_whole);
  g_test_add_func ("/graph/copy", test_a_copy_shares_tensors_and_nothing_else);
  g_test_add_func ("/graph/sort", test_sorting_keeps_file_order_where_it_can);
  g_test_add_func ("/graph/cycle", test_a_cycle_is_an_error_that_names_a_node_on_it);
  g_test_add_func ("/graph/attributes", test_attributes_are_typed);
  g_test_add_func ("/error/nearest", test_nearest_names);
  return g_test_run ();
}
