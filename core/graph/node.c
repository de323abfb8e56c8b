/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Nodes: their links to values, and their attributes. */
#include "graph/graph.h"
#include "graph/named.h"
#include <string.h>

static void
add_consumer (PareValue *value, PareNode *node)
{
  if (value)
    g_ptr_array_add (value->consumers, node);
}

static void
drop_consumer (PareValue *value, PareNode *node)
{
  if (value)
    g_assert (g_ptr_array_remove (value->consumers, node));
}

void
pare_node_add_input (PareNode *node, PareValue *value)
{
  g_ptr_array_add (node->inputs, value);
  add_consumer (value, node);
}

void
pare_node_add_output (PareNode *node, PareValue *value)
{
  g_ptr_array_add (node->outputs, value);
  if (!value)
    return;
  g_assert (!value->producer && !value->constant);
  value->producer = node;
}

void
pare_node_add_capture (PareNode *node, PareValue *value)
{
  g_ptr_array_add (node->captures, value);
  add_consumer (value, node);
}

void
pare_node_set_input (PareNode *node, guint index, PareValue *value)
{
  g_assert (index < node->inputs->len);
  drop_consumer (node->inputs->pdata[index], node);
  node->inputs->pdata[index] = value;
  add_consumer (value, node);
}

void
pare_node_set_output (PareNode *node, guint index, PareValue *value)
{
  PareValue *old = pare_node_output (node, index);

  g_assert (index < node->outputs->len && value && !value->producer && !value->constant);
  if (old)
    old->producer = NULL;
  node->outputs->pdata[index] = value;
  value->producer = node;
}

PareValue *
pare_node_input (const PareNode *node, guint index)
{
  return index < node->inputs->len ? node->inputs->pdata[index] : NULL;
}

PareValue *
pare_node_output (const PareNode *node, guint index)
{
  return index < node->outputs->len ? node->outputs->pdata[index] : NULL;
}

PareTensor *
pare_node_constant (const PareNode *node, guint index)
{
  PareValue *value = pare_node_input (node, index);

  return value ? value->constant : NULL;
}

PareTensor *
pare_value_literal (const PareValue *value)
{
  const PareAttribute *attribute;

  if (value->constant || !value->producer || !pare_node_is (value->producer, "Constant"))
    return value->constant;
  attribute = pare_node_attribute (value->producer, "value");
  return attribute && attribute->type == PARE_ATTRIBUTE_TENSOR ? attribute->u.tensor : NULL;
}

PareTensor *
pare_node_literal (const PareNode *node, guint index)
{
  const PareValue *value = pare_node_input (node, index);

  return value ? pare_value_literal (value) : NULL;
}

gboolean
pare_node_is (const PareNode *node, const char *op_type)
{
  return strcmp (node->op_type, op_type) == 0 && (!*node->domain || strcmp (node->domain, "ai.onnx") == 0);
}

const char *
pare_node_label (const PareNode *node)
{
  if (*node->name)
    return node->name;
  for (guint i = 0; i < node->outputs->len; i++)
    if (node->outputs->pdata[i])
      return ((PareValue *)node->outputs->pdata[i])->name;
  return node->op_type;
}

PareNode *
pare_graph_find_layer (const PareGraph *graph, const char *label, GError **error)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      if (strcmp (pare_node_label (node), label) == 0)
        return node;
      g_ptr_array_add (labels, (gpointer)pare_node_label (node));
    }
  g_ptr_array_add (labels, NULL);
  pare_set_error_unknown (error, "layer", label, (const char *const *)labels->pdata, "'pare inspect' lists them");
  return NULL;
}

gboolean
pare_graph_find_layers (const PareGraph *graph, const char *const *labels, GError **error)
{
  for (; labels && *labels; labels++)
    if (!pare_graph_find_layer (graph, *labels, error))
      return FALSE;
  return TRUE;
}

static guint
attribute_index (const PareNode *node, const char *name)
{
  guint i;

  for (i = 0; i < node->attributes->len; i++)
    if (strcmp (((PareAttribute *)node->attributes->pdata[i])->name, name) == 0)
      break;
  return i;
}

const PareAttribute *
pare_node_attribute (const PareNode *node, const char *name)
{
  guint i = attribute_index (node, name);

  return i < node->attributes->len ? node->attributes->pdata[i] : NULL;
}

static const PareAttribute *
typed_attribute (const PareNode *node, const char *name, PareAttributeType type)
{
  const PareAttribute *attribute = pare_node_attribute (node, name);

  return attribute && attribute->type == type ? attribute : NULL;
}

gint64
pare_node_get_int (const PareNode *node, const char *name, gint64 fallback)
{
  const PareAttribute *attribute = typed_attribute (node, name, PARE_ATTRIBUTE_INT);

  return attribute ? attribute->u.i : fallback;
}

float
pare_node_get_float (const PareNode *node, const char *name, float fallback)
{
  const PareAttribute *attribute = typed_attribute (node, name, PARE_ATTRIBUTE_FLOAT);

  return attribute ? attribute->u.f : fallback;
}

char *
pare_node_get_string (const PareNode *node, const char *name)
{
  const PareAttribute *attribute = typed_attribute (node, name, PARE_ATTRIBUTE_STRING);
  gsize length = 0;
  const char *text = attribute ? g_bytes_get_data (attribute->u.s, &length) : NULL;

  return attribute ? g_strndup (text ? text : "", length) : NULL;
}

const gint64 *
pare_node_get_ints (const PareNode *node, const char *name, guint *n)
{
  const PareAttribute *attribute = typed_attribute (node, name, PARE_ATTRIBUTE_INTS);

  *n = attribute ? attribute->n : 0;
  return attribute ? attribute->u.ints : NULL;
}

const float *
pare_node_get_floats (const PareNode *node, const char *name, guint *n)
{
  const PareAttribute *attribute = typed_attribute (node, name, PARE_ATTRIBUTE_FLOATS);

  *n = attribute ? attribute->n : 0;
  return attribute ? attribute->u.floats : NULL;
}

void
pare_node_set_attribute (PareNode *node, PareAttribute *attribute)
{
  guint i = attribute_index (node, attribute->name);

  if (i == node->attributes->len)
    {
      g_ptr_array_add (node->attributes, attribute);
      return;
    }
  pare_attribute_free (node->attributes->pdata[i]);
  node->attributes->pdata[i] = attribute;
}

void
pare_node_remove_attribute (PareNode *node, const char *name)
{
  guint i = attribute_index (node, name);

  if (i < node->attributes->len)
    g_ptr_array_remove_index (node->attributes, i);
}

void
pare_node_copy_attributes (PareNode *node, const PareNode *from)
{
  for (guint i = 0; i < from->attributes->len; i++)
    pare_node_set_attribute (node, pare_attribute_copy (from->attributes->pdata[i], node->graph));
}
