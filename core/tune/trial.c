/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Trials: networks quantized one way or another, measured, each once. */
#include "ops/operator.h"
#include "tune/configuration.h"
#include "tune/tuner.h"
#include <math.h>
#include <string.h>

/* Sensitivities are compared and added up: none is infinite. */
#define MOST 1e30

PareGraph *
pare_tuner_build (const PareTuner *tuner, const guint8 *choice, GError **error)
{
  g_autoptr (PareGraph) graph = pare_graph_copy (tuner->graph);

  return pare_tuner_quantize (tuner, graph, choice, error) ? g_steal_pointer (&graph) : NULL;
}

gboolean
pare_tuner_quantize (const PareTuner *tuner, PareGraph *graph, const guint8 *choice, GError **error)
{
  PareQuantizeSettings settings = tuner->settings->quantize;
  g_autoptr (GHashTable) table = pare_configuration_table (tuner->layers, choice, &settings);

  settings.layers = table;
  return pare_graph_quantize (graph, &settings, error) && pare_tuner_apply_rounding (tuner, graph, choice, error);
}

gboolean
pare_tuner_is_exhausted (const PareTuner *tuner)
{
  return tuner->settings->max_evaluations > 0
         && pare_evaluation_used (tuner->evaluation) >= tuner->settings->max_evaluations;
}

guint
pare_tuner_count_raised (const PareTuner *tuner, const guint8 *choice)
{
  guint n = 0;

  for (guint i = 0; i < tuner->layers->len; i++)
    n += choice[i] > 0;
  return n;
}

const PareTuneTried *
pare_tuner_try (PareTuner *tuner, const guint8 *choice, const char *step, double limit, GError **error)
{
  g_autoptr (GBytes) key = g_bytes_new (choice, tuner->layers->len);
  PareTuneTried *known = g_hash_table_lookup (tuner->tried, key), tried;
  double before = pare_evaluation_used (tuner->evaluation), target = tuner->settings->target_drop * (1 + 1e-9);
  g_autoptr (PareGraph) graph = NULL;

  if (known && (known->complete || known->drop > limit))
    return known;
  graph = pare_tuner_build (tuner, choice, error);
  if (!graph || !pare_evaluation_run (tuner->evaluation, tuner->whole, graph, limit, &tried.drop, error))
    return NULL;
  tried.met = tried.drop <= target;
  tried.complete = tried.drop <= limit;
  known = g_memdup2 (&tried, sizeof tried);
  g_hash_table_insert (tuner->tried, g_steal_pointer (&key), known);
  pare_tuner_record_trial (tuner, choice, step, known, pare_evaluation_used (tuner->evaluation) - before);
  return known;
}

/* Labels of all layers but one. */
static const char **
other_layers (const PareTuner *tuner, const char *label)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();
  PareWeightTrait trait;

  for (guint i = 0; i < tuner->graph->nodes->len; i++)
    {
      const PareNode *node = tuner->graph->nodes->pdata[i];
      if (pare_node_weight (node, &trait) && strcmp (pare_node_label (node), label) != 0)
        g_ptr_array_add (labels, (gpointer)pare_node_label (node));
    }
  g_ptr_array_add (labels, NULL);
  return (const char **)g_ptr_array_steal (labels, NULL);
}

/* Only this layer is quantized; all others are in float. */
static gboolean
measure_option (PareTuner *tuner, guint index, guint8 choice, GError **error)
{
  const PareTuneLayer *layer = tuner->layers->pdata[index];
  PareTuneOption *option = &g_array_index (layer->options, PareTuneOption, choice);
  g_autofree guint8 *choices = g_new0 (guint8, tuner->layers->len);
  g_autoptr (GHashTable) table = pare_configuration_table_new ();
  const PareQuantizeLayer override = pare_configuration_layer (layer, option, &tuner->settings->quantize);
  g_autofree const char **others = other_layers (tuner, layer->label);
  g_autoptr (PareGraph) graph = pare_graph_copy (tuner->graph);
  PareQuantizeSettings settings = tuner->settings->quantize;
  double drop;

  option->sensitivity = 0;
  if (!option->bits)
    return TRUE;
  pare_configuration_insert (table, layer->label, &override);
  settings.layers = table;
  settings.skip_layers = others;
  choices[index] = choice;
  if (!pare_graph_quantize (graph, &settings, error) || !pare_tuner_apply_rounding (tuner, graph, choices, error)
      || !pare_evaluation_run (tuner->evaluation, tuner->brief, graph, INFINITY, &drop, error))
    return FALSE;
  option->sensitivity = CLAMP (drop, -MOST, MOST);
  return TRUE;
}

gboolean
pare_tuner_rank (PareTuner *tuner, GError **error)
{
  for (guint i = 0; i < tuner->layers->len; i++)
    {
      const PareTuneLayer *layer = tuner->layers->pdata[i];
      for (guint o = 0; o < layer->options->len; o++)
        if (!measure_option (tuner, i, o, error))
          return FALSE;
    }
  return TRUE;
}
