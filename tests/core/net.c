/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Small random networks, built in C. */
#include "net.h"

Net
net_new (void)
{
  Net net = { pare_graph_new (), g_rand_new_with_seed (7), PARE_FLOAT32 };

  pare_graph_set_opset (net.graph, "", 13);
  net.graph->ir_version = 7;
  return net;
}

void
net_clear (Net *net)
{
  g_object_unref (net->graph);
  g_rand_free (net->random);
}

PareValue *
net_input (Net *net, const char *name, PareShape shape)
{
  PareValue *value = pare_graph_add_value (net->graph, name);
  PareSpec spec = { net->type, shape };

  pare_value_set_spec (value, &spec);
  g_ptr_array_add (net->graph->inputs, value);
  return value;
}

PareValue *
net_random (Net *net, const char *name, PareShape shape, double low, double high)
{
  gint64 n = pare_shape_elements (&shape);
  g_autofree double *numbers = g_new (double, n);
  g_autoptr (PareTensor) exact = NULL, tensor = NULL;

  for (gint64 i = 0; i < n; i++)
    numbers[i] = g_rand_double_range (net->random, low, high);
  exact = pare_tensor_new_copy (PARE_FLOAT64, &shape, numbers);
  tensor = pare_tensor_cast (exact, net->type);
  return pare_graph_add_constant (net->graph, name, tensor);
}

PareValue *
net_number (Net *net, double value)
{
  PareShape shape = { 0 };
  float single = value;
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, &single);

  return pare_graph_add_constant (net->graph, "number", tensor);
}

PareValue *
net_integers (Net *net, guint n, const gint64 *values)
{
  PareShape shape = pare_shape_of (1, (int)n);
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT64, &shape, values);

  return pare_graph_add_constant (net->graph, "integers", tensor);
}

PareValue *
net_op (Net *net, const char *op_type, const char *output, guint n, PareValue **inputs)
{
  PareNode *node = pare_graph_add_node (net->graph, "", op_type, "", NULL);
  PareValue *value = pare_graph_add_value (net->graph, output);

  for (guint i = 0; i < n; i++)
    pare_node_add_input (node, inputs[i]);
  pare_node_add_output (node, value);
  return value;
}
PareValue *
net_batchnorm (Net *net, const char *output, PareValue *x, int channels)
{
  PareShape shape = pare_shape_of (1, channels);

  return OP (net, "BatchNormalization", output, x, net_random (net, "scale", shape, -2, 2),
             net_random (net, "shift", shape, -1, 1), net_random (net, "mean", shape, -1, 1),
             net_random (net, "variance", shape, 0.3, 2));
}

void
net_set_ints (PareValue *value, const char *name, guint n, const gint64 *ints)
{
  pare_node_set_attribute (value->producer, pare_attribute_new_ints (name, n, ints));
}

void
net_output (Net *net, PareValue *value)
{
  g_ptr_array_add (net->graph->outputs, value);
}
