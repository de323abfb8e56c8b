/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The executor as a whole: shapes, memory, threads, taps, and what it refuses. */
#include "network.h"
#include <malloc.h>
#include <string.h>

static PareValue *
conv (Net *net, const char *output, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (output, "_w", NULL);
  PareValue *y = OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, out, in, 3, 3), -0.3, 0.3));

  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  return y;
}

/* Conv, Relu, Conv on any batch and image size. */
static Net
network (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, -1, -1));

  net_output (&net, conv (&net, "y", OP (&net, "Relu", "r", conv (&net, "c", x, 3, 17)), 17, 5));
  return net;
}

static PareTensor *
random_image (Net *net, int n, int height, int width)
{
  PareShape shape = pare_shape_of (4, n, 3, height, width);
  float *data = g_new (float, pare_shape_elements (&shape) + 1);

  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    data[i] = g_rand_double_range (net->random, -1, 1);
  return pare_tensor_new_take (PARE_FLOAT32, &shape, data);
}

static GPtrArray *
one (PareTensor *tensor)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  g_ptr_array_add (inputs, tensor);
  return inputs;
}

/* More shapes than plans are kept, each twice. */
static void
test_shapes_come_and_go (void)
{
  g_auto (Net) net = network ();
  g_autoptr (PareExecutor) executor = pare_executor_new (net.graph);

  for (int i = 0; i < 14; i++)
    {
      g_autoptr (GPtrArray) inputs = one (random_image (&net, 1 + i % 2, 4 + i % 7, 9 - i % 7));
      g_autoptr (GPtrArray) found = network_run_with (executor, net.graph, inputs);
      g_autoptr (GPtrArray) expected = network_expect (net.graph, inputs);
      network_assert_close (found, expected, 1e-5);
    }
}

static void
test_nothing_in_nothing_out (void)
{
  g_auto (Net) net = network ();
  g_autoptr (GPtrArray) inputs = one (random_image (&net, 0, 5, 5)), outputs = network_run (net.graph, inputs);
  g_autofree char *shape = pare_shape_to_string (&((PareTensor *)outputs->pdata[0])->shape);

  g_assert_cmpstr (shape, ==, "[0,5,5,5]");
}

static void
test_memory_is_used_again (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 16, 32, 32));
  const gsize one_value = 16 * 32 * 32 * sizeof (float);
  g_autoptr (GPtrArray) inputs = NULL, outputs = NULL;
  g_autoptr (PareExecutor) executor = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("h%u", i);
      x = conv (&net, name, x, 16, 16);
    }
  net_output (&net, x);
  inputs = network_inputs (&net, 1);
  executor = pare_executor_new (net.graph);
  outputs = network_run_with (executor, net.graph, inputs);
  /* Two values at a time, 20 weights in blocks, and room for scratchpads: not 20 values. */
  g_assert_cmpuint (pare_executor_memory (executor), <, 4 * one_value + 20 * 16 * 16 * 9 * sizeof (float));
}

static void
test_threads_do_not_matter (void)
{
  g_auto (Net) net = network ();
  g_autoptr (GPtrArray) inputs = one (random_image (&net, 2, 40, 40)), first = NULL, second = NULL;

  pare_set_threads (1);
  first = network_run (net.graph, inputs);
  pare_set_threads (2);
  second = network_run (net.graph, inputs);
  pare_set_threads (0);
  g_assert_true (pare_tensor_equal (first->pdata[0], second->pdata[0]));
}

static gpointer
run_repeatedly (gpointer inputs)
{
  g_auto (Net) net = network ();
  g_autoptr (PareExecutor) executor = pare_executor_new (net.graph);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GPtrArray) outputs = network_run_with (executor, net.graph, inputs);
      if (i == 9)
        return pare_tensor_ref (outputs->pdata[0]);
    }
  return NULL;
}

