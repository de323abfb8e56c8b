/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The graph: ownership of nodes and values, copying, renaming, removing. */
#include "graph/graph.h"
#include <string.h>

G_DEFINE_TYPE (PareGraph, pare_graph, G_TYPE_OBJECT)

/* Not g_strfreev(), which stops at the first axis without a symbol. To be called before the rank changes. */
static void
clear_symbols (PareValue *value)
{
  for (guint i = 0; value->symbols && i < value->shape.rank; i++)
    g_free (value->symbols[i]);
  g_clear_pointer (&value->symbols, g_free);
}

static void
value_free (gpointer data)
{
  PareValue *value = data;

  g_free (value->name);
  clear_symbols (value);
  g_ptr_array_unref (value->consumers);
  g_clear_pointer (&value->constant, pare_tensor_unref);
  g_clear_pointer (&value->info, g_bytes_unref);
  g_clear_pointer (&value->info_rest, g_bytes_unref);
  g_free (value);
}

static void
node_free (gpointer data)
{
  PareNode *node = data;

  g_free (node->name);
  g_free (node->op_type);
  g_free (node->domain);
  g_ptr_array_unref (node->inputs);
  g_ptr_array_unref (node->outputs);
  g_ptr_array_unref (node->captures);
  g_ptr_array_unref (node->attributes);
  g_clear_pointer (&node->rest, g_bytes_unref);
  g_free (node);
}

static void
opset_clear (gpointer data)
{
  g_free (((PareOpset *)data)->domain);
}

static void
pare_graph_init (PareGraph *graph)
{
  graph->name = g_strdup ("");
  graph->nodes = g_ptr_array_new_with_free_func (node_free);
  graph->values = g_ptr_array_new_with_free_func (value_free);
  graph->inputs = g_ptr_array_new ();
  graph->outputs = g_ptr_array_new ();
  graph->opsets = g_array_new (FALSE, TRUE, sizeof (PareOpset));
  g_array_set_clear_func (graph->opsets, opset_clear);
  graph->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  graph->record = pare_record_new ();
}

static void
pare_graph_finalize (GObject *object)
{
  PareGraph *graph = PARE_GRAPH (object);

  g_hash_table_unref (graph->by_name);
  g_ptr_array_unref (graph->nodes);
  g_ptr_array_unref (graph->inputs);
  g_ptr_array_unref (graph->outputs);
  g_ptr_array_unref (graph->values);
  g_array_unref (graph->opsets);
  g_free (graph->name);
  g_free (graph->path);
  pare_record_free (graph->record);
  g_clear_pointer (&graph->graph_rest, g_bytes_unref);
  g_clear_pointer (&graph->model_rest, g_bytes_unref);
  G_OBJECT_CLASS (pare_graph_parent_class)->finalize (object);
}

static void
pare_graph_class_init (PareGraphClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = pare_graph_finalize;
}

PareGraph *
pare_graph_new (void)
{
  return g_object_new (PARE_TYPE_GRAPH, NULL);
}

PareGraph *
pare_graph_new_body (PareGraph *outer)
{
  PareGraph *body = pare_graph_new ();

  body->outer = outer;
  return body;
}

/* Opsets */

static gboolean
same_domain (const char *a, const char *b)
{
  const char *standard = "ai.onnx";

  return strcmp (strcmp (a, standard) ? a : "", strcmp (b, standard) ? b : "") == 0;
}

gint64
pare_graph_opset (const PareGraph *graph, const char *domain)
{
  while (graph->outer)
    graph = graph->outer;
  for (guint i = 0; i < graph->opsets->len; i++)
    {
      PareOpset *opset = &g_array_index (graph->opsets, PareOpset, i);
      if (same_domain (opset->domain, domain))
        return opset->version;
    }
  return 0;
}

