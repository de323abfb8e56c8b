/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GraphProto to PareGraph: values, nodes, subgraphs and what these read from outside. */
#include "onnx/codec.h"
#include <stdlib.h>

/* One graph while it is decoded. */
typedef struct
{
  PareOnnxReader *reader;
  Onnx__GraphProto *proto;
  PareGraph *graph;
  GHashTable *computed; /* names of all node outputs, wherever the nodes stand */
  GPtrArray *outer;     /* names that are read here and come from an enclosing graph */
} Decode;

static gboolean
name_taken (const Decode *decode, const char *name, GError **error)
{
  return pare_onnx_error (decode->reader, error, "The name '%s' stands for two values: names must be unique.", name);
}

static gboolean
take_initializer (Decode *decode, Onnx__TensorProto *proto, GError **error)
{
  g_autofree char *name = pare_onnx_take_string (&proto->name);
  g_autoptr (PareTensor) tensor = NULL;
  PareValue *value;

  if (!*name)
    return pare_onnx_error (decode->reader, error, "An initializer has no name.");
  value = pare_graph_add_value (decode->graph, name);
  if (!value)
    return name_taken (decode, name, error);
  tensor = pare_onnx_take_tensor (decode->reader, proto, name, error);
  if (!tensor)
    return FALSE;
  pare_value_set_constant (value, tensor);
  value->info_rest = pare_onnx_pack (&proto->base);
  return TRUE;
}

static gboolean
take_initializers (Decode *decode, GError **error)
{
  Onnx__GraphProto *proto = decode->proto;

  for (gsize i = 0; i < proto->n_initializer; i++)
    if (!take_initializer (decode, proto->initializer[i], error))
      return FALSE;
  pare_onnx_clear_messages (&proto->n_initializer, &proto->initializer);
  /* Sparse ones stay in the rest; here they are values that nothing computes. */
  for (gsize i = 0; i < proto->n_sparse_initializer; i++)
    {
      const Onnx__TensorProto *values = proto->sparse_initializer[i]->values;
      if (values && values->name && *values->name && !pare_graph_add_value (decode->graph, values->name))
        return name_taken (decode, values->name, error);
    }
  return TRUE;
}

static gboolean
take_inputs (Decode *decode, GError **error)
{
  Onnx__GraphProto *proto = decode->proto;

  for (gsize i = 0; i < proto->n_input; i++)
    {
      const char *name = proto->input[i]->name;
      PareValue *value;
      if (!name || !*name)
        return pare_onnx_error (decode->reader, error, "Input %" G_GSIZE_FORMAT " of the graph has no name.", i);
      value = pare_graph_find_value (decode->graph, name);
      if (value && value->described)
        return name_taken (decode, name, error);
      if (!value)
        value = pare_graph_add_value (decode->graph, name);
      if (!pare_onnx_read_value_info (decode->reader, proto->input[i], value, error))
        return FALSE;
      g_ptr_array_add (decode->graph->inputs, value);
    }
  pare_onnx_clear_messages (&proto->n_input, &proto->input);
  return TRUE;
}

/* Single static assignment: a node's output is nothing else's, too. */
static gboolean
collect_computed (Decode *decode, GError **error)
{
  for (gsize i = 0; i < decode->proto->n_node; i++)
    {
      const Onnx__NodeProto *node = decode->proto->node[i];
      for (gsize o = 0; o < node->n_output; o++)
        if (*node->output[o]
            && (pare_graph_find_value (decode->graph, node->output[o])
                || !g_hash_table_add (decode->computed, g_strdup (node->output[o]))))
          return name_taken (decode, node->output[o], error);
    }
  return TRUE;
}

/* The value of that name; in a subgraph, names from outside become values without a producer. NULL when there is none.
 */
static PareValue *
find_readable (Decode *decode, const char *name)
{
  PareValue *value = pare_graph_find_value (decode->graph, name);

  if (value)
    return value;
  if (g_hash_table_contains (decode->computed, name))
    return pare_graph_add_value (decode->graph, name);
  if (!decode->graph->outer)
    return NULL;
  g_ptr_array_add (decode->outer, g_strdup (name));
  return pare_graph_add_value (decode->graph, name);
}

static gboolean
take_outputs (Decode *decode, GError **error)
{
  Onnx__GraphProto *proto = decode->proto;

  for (gsize i = 0; i < proto->n_output; i++)
    {
      const char *name = proto->output[i]->name;
      PareValue *value = name && *name ? find_readable (decode, name) : NULL;
      if (!value)
        return pare_onnx_error (decode->reader, error, "Output '%s' of the graph is computed by no node.",
                                name ? name : "");
      if (!value->described && !pare_onnx_read_value_info (decode->reader, proto->output[i], value, error))
        return FALSE;
      g_ptr_array_add (decode->graph->outputs, value);
    }
  pare_onnx_clear_messages (&proto->n_output, &proto->output);
  return TRUE;
}