static void
test_executors_on_two_threads (void)
{
  g_auto (Net) net = network ();
  g_autoptr (GPtrArray) inputs = one (random_image (&net, 1, 8, 8)), expected = network_run (net.graph, inputs);
  GThread *threads[2] = { g_thread_new ("a", run_repeatedly, inputs), g_thread_new ("b", run_repeatedly, inputs) };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PareTensor) found = g_thread_join (threads[i]);
      g_assert_true (pare_tensor_equal (found, expected->pdata[0]));
    }
}

/* Taps */

static void
collect (const PareValue *value, const float *data, gsize n, gpointer user_data)
{
  g_array_append_vals (user_data, data, n);
}

static gint
by_value (gconstpointer a, gconstpointer b)
{
  float x = *(const float *)a, y = *(const float *)b;

  return x < y ? -1 : x > y;
}

static void
assert_same_numbers (GArray *seen, const PareTensor *tensor)
{
  g_autofree float *sorted = g_memdup2 (pare_tensor_data (tensor), pare_tensor_size (tensor));

  g_assert_cmpuint (seen->len, ==, pare_tensor_elements (tensor));
  g_array_sort (seen, by_value);
  qsort (sorted, seen->len, sizeof (float), by_value);
  g_assert_cmpmem (seen->data, seen->len * sizeof (float), sorted, seen->len * sizeof (float));
}

/* Taps on an input, a value that would be merged away and lies in padded blocks, a reshaped and an output value. All
 * are outputs of a second graph, which says what they are. */
static void
test_taps_see_every_element_once (void)
{
  g_auto (Net) net = network (), bare = network ();
  const char *names[] = { "x", "c", "r", "y" };
  g_autoptr (PareExecutor) executor = pare_executor_new (net.graph);
  g_autoptr (GPtrArray) inputs = one (random_image (&net, 2, 5, 7)), expected = NULL;
  GArray *seen[G_N_ELEMENTS (names)];

  g_ptr_array_set_size (bare.graph->outputs, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      seen[i] = g_array_new (FALSE, FALSE, sizeof (float));
      pare_executor_add_tap (executor, pare_graph_find_value (net.graph, names[i]), collect, seen[i]);
      net_output (&bare, pare_graph_find_value (bare.graph, names[i]));
    }
  expected = network_run (bare.graph, inputs);
  for (guint run = 0; run < 2; run++)
    {
      g_autoptr (GPtrArray) outputs = network_run_with (executor, net.graph, inputs);
      g_assert_true (pare_tensor_equal (outputs->pdata[0], expected->pdata[3]));
      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        {
          assert_same_numbers (seen[i], expected->pdata[i]);
          g_array_set_size (seen[i], 0);
        }
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_array_unref (seen[i]);
}

static void
test_tap_on_a_folded_value (void)
{
  g_auto (Net) net = net_new ();
  PareValue *k = net_random (&net, "k", pare_shape_of (1, 3), -1, 1), *folded = OP (&net, "Add", "folded", k, k);
  g_autoptr (GPtrArray) inputs = NULL, outputs = NULL;
  g_autoptr (PareExecutor) executor = pare_executor_new (net.graph);
  g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (float));

  net_output (&net, OP (&net, "Add", "y", folded, net_input (&net, "x", pare_shape_of (1, 3))));
  pare_executor_add_tap (executor, folded, collect, seen);
  inputs = network_inputs (&net, 1);
  outputs = network_run_with (executor, net.graph, inputs);
  g_assert_cmpuint (seen->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpfloat (g_array_index (seen, float, i), ==, 2 * (float)pare_tensor_get_double (k->constant, i));
}

/* Refusals */

static void
test_wrong_inputs_are_named (void)
{
  g_auto (Net) net = network ();
  g_autoptr (GPtrArray) none = g_ptr_array_new (), flat = NULL, integers = NULL;
  PareShape shape = pare_shape_of (4, 1, 2, 5, 5), right = pare_shape_of (4, 1, 3, 5, 5);

  network_assert_fails (net.graph, none, PARE_ERROR_FORMAT, "has 1 inputs, but 0 were given");
  flat = one (pare_tensor_new_take (PARE_FLOAT32, &shape, g_new0 (float, 50)));
  network_assert_fails (net.graph, flat, PARE_ERROR_FORMAT, "Input 'x' of the network takes float32 [?,3,?,?]");
  integers = one (pare_tensor_new_take (PARE_INT32, &right, g_new0 (gint32, 75)));
  network_assert_fails (net.graph, integers, PARE_ERROR_FORMAT, "but int32 [1,3,5,5] was given");
}

static void
test_unknown_operator_is_named (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GPtrArray) inputs = NULL;

  net_output (&net, OP (&net, "Frobnicate", "y", net_input (&net, "x", pare_shape_of (1, 3))));
  inputs = network_inputs (&net, 1);
  network_assert_fails (net.graph, inputs, PARE_ERROR_NOT_IMPLEMENTED, "Node 'y' (Frobnicate)");
}