void
pare_graph_set_opset (PareGraph *graph, const char *domain, gint64 version)
{
  PareOpset fresh = { NULL, version };

  while (graph->outer)
    graph = graph->outer;
  for (guint i = 0; i < graph->opsets->len; i++)
    {
      PareOpset *opset = &g_array_index (graph->opsets, PareOpset, i);
      if (same_domain (opset->domain, domain))
        {
          opset->version = version;
          return;
        }
    }
  fresh.domain = g_strdup (domain);
  g_array_append_val (graph->opsets, fresh);
}

void
pare_graph_drop_unused_opset (PareGraph *graph, const char *domain)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (same_domain (((PareNode *)graph->nodes->pdata[i])->domain, domain))
      return;
  for (guint i = graph->opsets->len; i-- > 0;)
    if (same_domain (g_array_index (graph->opsets, PareOpset, i).domain, domain))
      g_array_remove_index (graph->opsets, i);
}

/* Values */

PareValue *
pare_graph_find_value (const PareGraph *graph, const char *name)
{
  return g_hash_table_lookup (graph->by_name, name);
}

PareValue *
pare_graph_add_value (PareGraph *graph, const char *name)
{
  PareValue *value;

  if (pare_graph_find_value (graph, name))
    return NULL;
  value = g_new0 (PareValue, 1);
  value->name = g_strdup (name);
  value->consumers = g_ptr_array_new ();
  value->range = (PareRange){ 1, -1 };
  g_ptr_array_add (graph->values, value);
  g_hash_table_insert (graph->by_name, value->name, value);
  return value;
}

PareValue *
pare_graph_add_value_near (PareGraph *graph, const char *stem)
{
  PareValue *value = pare_graph_add_value (graph, stem);

  for (guint i = 1; !value; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s_%u", stem, i);
      value = pare_graph_add_value (graph, name);
    }
  return value;
}

PareValue *
pare_graph_add_constant (PareGraph *graph, const char *stem, PareTensor *tensor)
{
  PareValue *value = pare_graph_add_value_near (graph, stem);

  pare_value_set_constant (value, tensor);
  return value;
}

void
pare_value_set_constant (PareValue *value, PareTensor *tensor)
{
  PareSpec spec = { tensor->type, tensor->shape };

  g_assert (!value->producer);
  pare_tensor_ref (tensor);
  g_clear_pointer (&value->constant, pare_tensor_unref);
  value->constant = tensor;
  pare_value_set_spec (value, &spec);
}

void
pare_value_set_spec (PareValue *value, const PareSpec *spec)
{
  value->type = spec->type;
  value->has_shape = TRUE;
  clear_symbols (value);
  value->shape = spec->shape;
  g_clear_pointer (&value->info, g_bytes_unref);
}

gboolean
pare_graph_is_input (const PareGraph *graph, const PareValue *value)
{
  return g_ptr_array_find (graph->inputs, value, NULL);
}

gboolean
pare_graph_is_output (const PareGraph *graph, const PareValue *value)
{
  return g_ptr_array_find (graph->outputs, value, NULL);
}

PareNode *
pare_value_only_consumer (const PareValue *value)
{
  PareNode *consumer = value->consumers->len == 1 ? value->consumers->pdata[0] : NULL;

  if (!consumer || g_ptr_array_find (consumer->captures, value, NULL) || pare_graph_is_output (consumer->graph, value))
    return NULL;
  return consumer;
}

void
pare_graph_swap_names (PareGraph *graph, PareValue *a, PareValue *b)
{
  char *name = a->name;

  g_hash_table_remove (graph->by_name, a->name);
  g_hash_table_remove (graph->by_name, b->name);
  a->name = b->name;
  b->name = name;
  g_hash_table_insert (graph->by_name, a->name, a);
  g_hash_table_insert (graph->by_name, b->name, b);
}

