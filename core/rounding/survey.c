/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The layers of a network whose weights can be rounded, and which algorithm each gets. */
#include "rounding/survey.h"
#include "graph/named.h"
#include "graph/overrides.h"
#include "rounding/effect.h"
#include <string.h>

/* What can be said of one layer; -1: nothing. */
typedef struct
{
  int enable, algorithm;
} Override;

static GHashTable *
read_overrides (const PareGraph *graph, const PareRoundingSettings *settings, GError **error)
{
  static const Override unset = { -1, -1 };
  guint n;
  g_autofree const char **names = pare_names_of ((const void *const *)pare_roundings (&n));
  const PareOverrideField fields[] = {
    { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (Override, enable) },
    { "algorithm", PARE_OVERRIDE_CHOICE, G_STRUCT_OFFSET (Override, algorithm), .choices = names },
  };
  g_autoptr (GHashTable) overrides
      = pare_overrides_parse (settings->layers, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);

  if (!overrides || !pare_overrides_check_layers (overrides, graph, error)
      || !pare_graph_find_layers (graph, settings->skip_layers, error))
    return NULL;
  return g_steal_pointer (&overrides);
}

/* With 8 bits and more, the nearest and a corrected bias lose little, and take one pass instead of much algebra. */
#define ENOUGH_LEVELS 256

/* The name of the algorithm for a layer, empty where none is asked for: what is left alone stays at the nearest. */
static const char *
name_of (const PareRoundingSettings *settings, const PareRoundingLayer *layer, GHashTable *overrides)
{
  const char *label = pare_node_label (layer->node), *name = settings->algorithm;
  const Override *said = pare_overrides_find (overrides, label);
  guint n;

  if (said && said->algorithm >= 0)
    name = pare_roundings (&n)[said->algorithm]->name;
  if (said ? said->enable == 0 : settings->skip_layers && g_strv_contains (settings->skip_layers, label))
    name = "nearest";
  if (strcmp (name, PARE_ROUNDING_AUTO) == 0 && layer->pair.highest - layer->pair.lowest + 1 >= ENOUGH_LEVELS)
    name = "nearest";
  return name;
}

/* The value of the teacher that @node should compute. */
static PareValue *
target_of (const PareRoundingWork *work, const PareNode *counterpart, GError **error)
{
  const PareValue *output = pare_node_output (counterpart, 0);
  PareValue *value = pare_graph_find_value (work->teacher, output->name);

  if (!value)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "The teacher has no value '%s', which layer '%s' computes: take the network just before it was "
                 "quantized, or link no teacher.",
                 output->name, pare_node_label (counterpart));
  return value;
}

static gboolean
consider (PareRoundingWork *work, PareNode *node, PareNode *counterpart, GHashTable *overrides, GError **error)
{
  PareRoundingLayer layer;
  const char *reason, *name;

  if (!pare_rounding_layer_init (&layer, node, counterpart, &reason))
    {
      if (reason)
        pare_record_add (work->graph->record, PARE_ROUNDING_STAGE, pare_node_label (node), "left alone", reason, NULL);
      return TRUE;
    }
  name = name_of (work->settings, &layer, overrides);
  if (!*name)
    return TRUE;
  layer.algorithm = pare_rounding_find (name, work->samples != NULL, error);
  if (layer.algorithm && layer.algorithm->memory
      && layer.algorithm->memory (&layer.matrix) > work->settings->memory_limit)
    {
      layer.refused = layer.algorithm;
      layer.algorithm = pare_rounding_find ("nearest", FALSE, NULL);
    }
  layer.target = layer.algorithm ? target_of (work, counterpart, error) : NULL;
  if (layer.target)
    g_array_append_val (work->layers, layer);
  return layer.target != NULL;
}

/* A network that came quantized has layers whose integers are settled. */
static gboolean
has_pairs (const PareGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_node_is (graph->nodes->pdata[i], "DequantizeLinear"))
      return TRUE;
  return FALSE;
}

gboolean
pare_rounding_survey (PareRoundingWork *work, GHashTable *counterparts, GError **error)
{
  PareGraph *graph = work->graph;
  g_autoptr (GHashTable) overrides = read_overrides (graph, work->settings, error);

  if (!overrides)
    return FALSE;
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      if (!consider (work, node, g_hash_table_lookup (counterparts, node), overrides, error))
        return FALSE;
    }
  if (work->layers->len || !*work->settings->algorithm
      || (strcmp (work->settings->algorithm, PARE_ROUNDING_AUTO) == 0 && has_pairs (graph)))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "There is no layer whose weight is quantized and still to be rounded: put the rounder behind "
               "graphquantizer, and leave it out where the network came quantized.");
  return FALSE;
}
