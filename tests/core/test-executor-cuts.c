/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks whose shapes depend on their data, and what is no plain tensor: control flow and sequences. */
#include "network.h"

static GPtrArray *
vectors (guint n, const guint *lengths, const float *const *data)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  for (guint i = 0; i < n; i++)
    {
      PareShape shape = pare_shape_of (1, (int)lengths[i]);
      g_ptr_array_add (inputs, pare_tensor_new_floats (&shape, data[i]));
    }
  return inputs;
}

static GPtrArray *
vector (guint n, const float *data)
{
  return vectors (1, &n, &data);
}

static void
assert_floats (const PareTensor *tensor, guint n, const float *expected)
{
  const float *data = pare_tensor_data (tensor);

  g_assert_cmpint (tensor->type, ==, PARE_FLOAT32);
  g_assert_cmpint (pare_tensor_elements (tensor), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (data[i], expected[i], 1e-6);
}

/* The positive numbers of x, doubled: what is left of Relu is found, gathered and added to itself. */
static Net
positive_network (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (1, -1));
  PareValue *positive = OP (&net, "Relu", "r", x), *where, *indices, *kept;

  net.type = PARE_INT64;
  where = OP (&net, "NonZero", "where", positive);
  indices = OP (&net, "Transpose", "indices", where);
  net.type = PARE_FLOAT32;
  kept = OP (&net, "GatherND", "kept", positive, indices);
  net_output (&net, OP (&net, "Add", "y", kept, kept));
  return net;
}

static void
test_as_many_results_as_the_data_says (void)
{
  g_auto (Net) net = positive_network ();
  g_autoptr (PareExecutor) executor = pare_executor_new (net.graph);
  g_autoptr (GPtrArray) a = vector (4, (float[]){ 1, -1, 2, -3 }), b = vector (4, (float[]){ -1, -2, -3, -4 }),
                        c = vector (4, (float[]){ 5, 6, 0, 7 });
  g_autoptr (GPtrArray) from_a = network_run_with (executor, net.graph, a),
                        from_b = network_run_with (executor, net.graph, b),
                        from_c = network_run_with (executor, net.graph, c);

  assert_floats (from_a->pdata[0], 2, (float[]){ 2, 4 });
  assert_floats (from_b->pdata[0], 0, NULL);
  assert_floats (from_c->pdata[0], 3, (float[]){ 10, 12, 14 });
}

static void
add_up (const PareValue *value, const float *data, gsize n, gpointer user_data)
{
  for (gsize i = 0; i < n; i++)
    *(float *)user_data += data[i];
}

static void
test_taps_see_both_sides_of_a_cut (void)
{
  g_auto (Net) net = positive_network ();
  g_autoptr (PareExecutor) executor = pare_executor_new (net.graph);
  g_autoptr (GPtrArray) x = vector (4, (float[]){ 1, -1, 2, -3 }), y = NULL;
  float before = 0, behind = 0;

  pare_executor_add_tap (executor, pare_graph_find_value (net.graph, "r"), add_up, &before);
  pare_executor_add_tap (executor, pare_graph_find_value (net.graph, "kept"), add_up, &behind);
  y = network_run_with (executor, net.graph, x);
  g_assert_cmpfloat (before, ==, 3);
  g_assert_cmpfloat (behind, ==, 3);
}

/* The shape of the input, read before the cut, is known behind it: there, a Reshape by it needs no cut of its own. */
static void
test_shapes_known_before_a_cut_are_known_behind (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 3)), *shape, *flat, *where, *count, *scaled;
  PareShape matrix = pare_shape_of (2, 2, 3);
  g_autoptr (PareTensor) input = pare_tensor_new_floats (&matrix, (float[]){ 1, 0, 2, 0, 0, 3 });
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *y = NULL;

  net.type = PARE_INT64;
  shape = OP (&net, "Shape", "shape", x);
  where = OP (&net, "NonZero", "where", x);
  count = OP (&net, "Size", "count", where); /* 2 axes, 3 of 6 are not zero: 6 */
  net.type = PARE_FLOAT32;
  flat = OP (&net, "Flatten", "flat", x);
  scaled = OP (&net, "Mul", "scaled", flat, OP (&net, "CastLike", "as_float", count, x));
  net_output (&net, OP (&net, "Reshape", "y", scaled, shape));
  executor = pare_executor_new (net.graph);
  pare_executor_run (executor, &input, 1, &y, &error);
  g_assert_no_error (error);
  g_assert_true (pare_shape_equal (&y->shape, &matrix));
  assert_floats (y, 6, (float[]){ 6, 0, 12, 0, 0, 18 });
  pare_tensor_unref (y);
}

/* A body of @net's graph that computes @op_type of its input "h" and the outer value @captured, and after that sends
 * the result out twice: carried on, and stacked. Its condition is what it was. */
static PareGraph *
make_body (Net *net, const char *op_type, const PareValue *captured)
{
  PareGraph *body = pare_graph_new_body (net->graph);
  const char *const inputs[] = { "round", "go_on", "h" };
  PareNode *node;

  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    g_ptr_array_add (body->inputs, pare_graph_add_value (body, inputs[i]));
  node = pare_graph_add_node (body, "", op_type, "", NULL);
  pare_node_add_input (node, body->inputs->pdata[2]);
  pare_node_add_input (node, pare_graph_add_value (body, captured->name));
  pare_node_add_output (node, pare_graph_add_value (body, "next"));
  g_ptr_array_add (body->outputs, body->inputs->pdata[1]);
  g_ptr_array_add (body->outputs, pare_node_output (node, 0));
  g_ptr_array_add (body->outputs, pare_node_output (node, 0));
  return body;
}

