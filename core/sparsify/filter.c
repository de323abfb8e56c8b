/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Filter pruning: ranks the channels of each group, takes the lowest out of the graph and says so. */
#include "sparsify/filter.h"
#include "graph/overrides.h"
#include "sparsify/filter-record.h"
#include "sparsify/ranking.h"
#include "sparsify/remove.h"
#include <math.h>

/* What a user says of one layer; negative: nothing. */
typedef struct
{
  double ratio;
  gint enable;
} LayerSettings;

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (LayerSettings, enable) },
  { "ratio", PARE_OVERRIDE_NUMBER, G_STRUCT_OFFSET (LayerSettings, ratio), .minimum = 0, .maximum = 1 },
};

static GHashTable *
parse_layers (const char *text, GError **error)
{
  static const LayerSettings unset = { -1, -1 };

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}

typedef struct
{
  PareGraph *graph;
  const PareFilterSettings *settings;
  GHashTable *layers; /* label -> LayerSettings */
  PareChannelGroups *groups;
  GPtrArray *masks; /* by group: which of its channels stay; NULL: all */
} Work;

static gboolean
check_settings (const PareGraph *graph, const PareFilterSettings *settings, GHashTable *layers, GError **error)
{
  if (!(settings->ratio > 0 && settings->ratio < 1))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The ratio %g is not between 0 and 1: it is the share of the channels that goes.", settings->ratio);
      return FALSE;
    }
  for (guint i = 0; settings->skip_layers && settings->skip_layers[i]; i++)
    if (!pare_graph_find_layer (graph, settings->skip_layers[i], error))
      return FALSE;
  return pare_overrides_check_layers (layers, graph, error);
}

/* A group in which one layer is to be left alone stays whole. */
static void
apply_skips (const Work *work, PareChannelGroup *group)
{
  const PareFilterSettings *settings = work->settings;

  for (guint s = 0; s < group->slices->len && !group->reason; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const char *label = pare_node_label (slice->node);
      const LayerSettings *layer = pare_overrides_find (work->layers, label);
      if (slice->role == PARE_CHANNELS_PRODUCED
          && ((layer && layer->enable == FALSE)
              || (settings->skip_layers && g_strv_contains (settings->skip_layers, label))))
        group->reason = g_strdup_printf ("the settings skip '%s'", label);
    }
}

/* A pattern of n of every m inputs or outputs does not outlive the loss of some. */
static gboolean
check_modes (const PareChannelGroup *group, GError **error)
{
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const PareSparsity *sparsity = &pare_node_input (slice->node, slice->input)->sparsity;
      if (sparsity->mode != PARE_SPARSITY_N_OF_M)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Layer '%s' is %u:%u sparse already, and a layer has one sparsity mode: name '%s' in skip-layers.",
                   pare_node_label (slice->node), sparsity->n, sparsity->m, group->name);
      return FALSE;
    }
  return TRUE;
}

/* Layers that share their channels also share what is said of one of them. */
static gboolean
ratio_of (const Work *work, const PareChannelGroup *group, double *ratio, GError **error)
{
  const char *said_of = NULL;

  *ratio = work->settings->ratio;
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const char *label = pare_node_label (slice->node);
      const LayerSettings *layer = pare_overrides_find (work->layers, label);
      if (slice->role != PARE_CHANNELS_PRODUCED || !layer || layer->ratio < 0)
        continue;
      if (said_of && layer->ratio != *ratio)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "Layers '%s' and '%s' share their channels, so they cannot have different ratios.", said_of,
                       label);
          return FALSE;
        }
      said_of = label;
      *ratio = layer->ratio;
    }
  return TRUE;
}

/* Rounded to whole channels, then up to a multiple. */
static guint
count_left (guint n, double ratio, guint align)
{
  guint left = n - MIN (n, (guint)floor (n * ratio + 0.5));

  align = MAX (align, 1);
  return CLAMP ((left + align - 1) / align * align, 1, n);
}

