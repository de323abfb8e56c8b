/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Takes rounded weights over into networks in which other layers are quantized in another way: rounding is done once,
 * and many configurations are tried with what came out. */
#include "rounding/takeover.h"
#include "quantize/strip.h"
#include "rounding/layerbias.h"

struct _PareRounded
{
  PareGraph *graph;
  PareGraph *floats;  /* of the counterparts */
  GHashTable *layers; /* label -> PareRoundingLayer */
};

/* The layers of @graph whose weight is quantized: label, as it was in float -> PareRoundingLayer. */
static GHashTable *
find_layers (PareGraph *graph, GHashTable *counterparts)
{
  GHashTable *layers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i], *counterpart = g_hash_table_lookup (counterparts, node);
      PareRoundingLayer layer;
      const char *reason;
      if (pare_rounding_layer_init (&layer, node, counterpart, &reason))
        g_hash_table_insert (layers, (gpointer)pare_node_label (counterpart), g_memdup2 (&layer, sizeof layer));
    }
  return layers;
}

PareRounded *
pare_rounded_new (PareGraph *graph, GError **error)
{
  g_autoptr (GHashTable) counterparts = NULL;
  g_autoptr (PareGraph) floats = pare_graph_strip_quantizers (graph, &counterparts, error);
  PareRounded *rounded;

  if (!floats)
    return NULL;
  rounded = g_new0 (PareRounded, 1);
  rounded->graph = g_object_ref (graph);
  rounded->layers = find_layers (graph, counterparts);
  rounded->floats = g_steal_pointer (&floats);
  return rounded;
}

void
pare_rounded_free (PareRounded *rounded)
{
  g_hash_table_unref (rounded->layers);
  g_object_unref (rounded->floats);
  g_object_unref (rounded->graph);
  g_free (rounded);
}

/* What has to be added to the bias in @to for it to be the one in @from; NULL when there is nothing of the kind. */
static double *
bias_change (const PareLayerBias *from, const PareLayerBias *to)
{
  const PareTensor *wanted = pare_node_constant (from->node, from->input);
  const PareTensor *present = pare_node_constant (to->node, to->input);
  gint64 n = wanted ? pare_tensor_elements (wanted) : 0;
  double *change;

  if (!n || (present && pare_tensor_elements (present) != n))
    return NULL;
  change = g_new (double, n);
  for (gint64 c = 0; c < n; c++)
    change[c] = pare_tensor_get_double (wanted, c) - (present ? pare_tensor_get_double (present, c) : 0);
  return change;
}

static void
apply_layer (PareGraph *graph, const PareRoundingLayer *from, const PareRoundingLayer *to)
{
  g_autofree double *weights = pare_rounding_layer_read (from), *change = NULL;
  PareLayerBias theirs, mine;

  pare_rounding_layer_write (graph, to, weights);
  if (!pare_layer_bias_find (from, &theirs) || !pare_layer_bias_find (to, &mine))
    return;
  change = bias_change (&theirs, &mine);
  if (change)
    pare_layer_bias_add (graph, to, &mine, change);
}

gboolean
pare_rounded_apply (const PareRounded *rounded, PareGraph *graph, GHashTable *labels, GError **error)
{
  g_autoptr (GHashTable) counterparts = NULL, layers = NULL;
  g_autoptr (PareGraph) floats = pare_graph_strip_quantizers (graph, &counterparts, error);
  GHashTableIter iter;
  gpointer label;

  if (!floats)
    return FALSE;
  layers = find_layers (graph, counterparts);
  g_hash_table_iter_init (&iter, labels);
  while (g_hash_table_iter_next (&iter, &label, NULL))
    {
      const PareRoundingLayer *from = g_hash_table_lookup (rounded->layers, label);
      const PareRoundingLayer *to = g_hash_table_lookup (layers, label);
      if (from && to)
        apply_layer (graph, from, to);
    }
  return TRUE;
}
