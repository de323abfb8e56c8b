/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Constant folding: what is computed ahead, what is not, and that a hostile size is never tried. */
#include "fuse/fuse.h"
#include "net.h"
#include <string.h>

static PareValue *
int64s (Net *net, const char *name, guint n, const gint64 *values)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_int64s (n, values);

  return pare_graph_add_constant (net->graph, name, tensor);
}

/* y = x + @constant, which ends up beside the network's input. */
static void
finish (Net *net, PareValue *constant)
{
  PareValue *x = net_input (net, "x", pare_shape_of (2, 2, 3));
  g_autoptr (GError) error = NULL;

  net_output (net, OP (net, "Add", "y", x, constant));
  g_assert_true (pare_graph_fuse (net->graph, NULL, NULL, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (net->graph);
}

static const char *
reason_for (const PareGraph *graph, const char *layer)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    if (strcmp (pare_record_entry_layer (pare_record_get (graph->record, i)), layer) == 0)
      return pare_record_entry_reason (pare_record_get (graph->record, i));
  return NULL;
}

static void
test_a_chain_of_constants_becomes_one (void)
{
  const gint64 turn[] = { 1, 0 };
  const float numbers[] = { 1, 2, 3, 4, 5, 6 }, expected[] = { 2, 8, 4, 10, 6, 12 };
  PareShape tall = pare_shape_of (2, 2, 3);
  g_auto (Net) net = net_new ();
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&tall, numbers);
  PareValue *w = pare_graph_add_constant (net.graph, "w", tensor), *turned;
  PareTensor *result;

  turned = OP (&net, "Transpose", "turned", w);
  net_set_ints (turned, "perm", 2, turn);
  turned = OP (&net, "Add", "doubled", turned, turned);
  net_output (&net, OP (&net, "MatMul", "y", net_input (&net, "x", pare_shape_of (2, 1, 3)), turned));
  g_assert_true (pare_graph_fuse (net.graph, NULL, NULL, NULL));
  pare_graph_assert_consistent (net.graph);
  g_assert_cmpuint (net.graph->nodes->len, ==, 1);
  result = pare_node_constant (net.graph->nodes->pdata[0], 1);
  g_assert_nonnull (result);
  g_assert_cmpstr (pare_node_input (net.graph->nodes->pdata[0], 1)->name, ==, "doubled");
  g_assert_cmpmem (pare_tensor_data (result), pare_tensor_size (result), expected, sizeof expected);
  g_assert_null (pare_graph_find_value (net.graph, "w")); /* nobody reads it any more */
}

static void
test_constant_nodes_become_constants_silently (void)
{
  g_auto (Net) net = net_new ();
  const float number = 0.5f;
  PareShape scalar = { 0 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&scalar, &number);
  PareValue *constant = net_op (&net, "Constant", "c", 0, NULL);

  pare_node_set_attribute (constant->producer, pare_attribute_new_tensor ("value", tensor));
  finish (&net, constant);
  g_assert_cmpuint (net.graph->nodes->len, ==, 1);
  g_assert_true (pare_graph_find_value (net.graph, "c")->constant != NULL);
  g_assert_cmpuint (pare_record_length (net.graph->record), ==, 0);
}

/* 2^40 numbers: 4 TB that nobody may ask for. */
static void
test_a_small_constant_is_not_blown_up (void)
{
  const gint64 sizes[][2] = { { 1 << 20, 1 << 20 }, { G_MAXINT64, G_MAXINT64 }, { 1 << 10, 1 << 10 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_auto (Net) net = net_new ();
      PareValue *small = net_random (&net, "small", pare_shape_of (1, 1), 0, 1);
      finish (&net, OP (&net, "Expand", "large", small, int64s (&net, "shape", 2, sizes[i])));
      g_assert_cmpuint (net.graph->nodes->len, ==, 2);
      g_assert_nonnull (reason_for (net.graph, "large"));
    }
}

static void
test_quantized_weights_stay_visible (void)
{
  g_auto (Net) net = net_new ();
  PareShape scalar = { 0 }, shape = pare_shape_of (2, 2, 3);
  const gint8 numbers[] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT8, &shape, numbers);
  PareValue *w = pare_graph_add_constant (net.graph, "w", tensor);

  finish (&net, OP (&net, "DequantizeLinear", "dq", w, net_random (&net, "scale", scalar, 1, 2)));
  g_assert_cmpuint (net.graph->nodes->len, ==, 2);
}

static void
test_random_numbers_stay_random (void)
{
  const gint64 shape[] = { 2, 3 };
  g_auto (Net) net = net_new ();
  PareValue *noise = net_op (&net, "RandomNormal", "noise", 0, NULL);

  net_set_ints (noise, "shape", 2, shape);
  finish (&net, noise);
  g_assert_cmpuint (net.graph->nodes->len, ==, 2);
}

static void
test_an_operator_that_fails_is_left_with_its_reason (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = net_random (&net, "a", pare_shape_of (2, 2, 3), 0, 1);

  finish (&net, OP (&net, "Add", "impossible", a, net_random (&net, "b", pare_shape_of (2, 5, 3), 0, 1)));
  g_assert_cmpuint (net.graph->nodes->len, ==, 2);
  g_assert_nonnull (strstr (reason_for (net.graph, "impossible"), "Cannot be computed ahead"));
}

static void
test_an_unknown_operator_is_left (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = net_random (&net, "a", pare_shape_of (2, 2, 3), 0, 1);

  finish (&net, OP (&net, "NoSuchOperator", "odd", a));
  g_assert_cmpuint (net.graph->nodes->len, ==, 2);
}

/* An output must be computed by a node: a file has no other way to name it. */
static void
test_a_constant_output_stays_computed (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = net_random (&net, "a", pare_shape_of (2, 2, 3), 0, 1), *sum = OP (&net, "Add", "sum", a, a);

  net_output (&net, sum);
  finish (&net, sum);
  g_assert_cmpuint (net.graph->nodes->len, ==, 2);
  g_assert_nonnull (strstr (reason_for (net.graph, "sum"), "output of the network"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/constant/chain", test_a_chain_of_constants_becomes_one);
  g_test_add_func ("/constant/node", test_constant_nodes_become_constants_silently);
  g_test_add_func ("/constant/large", test_a_small_constant_is_not_blown_up);
  g_test_add_func ("/constant/quantized", test_quantized_weights_stay_visible);
  g_test_add_func ("/constant/random", test_random_numbers_stay_random);
  g_test_add_func ("/constant/fails", test_an_operator_that_fails_is_left_with_its_reason);
  g_test_add_func ("/constant/unknown", test_an_unknown_operator_is_left);
  g_test_add_func ("/constant/output", test_a_constant_output_stays_computed);
  return g_test_run ();
}