/* y = x added @rounds times to itself, and all the sums on the way. */
static void
test_loop_carries_and_stacks (void)
{
  static const gint64 rounds = 3;
  static const PareShape scalar = { 0 };
  g_auto (Net) net = net_new ();
  g_autoptr (PareTensor) limit = pare_tensor_new_copy (PARE_INT64, &scalar, &rounds);
  PareValue *x = net_input (&net, "x", pare_shape_of (1, -1));
  PareValue *y = OP (&net, "Loop", "y", pare_graph_add_constant (net.graph, "limit", limit), NULL, x);
  g_autoptr (GPtrArray) inputs = vector (2, (float[]){ 1, 10 }), outputs = NULL;

  pare_node_add_output (y->producer, pare_graph_add_value (net.graph, "sums"));
  pare_node_set_attribute (y->producer, pare_attribute_new_graph ("body", make_body (&net, "Add", x)));
  pare_node_add_capture (y->producer, x);
  net_output (&net, y);
  net_output (&net, y->producer->outputs->pdata[1]);
  outputs = network_run (net.graph, inputs);
  assert_floats (outputs->pdata[0], 2, (float[]){ 4, 40 });
  assert_floats (outputs->pdata[1], 6, (float[]){ 2, 20, 3, 30, 4, 40 });
}

/* What goes wrong inside names the loop. */
static void
test_error_in_a_body_names_the_node_outside (void)
{
  static const PareShape scalar = { 0 };
  static const gint64 rounds = 1;
  g_auto (Net) net = net_new ();
  g_autoptr (PareTensor) limit = pare_tensor_new_copy (PARE_INT64, &scalar, &rounds);
  PareValue *x = net_input (&net, "x", pare_shape_of (1, -1)), *z = net_input (&net, "z", pare_shape_of (1, -1));
  PareValue *y = OP (&net, "Loop", "y", pare_graph_add_constant (net.graph, "limit", limit), NULL, x);
  g_autoptr (GPtrArray) inputs
      = vectors (2, (guint[]){ 2, 3 }, (const float *const[]){ (float[]){ 1, 2 }, (float[]){ 1, 2, 3 } });

  pare_node_add_output (y->producer, pare_graph_add_value (net.graph, "sums"));
  pare_node_set_attribute (y->producer, pare_attribute_new_graph ("body", make_body (&net, "Add", z)));
  pare_node_add_capture (y->producer, z);
  net_output (&net, y);
  network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, "In the subgraph 'body' of node 'y'");
}

static void
test_sequences_are_given_and_taken (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (1, -1)), *s;
  g_autoptr (GPtrArray) inputs = vector (3, (float[]){ 1, 2, 3 }), outputs = NULL;
  const PareTensor *sequence;

  s = OP (&net, "SequenceConstruct", "s", x, OP (&net, "Neg", "n", x));
  net_output (&net, OP (&net, "SequenceInsert", "t", s, OP (&net, "Abs", "a", x)));
  net_output (&net, OP (&net, "ConcatFromSequence", "c", pare_graph_find_value (net.graph, "t")));
  outputs = network_run (net.graph, inputs);
  sequence = outputs->pdata[0];
  g_assert_cmpint (sequence->type, ==, PARE_SEQUENCE);
  g_assert_cmpuint (sequence->items->len, ==, 3);
  assert_floats (sequence->items->pdata[1], 3, (float[]){ -1, -2, -3 });
  assert_floats (outputs->pdata[1], 9, (float[]){ 1, 2, 3, -1, -2, -3, 1, 2, 3 });
}

/* A sequence where a tensor has to be is an error and no crash. */
static void
test_sequence_into_arithmetic_is_refused (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (1, -1));
  g_autoptr (GPtrArray) inputs = vector (1, (float[]){ 1 });

  net_output (&net, OP (&net, "Add", "y", x, OP (&net, "SequenceConstruct", "s", x)));
  network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, "input 1 is a sequence");
}

/* A chain of such nodes is as deep as it is long: there is an end. */
static void
test_endless_dependence_is_refused (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (1, -1));
  g_autoptr (GPtrArray) inputs = vector (2, (float[]){ 1, 2 });

  net.type = PARE_INT64;
  for (guint i = 0; i < 600; i++)
    {
      g_autofree char *name = g_strdup_printf ("v%u", i);
      x = OP (&net, "NonZero", name, x);
    }
  net_output (&net, x);
  network_assert_fails (net.graph, inputs, PARE_ERROR_NOT_IMPLEMENTED, "times in a row");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/executor/cuts/as-many-results-as-the-data-says", test_as_many_results_as_the_data_says);
  g_test_add_func ("/executor/cuts/taps-see-both-sides", test_taps_see_both_sides_of_a_cut);
  g_test_add_func ("/executor/cuts/known-shapes-stay-known", test_shapes_known_before_a_cut_are_known_behind);
  g_test_add_func ("/executor/cuts/loop-carries-and-stacks", test_loop_carries_and_stacks);
  g_test_add_func ("/executor/cuts/error-in-a-body", test_error_in_a_body_names_the_node_outside);
  g_test_add_func ("/executor/cuts/sequences", test_sequences_are_given_and_taken);
  g_test_add_func ("/executor/cuts/sequence-into-arithmetic", test_sequence_into_arithmetic_is_refused);
  g_test_add_func ("/executor/cuts/endless-dependence", test_endless_dependence_is_refused);
  return g_test_run ();
}
