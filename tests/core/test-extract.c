/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pieces of a graph compute what the graph computes. */
#include "graph/extract.h"
#include "network.h"
#include <string.h>

/* h = Relu (x w), y = h v + h */
static Net
two_products (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 4)), *h, *p;

  h = OP (&net, "Relu", "h", OP (&net, "MatMul", "xw", x, net_random (&net, "w", pare_shape_of (2, 4, 5), -1, 1)));
  p = OP (&net, "MatMul", "hv", h, net_random (&net, "v", pare_shape_of (2, 5, 5), -1, 1));
  net_output (&net, OP (&net, "Add", "y", p, h));
  return net;
}

static PareGraph *
extract (const Net *net, const char *from, const char *to, GError **error)
{
  PareValue *input = pare_graph_find_value (net->graph, from), *output = pare_graph_find_value (net->graph, to);

  return pare_graph_extract (net->graph, 1, &input, 1, &output, error);
}

static void
test_two_pieces_make_the_whole (void)
{
  g_auto (Net) net = two_products ();
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 3), whole = network_run (net.graph, inputs);
  g_autoptr (PareGraph) head = extract (&net, "x", "h", NULL), tail = extract (&net, "h", "y", NULL);
  g_autoptr (GPtrArray) middle = network_run (head, inputs), end = network_run (tail, middle);

  pare_graph_assert_consistent (head);
  pare_graph_assert_consistent (tail);
  g_assert_cmpint (head->nodes->len, ==, 2);
  g_assert_cmpint (tail->nodes->len, ==, 2);
  network_assert_close (end, whole, 0);
}

static void
test_extracting_leaves_the_graph_alone (void)
{
  g_auto (Net) net = two_products ();
  g_autoptr (PareGraph) tail = extract (&net, "h", "y", NULL);

  pare_graph_assert_consistent (net.graph);
  g_assert_cmpint (net.graph->nodes->len, ==, 4);
  g_assert_cmpstr (((PareValue *)net.graph->inputs->pdata[0])->name, ==, "x");
}

static void
test_an_output_may_be_an_input (void)
{
  g_auto (Net) net = two_products ();
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 3), outputs = NULL;
  PareValue *x = pare_graph_find_value (net.graph, "x"), *h = pare_graph_find_value (net.graph, "h");
  g_autoptr (PareGraph) piece = pare_graph_extract (net.graph, 1, &x, 2, (PareValue *[]){ x, h }, NULL);

  outputs = network_run (piece, inputs);
  g_assert_true (pare_tensor_equal (outputs->pdata[0], inputs->pdata[0]));
}

static void
test_what_is_missing_is_named (void)
{
  g_auto (Net) net = two_products ();
  g_autoptr (GError) error = NULL;

  g_assert_null (extract (&net, "hv", "y", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "'x'"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/extract/two-pieces", test_two_pieces_make_the_whole);
  g_test_add_func ("/extract/untouched", test_extracting_leaves_the_graph_alone);
  g_test_add_func ("/extract/output-is-input", test_an_output_may_be_an_input);
  g_test_add_func ("/extract/missing", test_what_is_missing_is_named);
  return g_test_run ();
}
