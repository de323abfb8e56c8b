/* SPDX-License-Identifier: LGPL-2.1-or-later
 * PareGraph to GraphProto: the rest as it was, filled up with what the graph holds now. */
#include "onnx/codec.h"
#include <stdlib.h>

static gpointer *
new_list (GPtrArray *messages, gsize *n)
{
  gpointer *list = g_memdup2 (messages->pdata, messages->len * sizeof (gpointer));

  *n = messages->len;
  g_ptr_array_set_size (messages, 0);
  return list;
}

static void
put_initializers (PareOnnxWriter *writer, const PareGraph *graph, Onnx__GraphProto *proto)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      Onnx__TensorProto *tensor;
      if (!value->constant)
        continue;
      tensor = pare_onnx_unpack (&onnx__tensor_proto__descriptor, value->info_rest);
      pare_onnx_put_string (&tensor->name, value->name);
      pare_onnx_put_tensor (writer, value->constant, tensor);
      g_ptr_array_add (list, tensor);
    }
  proto->initializer = (Onnx__TensorProto **)new_list (list, &proto->n_initializer);
}

static gint64
ir_version (const PareGraph *graph)
{
  while (graph->outer)
    graph = graph->outer;
  return graph->ir_version;
}

/* Before IR version 4 every initializer has to be an input, too. */
static void
put_inputs (const PareGraph *graph, Onnx__GraphProto *proto, GHashTable *described)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  gint64 version = ir_version (graph);

  for (guint i = 0; i < graph->inputs->len; i++)
    {
      g_ptr_array_add (list, pare_onnx_new_value_info (graph->inputs->pdata[i]));
      g_hash_table_add (described, graph->inputs->pdata[i]);
    }
  for (guint i = 0; i < graph->values->len && version > 0 && version < 4 && !graph->outer; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->constant && g_hash_table_add (described, value))
        g_ptr_array_add (list, pare_onnx_new_value_info (value));
    }
  proto->input = (Onnx__ValueInfoProto **)new_list (list, &proto->n_input);
}

static void
put_outputs (const PareGraph *graph, Onnx__GraphProto *proto, GHashTable *described)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (guint i = 0; i < graph->outputs->len; i++)
    {
      g_ptr_array_add (list, pare_onnx_new_value_info (graph->outputs->pdata[i]));
      g_hash_table_add (described, graph->outputs->pdata[i]);
    }
  proto->output = (Onnx__ValueInfoProto **)new_list (list, &proto->n_output);
}

static gboolean
shape_differs (const PareValue *value, const Onnx__TensorShapeProto *shape)
{
  if (!value->has_shape || !shape)
    return FALSE;
  if (shape->n_dim != value->shape.rank)
    return TRUE;
  for (guint i = 0; i < value->shape.rank; i++)
    if (shape->dim[i]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && value->shape.dims[i] >= 0
        && shape->dim[i]->dim_value != value->shape.dims[i])
      return TRUE;
  return FALSE;
}

/* A description out of the rest that an edit of the graph made wrong is worse than none. */
static gboolean
is_outdated (const PareGraph *graph, const Onnx__ValueInfoProto *info)
{
  const PareValue *value = info->name ? pare_graph_find_value (graph, info->name) : NULL;
  const Onnx__TypeProto *type = info->type;

  if (!value || value->type == PARE_UNDEFINED || !type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return FALSE;
  return (type->tensor_type->has_elem_type && type->tensor_type->elem_type != (int)value->type)
         || shape_differs (value, type->tensor_type->shape);
}

static void
put_value_infos (const PareGraph *graph, Onnx__GraphProto *proto, GHashTable *described)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->described && !value->constant && !g_hash_table_contains (described, value))
        g_ptr_array_add (list, pare_onnx_new_value_info (value));
    }
  for (gsize i = 0; i < proto->n_value_info; i++)
    if (is_outdated (graph, proto->value_info[i]))
      onnx__value_info_proto__free_unpacked (proto->value_info[i], NULL);
    else
      g_ptr_array_add (list, proto->value_info[i]);
  free (proto->value_info);
  proto->value_info = (Onnx__ValueInfoProto **)new_list (list, &proto->n_value_info);
}

static char **
new_names (const GPtrArray *values, gsize *n)
{
  char **names = g_new (char *, values->len);

  for (guint i = 0; i < values->len; i++)
    names[i] = g_strdup (values->pdata[i] ? ((PareValue *)values->pdata[i])->name : "");
  *n = values->len;
  return names;
}

static Onnx__NodeProto *
new_node (PareOnnxWriter *writer, const PareNode *node)
{
  Onnx__NodeProto *proto = pare_onnx_unpack (&onnx__node_proto__descriptor, node->rest);

  pare_onnx_put_string (&proto->name, node->name);
  pare_onnx_put_string (&proto->op_type, node->op_type);
  pare_onnx_put_string (&proto->domain, node->domain);
  proto->input = new_names (node->inputs, &proto->n_input);
  proto->output = new_names (node->outputs, &proto->n_output);
  proto->n_attribute = node->attributes->len;
  proto->attribute = g_new (Onnx__AttributeProto *, node->attributes->len);
  for (guint i = 0; i < node->attributes->len; i++)
    proto->attribute[i] = pare_onnx_new_attribute (writer, node->attributes->pdata[i]);
  return proto;
}

Onnx__GraphProto *
pare_onnx_new_graph (PareOnnxWriter *writer, const PareGraph *graph)
{
  Onnx__GraphProto *proto = pare_onnx_unpack (&onnx__graph_proto__descriptor, graph->graph_rest);
  g_autoptr (GHashTable) described = g_hash_table_new (NULL, NULL);

  pare_onnx_put_string (&proto->name, graph->name);
  put_initializers (writer, graph, proto);
  put_inputs (graph, proto, described);
  put_outputs (graph, proto, described);
  put_value_infos (graph, proto, described);
  proto->n_node = graph->nodes->len;
  proto->node = g_new (Onnx__NodeProto *, graph->nodes->len);
  for (guint i = 0; i < graph->nodes->len; i++)
    proto->node[i] = new_node (writer, graph->nodes->pdata[i]);
  return proto;
}
