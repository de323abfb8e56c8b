/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks of half precision become networks of single precision. */
#include "fuse/widen.h"
#include <string.h>

static gboolean
is_half (PareDataType type)
{
  return type == PARE_FLOAT16 || type == PARE_BFLOAT16;
}

static guint widen_body (PareGraph *graph);

/* Types that a node names, and tensors and subgraphs that it holds. */
static guint
widen_attribute (PareNode *node, PareAttribute *attribute)
{
  if (attribute->type == PARE_ATTRIBUTE_INT && is_half (attribute->u.i)
      && (strcmp (attribute->name, "to") == 0 || strcmp (attribute->name, "dtype") == 0))
    attribute->u.i = PARE_FLOAT32;
  else if (attribute->type == PARE_ATTRIBUTE_GRAPH)
    return widen_body (attribute->u.graph);
  else if (attribute->type == PARE_ATTRIBUTE_TENSOR && is_half (attribute->u.tensor->type))
    {
      PareTensor *wide = pare_tensor_cast (attribute->u.tensor, PARE_FLOAT32);
      pare_tensor_unref (attribute->u.tensor);
      attribute->u.tensor = wide;
      return 1;
    }
  return 0;
}

/* Everything, inputs and outputs included. */
static guint
widen_body (PareGraph *graph)
{
  guint widened = 0;

  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->constant && is_half (value->constant->type))
        {
          g_autoptr (PareTensor) wide = pare_tensor_cast (value->constant, PARE_FLOAT32);
          pare_value_set_constant (value, wide);
          widened++;
        }
      if (is_half (value->type))
        {
          value->type = PARE_FLOAT32;
          g_clear_pointer (&value->info, g_bytes_unref); /* it tells the old type */
        }
    }
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      for (guint k = 0; k < node->attributes->len; k++)
        widened += widen_attribute (node, node->attributes->pdata[k]);
    }
  return widened;
}

static void
add_cast (PareGraph *graph, PareNode *before, PareValue *input, PareValue *output, PareDataType type)
{
  g_autofree char *name = g_strconcat (input->name, "_Cast", NULL);
  PareNode *node = pare_graph_add_node (graph, "", "Cast", name, before);

  pare_node_set_attribute (node, pare_attribute_new_int ("to", type));
  pare_node_add_input (node, input);
  pare_node_add_output (node, output);
}

/* Lets the nodes that read @from read @to. A subgraph knows @from by name and is left with it. */
static void
redirect (PareValue *from, PareValue *to)
{
  g_autoptr (GPtrArray) readers = g_ptr_array_new ();

  g_ptr_array_extend (readers, from->consumers, NULL, NULL);
  for (guint i = 0; i < readers->len; i++)
    {
      PareNode *reader = readers->pdata[i];
      for (guint k = 0; k < reader->inputs->len; k++)
        if (reader->inputs->pdata[k] == from)
          pare_node_set_input (reader, k, to);
    }
}

static PareValue *
float_value (PareGraph *graph, const PareValue *like)
{
  g_autofree char *name = g_strconcat (like->name, "_float", NULL);
  PareSpec spec = { PARE_FLOAT32, like->shape };
  PareValue *value = pare_graph_add_value_near (graph, name);

  if (like->has_shape)
    pare_value_set_spec (value, &spec);
  return value;
}

static void
widen_input (PareGraph *graph, PareValue *value, PareDataType type)
{
  PareValue *wide;

  if (value->constant)
    return;
  wide = float_value (graph, value);
  redirect (value, wide);
  add_cast (graph, graph->nodes->len ? graph->nodes->pdata[0] : NULL, value, wide, PARE_FLOAT32);
  value->type = type;
}

guint
pare_graph_widen (PareGraph *graph)
{
  g_autofree PareDataType *inputs = g_new (PareDataType, graph->inputs->len + 1);
  guint widened;

  for (guint i = 0; i < graph->inputs->len; i++)
    inputs[i] = ((PareValue *)graph->inputs->pdata[i])->type;
  widened = widen_body (graph);
  for (guint i = 0; i < graph->inputs->len; i++)
    if (is_half (inputs[i]))
      widen_input (graph, graph->inputs->pdata[i], inputs[i]);
  if (widened)
    pare_record_add (graph->record, "graphfuser", "", "widened to float32", NULL, "weights", (double)widened, NULL);
  return widened;
}

static gboolean
has_half (const PareGraph *graph, gboolean in_inputs)
{
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (is_half (value->constant ? value->constant->type : value->type)
          && (in_inputs || value->constant || !g_ptr_array_find (graph->inputs, value, NULL)))
        return TRUE;
    }
  return FALSE;
}

gboolean
pare_graph_computes_in_half (const PareGraph *graph)
{
  return has_half (graph, FALSE);
}

/* Output @index, computed in float32, becomes @type again. */
static void
narrow_output (PareGraph *graph, guint index, PareDataType type)
{
  PareValue *wide = graph->outputs->pdata[index], *narrow;
  PareSpec spec = { type, wide->shape };

  if (!wide->producer || wide->type != PARE_FLOAT32)
    return;
  narrow = pare_graph_add_value_near (graph, wide->name);
  if (wide->has_shape)
    pare_value_set_spec (narrow, &spec);
  add_cast (graph, NULL, wide, narrow, type);
  graph->outputs->pdata[index] = narrow;
}

PareGraph *
pare_graph_copy_widened (const PareGraph *graph)
{
  PareGraph *copy;

  if (!has_half (graph, TRUE))
    return NULL;
  copy = pare_graph_copy (graph);
  pare_graph_widen (copy);
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      PareDataType type = ((PareValue *)graph->outputs->pdata[i])->type;
      if (is_half (type))
        narrow_output (copy, i, type);
    }
  return copy;
}
