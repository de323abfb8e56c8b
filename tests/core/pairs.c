/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Integers in the small networks of net.h. */
#include "pairs.h"

PareTensor *
net_random_bytes (GRand *random, PareDataType type, const PareShape *shape)
{
  gint64 n = pare_shape_elements (shape);
  guint8 *bytes = g_malloc (n);

  for (gint64 i = 0; i < n; i++)
    bytes[i] = g_rand_int_range (random, type == PARE_INT8 ? -127 : 0, type == PARE_INT8 ? 128 : 256);
  return pare_tensor_new_take (type, shape, bytes);
}

PareValue *
net_constant (Net *net, const char *name, PareTensor *tensor)
{
  return pare_graph_add_constant (net->graph, name, tensor);
}

PareValue *
net_byte (Net *net, PareDataType type, int number)
{
  PareShape shape = { 0 };
  guint8 data = number;
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (type, &shape, &data);

  return net_constant (net, "zero", tensor);
}

PareValue *
net_stored (Net *net, const char *name, PareTensor *integers, const PareTensor *scale, float factor, int axis)
{
  g_autofree float *scales = g_new (float, pare_tensor_elements (scale));
  g_autoptr (PareTensor) scaled = NULL;
  PareValue *value;

  for (gint64 i = 0; i < pare_tensor_elements (scale); i++)
    scales[i] = factor * (float)pare_tensor_get_double (scale, i);
  scaled = pare_tensor_new_floats (&scale->shape, scales);
  value = OP (net, "DequantizeLinear", name, net_constant (net, "integers", integers),
              net_constant (net, "scales", scaled));
  if (scale->shape.rank)
    pare_node_set_attribute (value->producer, pare_attribute_new_int ("axis", axis));
  return value;
}

PareValue *
net_dequantized (Net *net, const char *name, PareValue *integers, float scale, PareDataType type, int zero)
{
  return OP (net, "DequantizeLinear", name, integers, net_number (net, scale), net_byte (net, type, zero));
}

PareValue *
net_quantized (Net *net, const char *name, PareValue *value, float scale, PareDataType type, int zero)
{
  return OP (net, "QuantizeLinear", name, value, net_number (net, scale), net_byte (net, type, zero));
}

guint
net_count (const PareGraph *graph, const char *op_type)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += g_str_equal (((PareNode *)graph->nodes->pdata[i])->op_type, op_type);
  return n;
}
