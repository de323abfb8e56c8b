/* SPDX-License-Identifier: LGPL-2.1-or-later
 * From a simulated graph back to the float one. */
#include "quantize/strip.h"
#include "quantize/pair.h"
#include "quantize/shift.h"

/* Nodes of @graph -> those of @copy, which has them in the same order. */
static GHashTable *
match (const PareGraph *graph, const PareGraph *copy)
{
  GHashTable *counterparts = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < graph->nodes->len; i++)
    g_hash_table_insert (counterparts, graph->nodes->pdata[i], copy->nodes->pdata[i]);
  return counterparts;
}

static gboolean
is_gone (gpointer node, gpointer counterpart, gpointer left)
{
  return !g_hash_table_contains (left, counterpart);
}

static void
forget_gone (GHashTable *counterparts, const PareGraph *copy)
{
  g_autoptr (GHashTable) left = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < copy->nodes->len; i++)
    g_hash_table_add (left, copy->nodes->pdata[i]);
  g_hash_table_foreach_remove (counterparts, is_gone, left);
}

PareGraph *
pare_graph_strip_quantizers (const PareGraph *graph, GHashTable **counterparts, GError **error)
{
  g_autoptr (PareGraph) copy = pare_graph_copy (graph);
  g_autoptr (GHashTable) matches = match (graph, copy);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  ParePair pair;

  pare_graph_drop_shifts (copy);
  if (!pare_graph_lift_integers (copy, error))
    return NULL;
  g_ptr_array_extend (nodes, copy->nodes, NULL, NULL);
  for (guint i = 0; i < nodes->len; i++)
    if (pare_pair_read (nodes->pdata[i], &pair) && pair.quantize)
      pare_graph_replace_value (copy, pair.output, pair.input);
  pare_graph_remove_dead (copy);
  forget_gone (matches, copy);
  if (counterparts)
    *counterparts = g_steal_pointer (&matches);
  return g_steal_pointer (&copy);
}
