/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Decomposes a network: looks at every layer, chooses ranks, and replaces layers from the inputs on, so that each
 * learns from what the decomposed ones before it compute and makes up for their errors too (asymmetric reconstruction:
 * Zhang et al., Accelerating very deep convolutional networks, 2015). */
#include "decompose/decompose.h"
#include "decompose/apply.h"
#include "decompose/settings.h"
#include "ops/compute.h"

/* The network as it was and as it becomes. */
typedef struct
{
  PareGraph *graph, *original;
  PareSamples *samples; /* NULL: weights alone */
  const PareDecomposeSettings *settings;
  const ParePolicy *policy;
  GPtrArray *layers; /* of PareDecomposable */
  double macs;       /* of the whole network */
  PareWalk *student, *teacher;
  PareOption *choice; /* one per layer */
  guint64 done, total;
  guint decomposed;
  PareProgress progress;
  gpointer user_data;
} Work;

static gboolean
step_done (Work *work, GError **error)
{
  work->done++;
  if (!work->progress || work->progress (work->done, work->total, work->user_data))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "Cancelled.");
  return FALSE;
}

static void
leave_whole (Work *work, const PareNode *node, const char *reason)
{
  pare_record_add (work->graph->record, PARE_DECOMPOSE_STAGE, pare_node_label (node), "left whole", reason, NULL);
}

/* Of one sample; open sizes are those of the samples, where there are any. */
static GArray *
input_specs (Work *work, GError **error)
{
  g_autoptr (GArray) specs = NULL;
  const GArray *seen = work->samples ? pare_samples_specs (work->samples) : NULL;
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (work->graph);

  if (!pare_graph_default_specs (work->graph, 1, work->settings->size, &specs, error))
    return NULL;
  for (guint i = 0; seen && i < specs->len && i < seen->len; i++)
    for (guint axis = 1; axis < g_array_index (specs, PareSpec, i).shape.rank; axis++)
      if (((PareValue *)inputs->pdata[i])->shape.dims[axis] < 0)
        g_array_index (specs, PareSpec, i).shape.dims[axis] = g_array_index (seen, PareSpec, i).shape.dims[axis];
  return g_steal_pointer (&specs);
}

static gboolean
find_layers (Work *work, GError **error)
{
  g_autoptr (GArray) specs = input_specs (work, error);
  g_autoptr (PareInference) inference
      = specs ? pare_inference_new (work->graph, specs->len, (const PareSpec *)specs->data, error) : NULL;

  if (!inference)
    return FALSE;
  for (guint i = 0; i < work->graph->nodes->len; i++)
    {
      PareNode *node = work->graph->nodes->pdata[i];
      g_autofree char *reason = NULL;
      PareDecomposable *layer = pare_decomposable_new (node, inference, &reason);
      work->macs += (double)pare_inference_macs (inference, node);
      if (layer && pare_decompose_settings_skip (work->settings, pare_node_label (node)))
        {
          reason = g_strdup ("the settings say so");
          g_clear_pointer (&layer, pare_decomposable_free);
        }
      if (layer)
        g_ptr_array_add (work->layers, layer);
      else if (reason)
        leave_whole (work, node, reason);
    }
  return TRUE;
}

/* What is known of one layer at one time. */
typedef struct
{
  PareMoments *moments; /* NULL without samples */
  GPtrArray *targets, *curves;
} View;