static gboolean
choose (Work *work, PareSamples *samples, GError **error)
{
  const char *algorithm = work->settings->algorithm && *work->settings->algorithm ? work->settings->algorithm : "bcp";
  const PareRanking *ranking = pare_ranking_find (algorithm, samples && pare_samples_count (samples), error);
  g_autoptr (GPtrArray) scores = ranking ? pare_ranking_score (ranking, work->groups, samples, error) : NULL;

  for (guint g = 0; scores && g < pare_channel_groups_length (work->groups); g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (work->groups, g);
      gboolean *mask = NULL;
      double ratio;
      if (!group->reason)
        {
          if (!ratio_of (work, group, &ratio, error) || !check_modes (group, error))
            return FALSE;
          mask = pare_channels_select (work->groups, group, scores->pdata[g],
                                       count_left (group->n, ratio, work->settings->align));
        }
      g_ptr_array_add (work->masks, mask);
    }
  return scores != NULL;
}

static void
mark_weights (const PareChannelGroup *group)
{
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      if (slice->role == PARE_CHANNELS_PRODUCED)
        pare_node_input (slice->node, slice->input)->sparsity = (PareSparsity){ .mode = PARE_SPARSITY_FILTER };
    }
}

/* How many channels went. */
static gboolean
remove_all (Work *work, guint *removed, GError **error)
{
  for (guint g = 0; g < pare_channel_groups_length (work->groups); g++)
    {
      PareChannelGroup *group = pare_channel_groups_get (work->groups, g);
      g_autofree guint *sizes = pare_filter_sizes (group);
      guint before = group->n;
      if (!group->reason && !pare_channel_group_remove (work->groups, group, work->masks->pdata[g], error))
        return FALSE;
      if (group->n < before)
        mark_weights (group);
      pare_filter_record_group (work->graph->record, group, sizes);
      *removed += before - group->n;
    }
  return pare_channel_groups_check (work->groups, NULL, error);
}

static void
set_none_error (const Work *work, GError **error)
{
  const PareChannelGroup *example = NULL;

  for (guint g = 0; g < pare_channel_groups_length (work->groups) && !example; g++)
    example = pare_channel_groups_get (work->groups, g)->reason ? pare_channel_groups_get (work->groups, g) : NULL;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "No channel can be removed%s%s%s%s; allow-none=true lets the network pass as it is.",
               example ? ": those of '" : "", example ? example->name : "", example ? "', for one, stay: " : "",
               example ? example->reason : "");
}

gboolean
pare_graph_sparsify_filters (PareGraph *graph, PareSamples *samples, const PareFilterSettings *settings,
                             PareSparsifyProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (GHashTable) layers = parse_layers (settings->layers, error);
  g_autoptr (PareChannelGroups) groups = NULL;
  g_autoptr (GPtrArray) masks = g_ptr_array_new_with_free_func (g_free);
  Work work = { graph, settings, layers, NULL, masks };
  PareNetworkSize before, after;
  guint removed = 0;

  if (!layers || !check_settings (graph, settings, layers, error) || !pare_network_size (graph, &before, error)
      || !(groups = pare_channel_groups_new (graph, NULL, error)))
    return FALSE;
  work.groups = groups;
  for (guint g = 0; g < pare_channel_groups_length (groups); g++)
    apply_skips (&work, pare_channel_groups_get (groups, g));
  if (!choose (&work, samples, error) || !remove_all (&work, &removed, error))
    return FALSE;
  if (!removed && !settings->allow_none)
    {
      set_none_error (&work, error);
      return FALSE;
    }
  pare_graph_remove_dead (graph);
  if (!pare_network_size (graph, &after, error))
    return FALSE;
  pare_filter_record_network (graph->record, &before, &after);
  if (progress && !progress (1, 1, user_data))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "Cancelled.");
      return FALSE;
    }
  return TRUE;
}
