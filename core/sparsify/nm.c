/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Makes the layers of a network n:m sparse, one after another: each from what the sparse ones before it compute, so
 * that it makes up for their errors too. */
#include "sparsify/nm.h"
#include "sparsify/nm-eligible.h"
#include "sparsify/nm-layer.h"

#define STAGE "graphsparsifier"

void
pare_nm_settings_init (PareNmSettings *settings)
{
  *settings = (PareNmSettings){ .n = 2, .m = 4, .ridge = 1e-2, .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
}

/* The network as it was and as it becomes. */
typedef struct
{
  PareGraph *graph, *original;
  const PareNmSettings *settings;
  const PareNmAlgorithm *algorithm;
  PareWalk *student, *teacher; /* NULL: nobody looks at samples */
  GPtrArray *layers;           /* of PareNode, those that can be made sparse */
} Work;

static gboolean
check_settings (const PareGraph *graph, const PareNmSettings *settings, GError **error)
{
  for (guint i = 0; settings->skip_layers && settings->skip_layers[i]; i++)
    if (!pare_graph_find_layer (graph, settings->skip_layers[i], error))
      return FALSE;
  return TRUE;
}

/* Before the first one changes, so that an error leaves all as it was. */
static gboolean
find_layers (Work *work, GError **error)
{
  PareGraph *graph = work->graph;
  g_autofree char *first = NULL;

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      g_autofree char *reason = NULL;
      g_autoptr (GError) problem = NULL;
      PareWeightTrait trait;
      if (pare_nm_eligible (node, work->settings, &trait, &reason, &problem))
        g_ptr_array_add (work->layers, node);
      if (problem)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
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
prune_layers (Work *work, PareSparsifyProgress progress, gpointer user_data, GError **error)
{
  for (guint i = 0; i < work->layers->len; i++)
    {
      PareNode *node = work->layers->pdata[i];
      g_autoptr (PareMoments) moments = work->student ? collect (work, node, error) : NULL;
      if ((work->student && !moments)
          || !pare_nm_prune_layer (work->graph, node, moments, work->algorithm, work->settings, error))
        return FALSE;
      if (progress && !progress (i + 1, work->layers->len, user_data))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "Cancelled.");
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
pare_graph_sparsify_nm (PareGraph *graph, PareSamples *samples, const PareNmSettings *settings,
                        PareSparsifyProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (PareGraph) original = pare_graph_copy (graph);
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  g_autoptr (PareWalk) student = NULL, teacher = NULL;
  gboolean sampled = samples && pare_samples_count (samples);
  Work work = { .graph = graph, .original = original, .settings = settings, .layers = layers };

  work.algorithm = pare_nm_algorithm_find (settings->algorithm, sampled, error);
  if (!work.algorithm || !check_settings (graph, settings, error) || !find_layers (&work, error))
    return FALSE;
  if (work.algorithm->needs_samples)
    {
      work.student = student = pare_walk_new (graph, samples, settings->memory_limit / 2);
      work.teacher = teacher = pare_walk_new (original, samples, settings->memory_limit / 2);
    }
  return prune_layers (&work, progress, user_data, error);
}
