/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of single layers for the calibrator. */
#include "calibrate/layers.h"
#include "graph/named.h"
#include "graph/overrides.h"
#include "ops/operator.h"
#include <float.h>
#include <string.h>

/* The bounds of numbers that may be the bounds themselves. */
#define BELOW(x) ((x) * (1 - DBL_EPSILON))
#define ABOVE(x) ((x) * (1 + DBL_EPSILON))

GHashTable *
pare_calibrate_layers_parse (const char *text, GError **error)
{
  static const PareCalibrateLayer unset = { -1, -1, -1, -1, -1, -1, -1, -1 };
  guint n;
  g_autofree const char **algorithms = pare_names_of ((const void *const *)pare_observers (&n));
#define FIELD(name) G_STRUCT_OFFSET (PareCalibrateLayer, name)
  const PareOverrideField fields[] = {
    { "algorithm", PARE_OVERRIDE_CHOICE, FIELD (algorithm), .choices = algorithms },
    { "bins", PARE_OVERRIDE_INTEGER, FIELD (bins), 16, 1 << 20 },
    { "bits", PARE_OVERRIDE_INTEGER, FIELD (bits), 2, 16 },
    { "percentile", PARE_OVERRIDE_NUMBER, FIELD (percentile), BELOW (50), ABOVE (100) },
    { "momentum", PARE_OVERRIDE_NUMBER, FIELD (momentum), -DBL_EPSILON, ABOVE (1) },
    { "search-low", PARE_OVERRIDE_NUMBER, FIELD (search_low), BELOW (0.01), ABOVE (1) },
    { "search-high", PARE_OVERRIDE_NUMBER, FIELD (search_high), BELOW (1), ABOVE (10) },
    { "search-step", PARE_OVERRIDE_NUMBER, FIELD (search_step), BELOW (0.001), ABOVE (1) },
  };
#undef FIELD

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}

static gboolean
add_value (GHashTable *values, PareValue *value, const PareCalibrateLayer *layer, const PareNode *node, GError **error)
{
  const PareCalibrateLayer *other = g_hash_table_lookup (values, value);

  if (other && memcmp (other, layer, sizeof *other) != 0)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Layer '%s' and another one read '%s', which has one range, and say different things of its "
                   "calibration: say the same of both.",
                   pare_node_label (node), value->name);
      return FALSE;
    }
  g_hash_table_insert (values, value, (gpointer)layer);
  return TRUE;
}

static gboolean
add_input (GHashTable *values, PareValue *value, const PareCalibrateLayer *layer, const PareNode *node, GError **error)
{
  while (value)
    {
      const PareOperator *op = value->producer ? pare_operator_of (value->producer) : NULL;
      if (!add_value (values, value, layer, node, error))
        return FALSE;
      value = op && op->quantize == PARE_QUANTIZE_PASS ? pare_node_input (value->producer, 0) : NULL;
    }
  return TRUE;
}

GHashTable *
pare_calibrate_layers_values (const PareGraph *graph, GHashTable *layers, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new (NULL, NULL);

  if (!pare_overrides_check_layers (layers, graph, error))
    return NULL;
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      const PareCalibrateLayer *layer = pare_overrides_find (layers, pare_node_label (node));
      const PareOperator *op = layer ? pare_operator_of (node) : NULL;
      guint inputs = op && op->quantize == PARE_QUANTIZE_JOIN ? node->inputs->len : 1;
      for (guint k = 0; layer && k < inputs; k++)
        if (!add_input (values, pare_node_input (node, k), layer, node, error))
          return NULL;
    }
  return g_steal_pointer (&values);
}

void
pare_calibrate_layer_apply (const PareCalibrateLayer *layer, const PareObserver **observer,
                            PareObserverSettings *settings)
{
  guint n;

  if (!layer)
    return;
  if (layer->algorithm >= 0)
    *observer = pare_observers (&n)[layer->algorithm];
#define APPLY(field)                                                                                                   \
  if (layer->field >= 0)                                                                                               \
  settings->field = layer->field
  APPLY (bins);
  APPLY (bits);
  APPLY (percentile);
  APPLY (momentum);
  APPLY (search_low);
  APPLY (search_high);
  APPLY (search_step);
#undef APPLY
}