/* Descriptions of inputs, outputs, constants and unknown names say nothing new: they stay in the rest. */
static gboolean
take_value_infos (Decode *decode, GError **error)
{
  Onnx__GraphProto *proto = decode->proto;
  gsize kept = 0;

  for (gsize i = 0; i < proto->n_value_info; i++)
    {
      Onnx__ValueInfoProto *info = proto->value_info[i];
      PareValue *value = NULL;
      if (info->name && g_hash_table_contains (decode->computed, info->name))
        value = find_readable (decode, info->name);
      proto->value_info[i] = NULL;
      if (!value || value->described)
        {
          proto->value_info[kept++] = info;
          continue;
        }
      if (!pare_onnx_read_value_info (decode->reader, info, value, error))
        {
          onnx__value_info_proto__free_unpacked (info, NULL);
          return FALSE;
        }
      onnx__value_info_proto__free_unpacked (info, NULL);
    }
  proto->n_value_info = kept;
  return TRUE;
}

static gboolean
take_node_inputs (Decode *decode, Onnx__NodeProto *proto, PareNode *node, GError **error)
{
  for (gsize i = 0; i < proto->n_input; i++)
    {
      PareValue *value = *proto->input[i] ? find_readable (decode, proto->input[i]) : NULL;
      if (*proto->input[i] && !value)
        return pare_onnx_error (decode->reader, error, "Node '%s' (%s) reads '%s', which nothing computes.",
                                pare_node_label (node), node->op_type, proto->input[i]);
      pare_node_add_input (node, value);
    }
  return TRUE;
}

/* What the node's subgraphs read from outside is read by the node. */
static gboolean
add_captures (Decode *decode, PareNode *node, GPtrArray *outer, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < outer->len; i++)
    {
      PareValue *value = find_readable (decode, outer->pdata[i]);
      if (!value)
        return pare_onnx_error (decode->reader, error,
                                "A subgraph of node '%s' (%s) reads '%s', which nothing computes.",
                                pare_node_label (node), node->op_type, (char *)outer->pdata[i]);
      if (g_hash_table_add (seen, value->name))
        pare_node_add_capture (node, value);
    }
  return TRUE;
}

static gboolean
take_attributes (Decode *decode, Onnx__NodeProto *proto, PareNode *node, GError **error)
{
  g_autoptr (GPtrArray) outer = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < proto->n_attribute; i++)
    {
      PareAttribute *attribute = pare_onnx_take_attribute (decode->reader, proto->attribute[i], node, outer, error);
      if (!attribute)
        return FALSE;
      g_ptr_array_add (node->attributes, attribute);
    }
  pare_onnx_clear_messages (&proto->n_attribute, &proto->attribute);
  return add_captures (decode, node, outer, error);
}

static void
clear_strings (gsize *n, char ***list)
{
  for (gsize i = 0; i < *n; i++)
    free ((*list)[i]);
  free (pare_onnx_take_list (n, list));
}

static gboolean
take_node (Decode *decode, Onnx__NodeProto *proto, GError **error)
{
  g_autofree char *name = pare_onnx_take_string (&proto->name);
  g_autofree char *op_type = pare_onnx_take_string (&proto->op_type);
  g_autofree char *domain = pare_onnx_take_string (&proto->domain);
  PareNode *node = pare_graph_add_node (decode->graph, domain, op_type, name, NULL);

  for (gsize i = 0; i < proto->n_output; i++)
    pare_node_add_output (node, *proto->output[i] ? find_readable (decode, proto->output[i]) : NULL);
  if (!*op_type)
    return pare_onnx_error (decode->reader, error, "Node '%s' names no operator.", pare_node_label (node));
  if (!take_node_inputs (decode, proto, node, error) || !take_attributes (decode, proto, node, error))
    return FALSE;
  clear_strings (&proto->n_input, &proto->input);
  clear_strings (&proto->n_output, &proto->output);
  node->rest = pare_onnx_pack (&proto->base);
  return TRUE;
}

static gboolean
take_nodes (Decode *decode, GError **error)
{
  Onnx__GraphProto *proto = decode->proto;

  for (gsize i = 0; i < proto->n_node; i++)
    if (!take_node (decode, proto->node[i], error))
      return FALSE;
  pare_onnx_clear_messages (&proto->n_node, &proto->node);
  return TRUE;
}

/* Fills @graph and leaves the rest in it. @outer receives the names that a subgraph reads from outside. */
gboolean
pare_onnx_take_graph (PareOnnxReader *reader, Onnx__GraphProto *proto, PareGraph *graph, GPtrArray *outer,
                      GError **error)
{
  g_autoptr (GHashTable) computed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Decode decode = { reader, proto, graph, computed, outer };
  g_autoptr (GError) reason = NULL;

  g_free (graph->name);
  graph->name = pare_onnx_take_string (&proto->name);
  if (!take_initializers (&decode, error) || !take_inputs (&decode, error) || !collect_computed (&decode, error)
      || !take_outputs (&decode, error) || !take_value_infos (&decode, error) || !take_nodes (&decode, error))
    return FALSE;
  if (!pare_graph_sort (graph, &reason))
    return pare_onnx_error (reader, error, "%s", reason->message);
  graph->graph_rest = pare_onnx_pack (&proto->base);
  return TRUE;
}
