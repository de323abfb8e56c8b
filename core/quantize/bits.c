/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Bits of weights and activations: the settings', except for single layers and for those at the edges of the network.
 */
#include "quantize/bits.h"
#include "quantize/settings.h"

struct _PareBits
{
  const PareQuantizeSettings *settings;
  GHashTable *edges;  /* weighted nodes with no weighted node before or behind them */
  GHashTable *values; /* value, at its origin -> bits that its readers ask for */
  const ParePlacement *placement;
};

static gboolean
is_weighted (const PareNode *node)
{
  PareWeightTrait trait;

  return pare_node_weight (node, &trait);
}

/* @behind: values that a weighted node went into. */
static void
find_first (PareBits *bits, const PareGraph *graph)
{
  g_autoptr (GHashTable) behind = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      gboolean weighted = is_weighted (node), reached = FALSE;
      for (guint k = 0; k < node->inputs->len; k++)
        reached |= node->inputs->pdata[k] && g_hash_table_contains (behind, node->inputs->pdata[k]);
      if (weighted && !reached)
        g_hash_table_add (bits->edges, (gpointer)node);
      for (guint k = 0; (weighted || reached) && k < node->outputs->len; k++)
        g_hash_table_add (behind, node->outputs->pdata[k]);
    }
}

/* @ahead: values that go into a weighted node. */
static void
find_last (PareBits *bits, const PareGraph *graph)
{
  g_autoptr (GHashTable) ahead = g_hash_table_new (NULL, NULL);

  for (guint i = graph->nodes->len; i-- > 0;)
    {
      const PareNode *node = graph->nodes->pdata[i];
      gboolean weighted = is_weighted (node), reaches = FALSE;
      for (guint k = 0; k < node->outputs->len; k++)
        reaches |= node->outputs->pdata[k] && g_hash_table_contains (ahead, node->outputs->pdata[k]);
      if (weighted && !reaches)
        g_hash_table_add (bits->edges, (gpointer)node);
      for (guint k = 0; (weighted || reaches) && k < node->inputs->len; k++)
        g_hash_table_add (ahead, node->inputs->pdata[k]);
    }
}

/* What layers that read @value ask for: the most, where they differ. */
static void
ask (PareBits *bits, PareValue *value, guint wanted)
{
  PareValue *origin = pare_placement_origin (bits->placement, value);
  guint asked = GPOINTER_TO_UINT (g_hash_table_lookup (bits->values, origin));

  g_hash_table_insert (bits->values, origin, GUINT_TO_POINTER (MAX (asked, wanted)));
}

static int
override_of (const PareBits *bits, const PareNode *node)
{
  const PareQuantizeLayer *layer = pare_quantize_settings_layer (bits->settings, pare_node_label (node));

  return layer ? layer->activation_bits : -1;
}

/* Values that only were moved on the way keep one grid, so all of them count as the first one. What is said of single
 * layers comes before what the edges get. */
static void
ask_for_values (PareBits *bits, const PareGraph *graph)
{
  g_autoptr (GHashTable) said = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer node;

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *layer = graph->nodes->pdata[i];
      const PareOperator *op = pare_operator_of (layer);
      guint inputs = op && op->quantize == PARE_QUANTIZE_JOIN ? layer->inputs->len : 1;
      if (override_of (bits, layer) < 0 || !pare_placement_quantized (bits->placement, layer))
        continue;
      for (guint k = 0; k < inputs; k++)
        {
          ask (bits, layer->inputs->pdata[k], override_of (bits, layer));
          g_hash_table_add (said, pare_placement_origin (bits->placement, layer->inputs->pdata[k]));
        }
    }
  g_hash_table_iter_init (&iter, bits->edges);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    if (!g_hash_table_contains (said, pare_placement_origin (bits->placement, pare_node_input (node, 0))))
      ask (bits, pare_node_input (node, 0), MAX (bits->settings->edge_bits, bits->settings->activation_bits));
}

PareBits *
pare_bits_new (PareGraph *graph, const ParePlacement *placement, const PareQuantizeSettings *settings)
{
  PareBits *bits = g_new0 (PareBits, 1);

  bits->settings = settings;
  bits->placement = placement;
  bits->edges = g_hash_table_new (NULL, NULL);
  bits->values = g_hash_table_new (NULL, NULL);
  find_first (bits, graph);
  find_last (bits, graph);
  ask_for_values (bits, graph);
  return bits;
}

void
pare_bits_free (PareBits *bits)
{
  g_hash_table_unref (bits->edges);
  g_hash_table_unref (bits->values);
  g_free (bits);
}

guint
pare_bits_of_weight (const PareBits *bits, const PareNode *node)
{
  const PareQuantizeSettings *settings = bits->settings;
  const PareQuantizeLayer *layer = pare_quantize_settings_layer (settings, pare_node_label (node));

  if (layer && layer->weight_bits >= 0)
    return layer->weight_bits;
  return g_hash_table_contains (bits->edges, node) ? MAX (settings->edge_bits, settings->bits) : settings->bits;
}

guint
pare_bits_of_value (const PareBits *bits, const PareValue *value)
{
  const PareValue *origin = pare_placement_origin (bits->placement, (PareValue *)value);

  guint asked = GPOINTER_TO_UINT (g_hash_table_lookup (bits->values, origin));

  return asked ? asked : bits->settings->activation_bits;
}