static void
test_output_out_of_nowhere (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GPtrArray) inputs = NULL;

  net_input (&net, "x", pare_shape_of (1, 3));
  net_output (&net, pare_graph_add_value (net.graph, "y"));
  inputs = network_inputs (&net, 1);
  network_assert_fails (net.graph, inputs, PARE_ERROR_DECODE, "'y'");
}

/* A weight of half as many bytes must not be read as floats. */
static void
test_operands_of_two_types (void)
{
  const char *const operators[] = { "MatMul", "Gemm", "Conv", "ConvTranspose" };

  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    {
      g_auto (Net) net = net_new ();
      PareShape shape = i < 2 ? pare_shape_of (2, 4, 4) : pare_shape_of (4, 4, 4, 1, 1);
      PareValue *x = net_input (&net, "x", shape), *w;
      g_autoptr (GPtrArray) inputs = network_inputs (&net, 1);
      net.type = PARE_FLOAT16;
      w = net_random (&net, "w", shape, -1, 1);
      net_output (&net, OP (&net, operators[i], "y", x, w));
      network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, "input 1 is float16, but input 0 is float32");
    }
}

/* Pads make a tiny input absurdly large. */
static void
test_absurd_sizes_are_refused (void)
{
  const gint64 pads[] = { 1 << 18, 1 << 30 };

  for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 3, 4, 4)), *y = conv (&net, "y", x, 3, 4);
      g_autoptr (GPtrArray) inputs = network_inputs (&net, 1);
      net_output (&net, y);
      net_set_ints (y, "pads", 4, (gint64[]){ pads[i], pads[i], pads[i], pads[i] });
      network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, i ? "impossible shape" : "memory");
    }
}

/* The grouped weight of a convolution over ten axes has more axes than a shape holds. */
static void
test_too_many_axes (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (Net) net = net_new ();
      PareShape shape = pare_shape_of (12, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
      PareShape weight = pare_shape_of (12, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
      PareValue *x = net_input (&net, "x", shape), *w = net_random (&net, "w", weight, -1, 1);
      g_autoptr (GPtrArray) inputs = network_inputs (&net, 1);
      PareValue *y = OP (&net, i ? "ConvTranspose" : "Conv", "y", x, w);
      pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", 2));
      net_output (&net, y);
      network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, "does not fit");
    }
}

#define ADD(name) g_test_add_func ("/executor/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  mallopt (M_PERTURB, 0xaa); /* memory that nothing was written to is no zeros */
  ADD (shapes_come_and_go);
  ADD (nothing_in_nothing_out);
  ADD (memory_is_used_again);
  ADD (threads_do_not_matter);
  ADD (executors_on_two_threads);
  ADD (taps_see_every_element_once);
  ADD (tap_on_a_folded_value);
  ADD (wrong_inputs_are_named);
  ADD (unknown_operator_is_named);
  ADD (output_out_of_nowhere);
  ADD (operands_of_two_types);
  ADD (absurd_sizes_are_refused);
  ADD (too_many_axes);
  return g_test_run ();
}
