/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Levels of nodes, from the inputs on: the largest of what a node reads, or one more when it is a layer itself. */
#include "train/distill-levels.h"

struct _PareLevels
{
  PareGraph *graph;
  GPtrArray *layers;
  GHashTable *levels; /* PareNode -> level */
};

int
pare_levels_of (const PareLevels *levels, const PareValue *value)
{
  if (value->constant)
    return PARE_LEVEL_CONSTANT;
  return value->producer ? GPOINTER_TO_INT (g_hash_table_lookup (levels->levels, value->producer)) : PARE_LEVEL_INPUT;
}

/* Behind a quantizer a weight is no constant, but it depends on constants alone. */
static gboolean
is_layer (const PareLevels *levels, const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait = { .input = 1 };
  const PareValue *data = pare_node_input (node, 0), *weight;

  if (!op || !op->weight || !data)
    return FALSE;
  op->weight (node, &trait);
  weight = pare_node_input (node, trait.input);
  return weight && pare_levels_of (levels, weight) == PARE_LEVEL_CONSTANT
         && pare_levels_of (levels, data) != PARE_LEVEL_CONSTANT;
}

static int
deepest (const PareLevels *levels, const GPtrArray *values, int level)
{
  for (guint i = 0; i < values->len; i++)
    if (values->pdata[i])
      level = MAX (level, pare_levels_of (levels, values->pdata[i]));
  return level;
}

PareLevels *
pare_levels_new (PareGraph *graph)
{
  PareLevels *levels = g_new0 (PareLevels, 1);

  levels->graph = g_object_ref (graph);
  levels->layers = g_ptr_array_new ();
  levels->levels = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      int level = deepest (levels, node->captures, deepest (levels, node->inputs, PARE_LEVEL_CONSTANT));
      if (is_layer (levels, node))
        {
          level = levels->layers->len;
          g_ptr_array_add (levels->layers, node);
        }
      g_hash_table_insert (levels->levels, node, GINT_TO_POINTER (level));
    }
  return levels;
}

void
pare_levels_free (PareLevels *levels)
{
  g_hash_table_unref (levels->levels);
  g_ptr_array_unref (levels->layers);
  g_object_unref (levels->graph);
  g_free (levels);
}

const GPtrArray *
pare_levels_layers (const PareLevels *levels)
{
  return levels->layers;
}

/* Whether somebody outside of @level reads @value. */
static gboolean
escapes (const PareLevels *levels, const PareValue *value, int level)
{
  if (pare_graph_is_output (levels->graph, value))
    return TRUE;
  for (guint i = 0; i < value->consumers->len; i++)
    if (GPOINTER_TO_INT (g_hash_table_lookup (levels->levels, value->consumers->pdata[i])) != level)
      return TRUE;
  return FALSE;
}

GPtrArray *
pare_levels_gates (const PareLevels *levels, guint layer)
{
  GPtrArray *gates = g_ptr_array_new ();
  g_autoptr (GHashTable) pending = g_hash_table_new (NULL, NULL); /* value -> uses to come */
  GPtrArray *nodes = levels->graph->nodes;
  guint i = 0;

  for (g_ptr_array_find (nodes, levels->layers->pdata[layer], &i); i < nodes->len; i++)
    {
      const PareNode *node = nodes->pdata[i];
      PareValue *value = pare_node_output (node, 0);
      if (GPOINTER_TO_INT (g_hash_table_lookup (levels->levels, node)) != (int)layer)
        continue;
      for (guint k = 0; k < node->inputs->len; k++)
        {
          gpointer used = node->inputs->pdata[k];
          guint uses = used ? GPOINTER_TO_UINT (g_hash_table_lookup (pending, used)) : 0;
          if (uses > 1)
            g_hash_table_insert (pending, used, GUINT_TO_POINTER (uses - 1));
          else
            g_hash_table_remove (pending, used);
        }
      if (node->outputs->len != 1 || !value)
        break;
      if (g_hash_table_size (pending) == 0)
        g_ptr_array_add (gates, value);
      if (escapes (levels, value, layer))
        break;
      g_hash_table_insert (pending, value, GUINT_TO_POINTER (value->consumers->len));
    }
  return gates;
}