gboolean
pare_graph_replace_value (PareGraph *graph, PareValue *from, PareValue *to)
{
  guint position;

  if (pare_graph_is_output (graph, from))
    {
      if (to->constant || !to->producer || pare_graph_is_output (graph, to))
        return FALSE;
      for (guint i = 0; i < to->consumers->len; i++)
        if (g_ptr_array_find (((PareNode *)to->consumers->pdata[i])->captures, to, NULL))
          return FALSE;
    }
  for (guint i = 0; i < from->consumers->len; i++)
    if (g_ptr_array_find (((PareNode *)from->consumers->pdata[i])->captures, from, NULL))
      return FALSE; /* a subgraph knows it by name */
  while (from->consumers->len)
    {
      PareNode *node = from->consumers->pdata[0];
      g_ptr_array_find (node->inputs, from, &position);
      pare_node_set_input (node, position, to);
    }
  while (g_ptr_array_find (graph->outputs, from, &position))
    {
      graph->outputs->pdata[position] = to;
      if (!strcmp (to->name, from->name))
        continue;
      pare_graph_swap_names (graph, from, to);
      to->described = from->described;
      g_clear_pointer (&to->info, g_bytes_unref);
      to->info = from->info ? g_bytes_ref (from->info) : NULL;
      to->type = from->type;
      to->has_shape = from->has_shape;
      clear_symbols (to);
      to->shape = from->shape;
      to->symbols = from->symbols;
      from->symbols = NULL;
    }
  return TRUE;
}

/* Nodes */

PareNode *
pare_graph_add_node (PareGraph *graph, const char *domain, const char *op_type, const char *name, PareNode *before)
{
  PareNode *node = g_new0 (PareNode, 1);
  guint position = graph->nodes->len;

  node->graph = graph;
  node->domain = g_strdup (domain);
  node->op_type = g_strdup (op_type);
  node->name = g_strdup (name);
  node->inputs = g_ptr_array_new ();
  node->outputs = g_ptr_array_new ();
  node->captures = g_ptr_array_new ();
  node->attributes = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_attribute_free);
  if (before)
    g_assert (g_ptr_array_find (graph->nodes, before, &position));
  g_ptr_array_insert (graph->nodes, position, node);
  return node;
}

/* Cuts @node's links to its values. */
static void
node_unlink (PareNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++)
    if (node->inputs->pdata[i])
      g_ptr_array_remove (((PareValue *)node->inputs->pdata[i])->consumers, node);
  for (guint i = 0; i < node->captures->len; i++)
    g_ptr_array_remove (((PareValue *)node->captures->pdata[i])->consumers, node);
  for (guint i = 0; i < node->outputs->len; i++)
    if (node->outputs->pdata[i])
      ((PareValue *)node->outputs->pdata[i])->producer = NULL;
}

void
pare_graph_remove_node (PareGraph *graph, PareNode *node)
{
  node_unlink (node);
  g_ptr_array_remove (graph->nodes, node);
}

static gboolean
node_is_dead (const PareGraph *graph, const PareNode *node)
{
  for (guint i = 0; i < node->outputs->len; i++)
    {
      PareValue *value = node->outputs->pdata[i];
      if (value && (value->consumers->len || pare_graph_is_output (graph, value)))
        return FALSE;
    }
  return TRUE;
}

void
pare_graph_remove_dead (PareGraph *graph)
{
  guint kept = 0;

  for (guint i = graph->nodes->len; i-- > 0;)
    if (node_is_dead (graph, graph->nodes->pdata[i]))
      {
        node_unlink (graph->nodes->pdata[i]);
        g_clear_pointer (&graph->nodes->pdata[i], node_free);
      }
  for (guint i = 0; i < graph->nodes->len; i++)
    if (graph->nodes->pdata[i])
      graph->nodes->pdata[kept++] = graph->nodes->pdata[i];
  /* The freed slots are NULL already: cut the tail without a second free. */
  for (guint i = kept; i < graph->nodes->len; i++)
    graph->nodes->pdata[i] = NULL;
  g_ptr_array_set_free_func (graph->nodes, NULL);
  g_ptr_array_set_size (graph->nodes, kept);
  g_ptr_array_set_free_func (graph->nodes, node_free);

  kept = 0;
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->producer || value->consumers->len || pare_graph_is_input (graph, value)
          || pare_graph_is_output (graph, value))
        {
          graph->values->pdata[kept++] = value;
          continue;
        }
      g_hash_table_remove (graph->by_name, value->name);
      value_free (value);
    }
  g_ptr_array_set_free_func (graph->values, NULL);
  g_ptr_array_set_size (graph->values, kept);
  g_ptr_array_set_free_func (graph->values, value_free);
}

