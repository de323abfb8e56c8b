/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a configuration of AMCT says to one stage: properties as text. */
#include "amct/config-private.h"
#include "amct/vocabulary.h"
#include "ops/operator.h"
#include <string.h>

static void
assignment_free (gpointer data)
{
  PareAmctAssignment *assignment = data;

  g_free (assignment->name);
  g_free (assignment->value);
  g_free (assignment);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(PareAmctAssignment *const *)a)->name, (*(PareAmctAssignment *const *)b)->name);
}

static void
add_assignment (GPtrArray *assignments, const char *name, const char *value)
{
  PareAmctAssignment *assignment = g_new (PareAmctAssignment, 1);

  *assignment = (PareAmctAssignment){ g_strdup (name), g_strdup (value) };
  g_ptr_array_add (assignments, assignment);
}

/* The settings of @settings that are for @stage, sorted. */
static GPtrArray *
of_stage (GHashTable *settings, const char *stage)
{
  GPtrArray *assignments = g_ptr_array_new_with_free_func (assignment_free);
  g_autofree char *prefix = g_strconcat (stage, " ", NULL);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, settings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, prefix))
      add_assignment (assignments, (const char *)key + strlen (prefix), value);
  g_ptr_array_sort (assignments, by_name);
  return assignments;
}

#define BALANCER "graphequalizer algorithm"

/* Some layers are balanced, and not all. */
static gboolean
balances_some (const PareAmctConfig *config)
{
  for (guint i = 0; i < config->overrides->len; i++)
    if (g_hash_table_contains (((PareAmctOverride *)config->overrides->pdata[i])->settings, BALANCER))
      return !g_hash_table_contains (config->common, BALANCER);
  return FALSE;
}

/* The equalizer has one list of methods, and leaves layers out. */
static void
leave_out_unbalanced (GHashTable *merged, const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);

  if (!g_hash_table_remove (merged, BALANCER) && op && op->weight)
    g_hash_table_insert (merged, "graphequalizer enable", "false");
}

/* "conv1:bits=4,enable=true;..." for all layers that something is said of. */
static char *
layers_text (const PareAmctConfig *config, const PareGraph *graph, const char *stage)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean some = balances_some (config);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      g_autoptr (GHashTable) merged = g_hash_table_new (g_str_hash, g_str_equal);
      g_autoptr (GPtrArray) assignments = NULL;
      for (guint pass = 0; pass < 2; pass++) /* types, then layers */
        for (guint k = 0; k < config->overrides->len; k++)
          {
            const PareAmctOverride *override = config->overrides->pdata[k];
            GHashTableIter iter;
            gpointer key, value;
            if (override->is_type == (pass == 1)
                || !(override->is_type ? pare_amct_type_matches (override->name, node->op_type)
                                       : strcmp (override->name, pare_node_label (node)) == 0))
              continue;
            g_hash_table_iter_init (&iter, override->settings);
            while (g_hash_table_iter_next (&iter, &key, &value))
              g_hash_table_replace (merged, key, value);
          }
      if (some)
        leave_out_unbalanced (merged, node);
      assignments = of_stage (merged, stage);
      for (guint k = 0; k < assignments->len; k++)
        {
          const PareAmctAssignment *assignment = assignments->pdata[k];
          if (!k)
            g_string_append_printf (text, "%s%s:", text->len ? ";" : "", pare_node_label (node));
          g_string_append_printf (text, "%s%s=%s", k ? "," : "", assignment->name, assignment->value);
        }
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Names of layers, and of all layers of some types, with commas. */
static char *
skip_text (const PareAmctConfig *config, const PareGraph *graph)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < graph->nodes->len; i++)
    for (guint k = 0; k < config->skip_types->len; k++)
      if (pare_amct_type_matches (config->skip_types->pdata[k], ((PareNode *)graph->nodes->pdata[i])->op_type))
        g_ptr_array_add (names, (gpointer)pare_node_label (graph->nodes->pdata[i]));
  for (guint i = 0; i < config->skip_layers->len; i++)
    g_ptr_array_add (names, config->skip_layers->pdata[i]);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (",", (char **)names->pdata);
}

static gboolean
check_layers (const PareAmctConfig *config, const PareGraph *graph, GError **error)
{
  for (guint i = 0; i < config->overrides->len; i++)
    {
      const PareAmctOverride *override = config->overrides->pdata[i];
      if (!override->is_type && !pare_graph_find_layer (graph, override->name, error))
        {
          g_prefix_error (error, "In '%s': ", config->path);
          return FALSE;
        }
    }
  return TRUE;
}

GPtrArray *
pare_amct_config_assign (const PareAmctConfig *config, const PareGraph *graph, const char *stage, GError **error)
{
  g_autoptr (GPtrArray) assignments = of_stage (config->common, stage);
  g_autofree char *layers = layers_text (config, graph, stage), *skip = NULL;

  if (!check_layers (config, graph, error))
    return NULL;
  if (*layers)
    add_assignment (assignments, "layers", layers);
  if (strcmp (stage, "graphequalizer") == 0 && balances_some (config))
    add_assignment (assignments, "algorithm", "balance");
  if (strcmp (stage, "graphquantizer") == 0)
    skip = skip_text (config, graph);
  else if (strcmp (stage, "graphfuser") == 0)
    {
      g_ptr_array_add (config->skip_fusion, NULL);
      skip = g_strjoinv (",", (char **)config->skip_fusion->pdata);
      g_ptr_array_set_size (config->skip_fusion, config->skip_fusion->len - 1);
    }
  if (skip && *skip)
    add_assignment (assignments, "skip-layers", skip);
  g_ptr_array_sort (assignments, by_name);
  return g_steal_pointer (&assignments);
}
