/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Topological order (Kahn 1962, with a heap-free twist: file order breaks ties), and the graph's invariants. */
#include "graph/graph.h"
#include <string.h>

/* Number of inputs and captures of @node that another node of the graph still has to compute. */
static guint
count_pending (const PareNode *node)
{
  const GPtrArray *lists[] = { node->inputs, node->captures };
  guint pending = 0;

  for (guint l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++)
      {
        const PareValue *value = lists[l]->pdata[i];
        pending += value && value->producer;
      }
  return pending;
}

static gint
compare_positions (gconstpointer a, gconstpointer b, gpointer positions)
{
  guint x = GPOINTER_TO_UINT (g_hash_table_lookup (positions, a));
  guint y = GPOINTER_TO_UINT (g_hash_table_lookup (positions, b));

  return x < y ? -1 : x > y;
}

static gboolean
is_sorted (const PareGraph *graph)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      const GPtrArray *lists[] = { node->inputs, node->captures };
      for (guint l = 0; l < G_N_ELEMENTS (lists); l++)
        for (guint j = 0; j < lists[l]->len; j++)
          {
            const PareValue *value = lists[l]->pdata[j];
            if (value && value->producer && !g_hash_table_contains (seen, value->producer))
              return FALSE;
          }
      g_hash_table_add (seen, (gpointer)node);
    }
  return TRUE;
}

/* One output of @node became available: its readers that wait for nothing else are ready. */
static void
release_readers (const PareNode *node, GHashTable *pending, GSequence *ready, GHashTable *positions)
{
  for (guint o = 0; o < node->outputs->len; o++)
    {
      const PareValue *value = node->outputs->pdata[o];
      for (guint i = 0; value && i < value->consumers->len; i++)
        {
          PareNode *reader = value->consumers->pdata[i];
          guint left = GPOINTER_TO_UINT (g_hash_table_lookup (pending, reader)) - 1;
          g_hash_table_insert (pending, reader, GUINT_TO_POINTER (left));
          if (left == 0)
            g_sequence_insert_sorted (ready, reader, compare_positions, positions);
        }
    }
}

gboolean
pare_graph_sort (PareGraph *graph, GError **error)
{
  g_autoptr (GHashTable) positions = NULL, pending = NULL;
  g_autoptr (GSequence) ready = NULL;
  g_autoptr (GPtrArray) order = NULL;

  if (is_sorted (graph))
    return TRUE;
  positions = g_hash_table_new (NULL, NULL);
  pending = g_hash_table_new (NULL, NULL);
  ready = g_sequence_new (NULL);
  order = g_ptr_array_sized_new (graph->nodes->len);
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      guint waits = count_pending (node);
      g_hash_table_insert (positions, node, GUINT_TO_POINTER (i));
      g_hash_table_insert (pending, node, GUINT_TO_POINTER (waits));
      if (waits == 0)
        g_sequence_append (ready, node);
    }
  while (!g_sequence_is_empty (ready))
    {
      GSequenceIter *first = g_sequence_get_begin_iter (ready);
      PareNode *node = g_sequence_get (first);
      g_sequence_remove (first);
      g_ptr_array_add (order, node);
      release_readers (node, pending, ready, positions);
    }
  for (guint i = 0; order->len < graph->nodes->len && i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      if (GPOINTER_TO_UINT (g_hash_table_lookup (pending, node)) == 0)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
                   "The graph has a cycle through node '%s' (%s): export the model again.", pare_node_label (node),
                   node->op_type);
      return FALSE;
    }
  memcpy (graph->nodes->pdata, order->pdata, order->len * sizeof (gpointer));
  return TRUE;
}

static guint
count_uses (const PareNode *node, const PareValue *value)
{
  guint uses = 0;

  for (guint i = 0; i < node->inputs->len; i++)
    uses += node->inputs->pdata[i] == value;
  for (guint i = 0; i < node->captures->len; i++)
    uses += node->captures->pdata[i] == value;
  return uses;
}

void
pare_graph_assert_consistent (const PareGraph *graph)
{
  g_assert_true (is_sorted (graph));
  g_assert_cmpuint (g_hash_table_size (graph->by_name), ==, graph->values->len);
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      guint uses = 0;
      g_assert_true (pare_graph_find_value (graph, value->name) == value);
      g_assert_true (!value->producer || g_ptr_array_find (graph->nodes, value->producer, NULL));
      g_assert_true (!value->producer || g_ptr_array_find (value->producer->outputs, value, NULL));
      for (guint n = 0; n < graph->nodes->len; n++)
        uses += count_uses (graph->nodes->pdata[n], value);
      g_assert_cmpuint (uses, ==, value->consumers->len);
    }
  for (guint i = 0; i < graph->inputs->len; i++)
    g_assert_true (g_ptr_array_find (graph->values, graph->inputs->pdata[i], NULL));
  for (guint i = 0; i < graph->outputs->len; i++)
    g_assert_true (g_ptr_array_find (graph->values, graph->outputs->pdata[i], NULL));
}