/* Copying */

static void
copy_value (const PareValue *value, PareGraph *copy)
{
  PareValue *twin = pare_graph_add_value (copy, value->name);

  twin->type = value->type;
  twin->has_shape = value->has_shape;
  twin->shape = value->shape;
  if (value->symbols)
    {
      twin->symbols = g_new0 (char *, value->shape.rank + 1);
      for (guint i = 0; i < value->shape.rank; i++)
        twin->symbols[i] = g_strdup (value->symbols[i]);
    }
  twin->constant = value->constant ? pare_tensor_ref (value->constant) : NULL;
  twin->range = value->range;
  twin->sparsity = value->sparsity;
  twin->described = value->described;
  twin->info = value->info ? g_bytes_ref (value->info) : NULL;
  twin->info_rest = value->info_rest ? g_bytes_ref (value->info_rest) : NULL;
}

static PareValue *
twin_of (const PareValue *value, PareGraph *copy)
{
  return value ? pare_graph_find_value (copy, value->name) : NULL;
}

static void
copy_node (const PareNode *node, PareGraph *copy)
{
  PareNode *twin = pare_graph_add_node (copy, node->domain, node->op_type, node->name, NULL);

  for (guint i = 0; i < node->inputs->len; i++)
    pare_node_add_input (twin, twin_of (node->inputs->pdata[i], copy));
  for (guint i = 0; i < node->outputs->len; i++)
    pare_node_add_output (twin, twin_of (node->outputs->pdata[i], copy));
  for (guint i = 0; i < node->captures->len; i++)
    pare_node_add_capture (twin, twin_of (node->captures->pdata[i], copy));
  for (guint i = 0; i < node->attributes->len; i++)
    g_ptr_array_add (twin->attributes, pare_attribute_copy (node->attributes->pdata[i], copy));
  twin->rest = node->rest ? g_bytes_ref (node->rest) : NULL;
}

PareGraph *
pare_graph_copy_body (const PareGraph *graph, PareGraph *outer)
{
  PareGraph *copy = pare_graph_new_body (outer);

  g_free (copy->name);
  copy->name = g_strdup (graph->name);
  for (guint i = 0; i < graph->opsets->len; i++)
    {
      PareOpset *opset = &g_array_index (graph->opsets, PareOpset, i);
      PareOpset twin = { g_strdup (opset->domain), opset->version };
      g_array_append_val (copy->opsets, twin);
    }
  copy->ir_version = graph->ir_version;
  copy->path = g_strdup (graph->path);
  pare_record_free (copy->record);
  copy->record = pare_record_copy (graph->record);
  copy->graph_rest = graph->graph_rest ? g_bytes_ref (graph->graph_rest) : NULL;
  copy->model_rest = graph->model_rest ? g_bytes_ref (graph->model_rest) : NULL;
  for (guint i = 0; i < graph->values->len; i++)
    copy_value (graph->values->pdata[i], copy);
  for (guint i = 0; i < graph->nodes->len; i++)
    copy_node (graph->nodes->pdata[i], copy);
  for (guint i = 0; i < graph->inputs->len; i++)
    g_ptr_array_add (copy->inputs, twin_of (graph->inputs->pdata[i], copy));
  for (guint i = 0; i < graph->outputs->len; i++)
    g_ptr_array_add (copy->outputs, twin_of (graph->outputs->pdata[i], copy));
  return copy;
}

PareGraph *
pare_graph_copy (const PareGraph *graph)
{
  return pare_graph_copy_body (graph, NULL);
}
