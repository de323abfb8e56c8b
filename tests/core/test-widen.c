/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks of half precision that are made to compute in float32. */
#include "exec/executor.h"
#include "fuse/widen.h"
#include "net.h"
#include <math.h>

static PareGraph *
half_network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x, *hidden;

  net.type = PARE_FLOAT16;
  x = net_input (&net, "x", pare_shape_of (2, 2, 3));
  hidden = OP (&net, "Relu", "hidden",
               OP (&net, "MatMul", "product", x, net_random (&net, "w", pare_shape_of (2, 3, 4), -1, 1)));
  hidden->type = PARE_FLOAT16;
  net_output (&net, hidden);
  net_output (&net, OP (&net, "Add", "y", hidden, net_random (&net, "b", pare_shape_of (1, 4), -1, 1)));
  ((PareValue *)net.graph->outputs->pdata[1])->type = PARE_FLOAT16;
  return g_object_ref (net.graph);
}

static void
test_widened_network_keeps_its_inputs_and_function (void)
{
  g_autoptr (PareGraph) graph = half_network ();
  g_autoptr (PareTensor) w = pare_tensor_cast (pare_graph_find_value (graph, "w")->constant, PARE_FLOAT64);
  g_autoptr (PareTensor) b = pare_tensor_cast (pare_graph_find_value (graph, "b")->constant, PARE_FLOAT64);
  static const float data[] = { 0.5f, -1, 2, 0.25f, 4, -0.125f };
  PareShape shape = pare_shape_of (2, 2, 3);
  g_autoptr (PareTensor) floats = pare_tensor_new_floats (&shape, data);
  g_autoptr (PareTensor) input = pare_tensor_cast (floats, PARE_FLOAT16);
  PareTensor *outputs[2] = { NULL };
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (pare_graph_widen (graph), ==, 2);
  pare_graph_assert_consistent (graph);
  g_assert_cmpint (pare_graph_find_value (graph, "w")->constant->type, ==, PARE_FLOAT32);
  g_assert_cmpint (pare_graph_find_value (graph, "x")->type, ==, PARE_FLOAT16);
  executor = pare_executor_new (graph);
  pare_executor_run (executor, &input, 1, outputs, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 8; i++)
    {
      double sum = 0;
      for (guint k = 0; k < 3; k++)
        sum += data[i / 4 * 3 + k] * pare_tensor_get_double (w, k * 4 + i % 4);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (outputs[0], i), MAX (sum, 0), 3e-3);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (outputs[1], i),
                                      MAX (sum, 0) + pare_tensor_get_double (b, i % 4), 3e-3);
    }
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (outputs[i]->type, ==, PARE_FLOAT32);
      pare_tensor_unref (outputs[i]);
    }
}

static void
test_float_network_is_left_alone (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 2, 3));

  net_output (&net, OP (&net, "MatMul", "y", x, net_random (&net, "w", pare_shape_of (2, 3, 4), -1, 1)));
  g_assert_cmpuint (pare_graph_widen (net.graph), ==, 0);
  g_assert_cmpuint (net.graph->nodes->len, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/widen/widened-network-keeps-its-inputs-and-function",
                   test_widened_network_keeps_its_inputs_and_function);
  g_test_add_func ("/widen/float-network-is-left-alone", test_float_network_is_left_alone);
  return g_test_run ();
}