static void
view_clear (View *view)
{
  g_clear_pointer (&view->moments, pare_moments_free);
  g_clear_pointer (&view->targets, g_ptr_array_unref);
  g_clear_pointer (&view->curves, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (View, view_clear)

static PareNode *
counterpart (const Work *work, const PareDecomposable *layer)
{
  return pare_graph_find_value (work->original, pare_node_output (layer->node, 0)->name)->producer;
}

/* With @symmetric as the original sees it, else as it is behind the layers decomposed so far. */
static gboolean
view_init (View *view, Work *work, const PareDecomposable *layer, gboolean symmetric, GError **error)
{
  g_autofree double *weights = pare_layer_matrix_read (&layer->matrix, layer->node);
  PareNode *original = counterpart (work, layer);
  PareNode *node = symmetric ? original : layer->node;

  if (!work->samples)
    {
      view->targets = pare_targets_new_for_weights (&layer->matrix, weights);
      return TRUE;
    }
  if (!pare_walk_advance (work->student, node, error) || !pare_walk_advance (work->teacher, original, error))
    return FALSE;
  view->moments = pare_moments_collect (&layer->matrix, node, work->student, original, work->teacher,
                                        work->settings->rows, error);
  view->targets = view->moments ? pare_targets_new_for_samples (&layer->matrix, weights, view->moments, error) : NULL;
  return view->targets != NULL;
}

static void
walk_from_start (Work *work, PareGraph *graph)
{
  g_clear_pointer (&work->student, pare_walk_free);
  g_clear_pointer (&work->teacher, pare_walk_free);
  if (!work->samples)
    return;
  work->student = pare_walk_new (graph, work->samples, work->settings->memory_limit / 2);
  work->teacher = pare_walk_new (work->original, work->samples, work->settings->memory_limit / 2);
}

static PareCurve *
find_curve (GPtrArray *curves, const PareFactorization *how)
{
  for (guint i = 0; i < curves->len; i++)
    if (((PareCurve *)curves->pdata[i])->how == how)
      return curves->pdata[i];
  return NULL;
}

/* Replaces the layer, or says why not. */
static gboolean
apply_choice (Work *work, const PareDecomposable *layer, const PareOption *option, View *view, GError **error)
{
  if (!option->how)
    {
      leave_whole (work, layer->node,
                   work->policy->rank ? "factors of the rank that it needs would not be cheaper"
                                      : "the ratio is met with less error by other layers");
      return TRUE;
    }
  work->decomposed++;
  return pare_decompose_apply (work->graph, layer, option, view->targets, find_curve (view->curves, option->how),
                               view->moments, error);
}

/* Fixed ranks and policies that look at one layer decide here; @decided is FALSE when the whole network has to. */
static gboolean
choose (Work *work, const PareDecomposable *layer, GPtrArray *curves, PareOption *option, gboolean *decided,
        GError **error)
{
  int rank = pare_decompose_settings_rank (work->settings, pare_node_label (layer->node));

  *decided = TRUE;
  if (rank > 0)
    return pare_choose_rank (curves, layer, rank, option, error);
  if (work->policy->rank)
    *option = pare_policy_choose (work->policy, curves, layer, work->settings);
  else
    *decided = FALSE;
  return TRUE;
}

static gboolean
decompose_alone (Work *work, const PareDecomposable *layer, GError **error)
{
  g_auto (View) view = { 0 };
  PareOption option;
  gboolean decided;

  return view_init (&view, work, layer, FALSE, error)
         && (view.curves = pare_curves_new (layer, view.targets, work->settings->method, error))
         && choose (work, layer, view.curves, &option, &decided, error)
         && apply_choice (work, layer, &option, &view, error);
}

/* One pass: each layer by itself. */
static gboolean
decompose_each (Work *work, GError **error)
{
  walk_from_start (work, work->graph);
  for (guint i = 0; i < work->layers->len; i++)
    if (!decompose_alone (work, work->layers->pdata[i], error) || !step_done (work, error))
      return FALSE;
  return TRUE;
}

/* What the layers can do, from the network as it is. */
static gboolean
list_options (Work *work, GPtrArray *options, GError **error)
{
  walk_from_start (work, work->original);
  for (guint i = 0; i < work->layers->len; i++)
    {
      const PareDecomposable *layer = work->layers->pdata[i];
      g_auto (View) view = { 0 };
      GArray *all;
      gboolean decided;
      if (!view_init (&view, work, layer, TRUE, error)
          || !(view.curves = pare_curves_new (layer, view.targets, work->settings->method, error))
          || !choose (work, layer, view.curves, &work->choice[i], &decided, error))
        return FALSE;
      all = decided ? g_array_new (FALSE, FALSE, sizeof (PareOption))
                    : pare_curves_options (view.curves, layer, work->settings->align);
      g_ptr_array_add (options, all);
      if (!step_done (work, error))
        return FALSE;
    }
  return TRUE;
}

/* Layers that were decided before have no options, and count with what was decided. */
static gboolean
allocate (Work *work, GPtrArray *options, GError **error)
{
  guint n = work->layers->len;
  g_autofree double *macs = g_new (double, n);
  g_autofree PareOption *choice = g_new (PareOption, n);
  double rest = work->macs, least;
  gboolean met, any_free = FALSE;

  for (guint i = 0; i < n; i++)
    {
      const PareDecomposable *layer = work->layers->pdata[i];
      macs[i] = work->choice[i].how ? work->choice[i].macs : (double)layer->macs;
      rest -= (double)layer->macs;
    }
  met = pare_allocate (options, macs, work->settings->ratio * work->macs - rest, choice);
  least = rest;
  for (guint i = 0; i < n; i++)
    {
      least += choice[i].macs;
      if (work->choice[i].how)
        continue;
      work->choice[i] = choice[i];
      any_free = TRUE;
    }
  /* Where the user chose all ranks there is nothing left to meet. */
  if (met || !any_free)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "The network cannot be decomposed to %g of its multiply-accumulates: %.3g is the least that its layers "
               "allow.",
               work->settings->ratio, least / work->macs);
  return FALSE;
}

static gboolean
decompose_planned (Work *work, guint index, GError **error)
{
  const PareDecomposable *layer = work->layers->pdata[index];
  const PareOption *option = &work->choice[index];
  g_auto (View) view = { 0 };

  if (option->how
      && (!view_init (&view, work, layer, FALSE, error)
          || !(view.curves = pare_curves_new (layer, view.targets, option->how->method, error))))
    return FALSE;
  return apply_choice (work, layer, option, &view, error);
}

/* Two passes: all layers are looked at, then the budget is shared out, then they are decomposed. */
static gboolean
decompose_within_budget (Work *work, GError **error)
{
  g_autoptr (GPtrArray) options = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);

  if (!list_options (work, options, error) || !allocate (work, options, error))
    return FALSE;
  walk_from_start (work, work->graph);
  for (guint i = 0; i < work->layers->len; i++)
    if (!decompose_planned (work, i, error) || !step_done (work, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_decomposed (const Work *work, GError **error)
{
  const PareRecord *record = work->graph->record;
  const PareRecordEntry *first = NULL;

  if (work->decomposed || work->settings->allow_none)
    return TRUE;
  for (guint i = 0; i < pare_record_length (record) && !first; i++)
    if (g_strcmp0 (pare_record_entry_stage (pare_record_get (record, i)), PARE_DECOMPOSE_STAGE) == 0)
      first = pare_record_get (record, i);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "No layer can be decomposed%s%s%s%s; allow-none=true lets the network pass as it is.",
               first ? ": '" : "", first ? pare_record_entry_layer (first) : "",
               first ? "', for one, is left whole: " : "", first ? pare_record_entry_reason (first) : "");
  return FALSE;
}

static gboolean
decompose (gpointer data, GError **error)
{
  Work *work = data;

  if (!find_layers (work, error))
    return FALSE;
  work->choice = g_new0 (PareOption, work->layers->len);
  work->total = work->layers->len * (work->policy->rank ? 1 : 2);
  if (!(work->policy->rank ? decompose_each : decompose_within_budget) (work, error))
    return FALSE;
  pare_graph_remove_dead (work->graph);
  return check_decomposed (work, error);
}

gboolean
pare_graph_decompose (PareGraph *graph, PareSamples *samples, const PareDecomposeSettings *settings,
                      PareProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (PareGraph) original = pare_graph_copy (graph);
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_decomposable_free);
  Work work = { .graph = graph,
                .original = original,
                .samples = samples && pare_samples_count (samples) ? samples : NULL,
                .settings = settings,
                .layers = layers,
                .progress = progress,
                .user_data = user_data };
  gboolean succeeded;

  if (!pare_decompose_settings_check (settings, graph, error)
      || !(work.policy = pare_policy_find (settings->policy, error)))
    return FALSE;
  succeeded = pare_compute (decompose, &work, error);
  g_clear_pointer (&work.student, pare_walk_free);
  g_clear_pointer (&work.teacher, pare_walk_free);
  g_free (work.choice);
  return succeeded;
}
