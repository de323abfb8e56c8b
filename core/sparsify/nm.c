/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Makes the layers of a network n:m sparse, one after another: each from what the sparse ones before it compute, so
 * that it makes up for their errors too. */
#include "sparsify/nm.h"
#include "graph/overrides.h"
#include "sparsify/nm-eligible.h"
#include "sparsify/nm-layer.h"
#include "graph/pattern.h"
#include "sparsify/permute.h"

#define STAGE "graphsparsifier"

void
pare_nm_settings_init (PareNmSettings *settings)
{
  *settings = (PareNmSettings){ .n = 2, .m = 4, .ridge = 1e-2, .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
}

/* What can be said of one layer; -1: nothing. */
typedef struct
{
  int enable, n, m;
} Override;

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (Override, enable) },
  { "n", PARE_OVERRIDE_INTEGER, G_STRUCT_OFFSET (Override, n), .minimum = 1, .maximum = PARE_PATTERN_MOST - 1 },
  { "m", PARE_OVERRIDE_INTEGER, G_STRUCT_OFFSET (Override, m), .minimum = 2, .maximum = PARE_PATTERN_MOST },
};

/* A layer that can be made sparse, and how. */
typedef struct
{
  PareNode *node;
  PareNmSettings settings;
} Layer;

/* The network as it was and as it becomes. */
typedef struct
{
  PareGraph *graph, *original;
  const PareNmSettings *settings;
  const PareNmAlgorithm *algorithm;
  PareWalk *student, *teacher; /* NULL: nobody looks at samples */
  GArray *layers;              /* of Layer */
} Work;

static GHashTable *
read_overrides (const PareGraph *graph, const PareNmSettings *settings, GError **error)
{
  static const Override unset = { -1, -1, -1 };
  g_autoptr (GHashTable) overrides
      = pare_overrides_parse (settings->layers, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);

  if (!overrides || !pare_overrides_check_layers (overrides, graph, error)
      || !pare_graph_find_layers (graph, settings->skip_layers, error))
    return NULL;
  return g_steal_pointer (&overrides);
}

/* The settings of one layer, and whether it is to be looked at. */
static gboolean
override (Layer *layer, GHashTable *overrides, char **reason, GError **error)
{
  const Override *said = pare_overrides_find (overrides, pare_node_label (layer->node));

  if (!said)
    return TRUE;
  layer->settings.n = said->n > 0 ? (guint)said->n : layer->settings.n;
  layer->settings.m = said->m > 0 ? (guint)said->m : layer->settings.m;
  if (layer->settings.n >= layer->settings.m)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Layer '%s' asks for %u:%u: n must be below m.",
                 pare_node_label (layer->node), layer->settings.n, layer->settings.m);
  else if (said->enable == 0)
    *reason = g_strdup ("layers says so");
  else
    return TRUE;
  return FALSE;
}

/* Adds @node to the layers, or says in @reason why not. */
static gboolean
consider (Work *work, PareNode *node, GHashTable *overrides, char **reason, GError **error)
{
  Layer layer = { node, *work->settings };
  g_autoptr (GError) problem = NULL;

  *reason = NULL;
  if (override (&layer, overrides, reason, &problem) && pare_nm_eligible (node, &layer.settings, reason, &problem))
    g_array_append_val (work->layers, layer);
  if (!problem)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* Before the first one changes, so that an error leaves all as it was. */
static gboolean
find_layers (Work *work, GError **error)
{
  PareGraph *graph = work->graph;
  g_autoptr (GHashTable) overrides = read_overrides (graph, work->settings, error);
  g_autofree char *first = NULL;

  if (!overrides)
    return FALSE;
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      g_autofree char *reason = NULL;
      if (!consider (work, node, overrides, &reason, error))
        return FALSE;
      if (!reason)
        continue;
      pare_record_add (graph->record, STAGE, pare_node_label (node), "left alone", reason, NULL);
      if (!first)
        first = g_strdup_printf (": '%s', for one, is left alone since %s", pare_node_label (node), reason);
    }
  if (work->layers->len || work->settings->allow_none)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "No layer can be made %u:%u sparse%s; allow-none=true lets the network pass as it is.",
               work->settings->n, work->settings->m, first ? first : "");
  return FALSE;
}

static PareMoments *
collect (const Work *work, PareNode *node, GError **error)
{
  PareNode *counterpart = pare_graph_find_value (work->original, pare_node_output (node, 0)->name)->producer;
  PareLayerMatrix matrix;

  pare_layer_matrix_init (&matrix, node);
  if (!pare_walk_advance (work->student, node, error) || !pare_walk_advance (work->teacher, counterpart, error))
    return NULL;
  return pare_moments_collect (&matrix, node, work->student, counterpart, work->teacher, work->settings->rows, error);
}

static gboolean
prune_layer (const Work *work, const Layer *layer, GError **error)
{
  const PareNmAlgorithm *algorithm = work->algorithm;
  double needed = algorithm->needs_samples ? pare_nm_layer_memory (layer->node) : 0;
  g_autofree char *why = g_strdup (algorithm->description);
  g_autoptr (PareMoments) moments = NULL;

  /* Very wide layers: what is to be known of their inputs grows with the square of these. */
  if (needed > work->settings->memory_limit)
    {
      algorithm = pare_nm_algorithm_find ("magnitude", FALSE, NULL);
      g_free (why);
      why = g_strdup_printf ("%s, since %s would take %.3g MB: raise memory-limit", algorithm->description,
                             work->algorithm->name, needed / 1e6);
    }
  else if (algorithm->needs_samples && !(moments = collect (work, layer->node, error)))
    return FALSE;
  return pare_nm_prune_layer (work->graph, layer->node, moments, algorithm, why, &layer->settings, error);
}

static gboolean
prune_layers (const Work *work, PareProgress progress, gpointer user_data, GError **error)
{
  for (guint i = 0; i < work->layers->len; i++)
    {
      if (!prune_layer (work, &g_array_index (work->layers, Layer, i), error))
        return FALSE;
      if (progress && !progress (i + 1, work->layers->len, user_data))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "The work was cancelled.");
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
pare_graph_sparsify_nm (PareGraph *graph, PareSamples *samples, const PareNmSettings *settings, PareProgress progress,
                        gpointer user_data, GError **error)
{
  g_autoptr (PareGraph) original = NULL;
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (Layer));
  g_autoptr (PareWalk) student = NULL, teacher = NULL;
  gboolean sampled = samples && pare_samples_count (samples);
  Work work = { .graph = graph, .settings = settings, .layers = layers };

  work.algorithm = pare_nm_algorithm_find (settings->algorithm, sampled, error);
  if (!work.algorithm || !find_layers (&work, error))
    return FALSE;
  if (settings->permute
      && !pare_graph_permute_channels (graph, sampled ? pare_samples_specs (samples) : NULL, settings->n, settings->m,
                                       error))
    return FALSE;
  work.original = original = pare_graph_copy (graph);
  if (work.algorithm->needs_samples && layers->len)
    {
      work.student = student = pare_walk_new (graph, samples, settings->memory_limit / 2);
      work.teacher = teacher = pare_walk_new (original, samples, settings->memory_limit / 2);
    }
  return prune_layers (&work, progress, user_data, error);
}
