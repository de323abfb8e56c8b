/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Bits of weights and the grid of activations: the settings', except for single layers and for those at the edges of
 * the network. */
#include "quantize/bits.h"
#include "quantize/settings.h"

struct _PareBits
{
  const PareQuantizeSettings *settings;
  GHashTable *edges;  /* weighted nodes with no weighted node before or behind them */
  GHashTable *values; /* value, at its origin -> Asked */
  const ParePlacement *placement;
};

/* What the layers that read a value ask for: 0 bits, where they say nothing, and likewise for what is symmetric. */
typedef struct
{
  guint bits;
  gboolean symmetric, unsymmetric;
} Asked;

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

static Asked *
asked_of (PareBits *bits, PareValue *value)
{
  PareValue *origin = pare_placement_origin (bits->placement, value);
  Asked *asked = g_hash_table_lookup (bits->values, origin);

  if (!asked)
    g_hash_table_insert (bits->values, origin, asked = g_new0 (Asked, 1));
  return asked;
}

static void
ask (PareBits *bits, PareValue *value, const PareQuantizeLayer *layer)
{
  Asked *asked = asked_of (bits, value);

  asked->bits = MAX (asked->bits, (guint)MAX (layer->activation_bits, 0));
  asked->symmetric |= layer->symmetric == 1;
  asked->unsymmetric |= layer->symmetric == 0;
}

/* Values that only were moved on the way keep one grid, so all of them count as the first one. What is said of single
 * layers comes before what the edges get. */
static void
ask_for_values (PareBits *bits, const PareGraph *graph)
{
  GHashTableIter iter;
  gpointer edge;

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      const PareOperator *op = pare_operator_of (node);
      guint inputs = op && op->quantize == PARE_QUANTIZE_JOIN ? node->inputs->len : 1;
      const PareQuantizeLayer *layer = pare_quantize_settings_layer (bits->settings, pare_node_label (node));
      for (guint k = 0; layer && pare_placement_quantized (bits->placement, node) && k < inputs; k++)
        ask (bits, node->inputs->pdata[k], layer);
    }
  g_hash_table_iter_init (&iter, bits->edges);
  while (g_hash_table_iter_next (&iter, &edge, NULL))
    {
      Asked *asked = asked_of (bits, pare_node_input (edge, 0));
      if (!asked->bits)
        asked->bits = MAX (bits->settings->edge_bits, bits->settings->activation_bits);
    }
}

PareBits *
pare_bits_new (PareGraph *graph, const ParePlacement *placement, const PareQuantizeSettings *settings)
{
  PareBits *bits = g_new0 (PareBits, 1);

  bits->settings = settings;
  bits->placement = placement;
  bits->edges = g_hash_table_new (NULL, NULL);
  bits->values = g_hash_table_new_full (NULL, NULL, NULL, g_free);
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

static const Asked *
find_asked (const PareBits *bits, const PareValue *value)
{
  static const Asked nothing = { 0 };
  const Asked *asked = g_hash_table_lookup (bits->values, pare_placement_origin (bits->placement, (PareValue *)value));

  return asked ? asked : &nothing;
}

guint
pare_bits_of_value (const PareBits *bits, const PareValue *value)
{
  guint asked = find_asked (bits, value)->bits;

  return asked ? asked : bits->settings->activation_bits;
}

PareQuantizeParameters
pare_bits_parameters (const PareBits *bits, const PareValue *value)
{
  const Asked *asked = find_asked (bits, value);
  gboolean symmetric = asked->symmetric || (bits->settings->symmetric && !asked->unsymmetric);

  return pare_quantize_parameters (&pare_placement_origin (bits->placement, (PareValue *)value)->range,
                                   pare_bits_of_value (bits, value), symmetric);
}
