/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Filter pruning: ranks the channels of each group, takes the lowest out of the graph, lets the rest make up for them,
 * and says so. */
#include "sparsify/filter.h"
#include "sparsify/filter-choice.h"
#include "sparsify/filter-record.h"
#include "sparsify/reconstruct.h"
#include "sparsify/remove.h"

typedef struct
{
  PareGraph *graph, *original;
  const PareFilterSettings *settings;
  PareChannelGroups *groups;
  GPtrArray *masks; /* by group: which of its channels stay; NULL: all */
} Work;

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

/* Removes the channels that the masks do not keep, and solves for the weights of what is left. */
static gboolean
shrink (Work *work, PareSamples *samples, PareProgress progress, gpointer user_data, GError **error)
{
  const PareFilterSettings *settings = work->settings;
  g_autoptr (GHashTable) kept = pare_kept_outputs_new (work->groups, (gboolean *const *)work->masks->pdata);
  PareReconstruction reconstruction
      = { work->original, kept, samples, settings->ridge, settings->rows, settings->memory_limit };
  guint removed = 0;

  if (!remove_all (work, &removed, error))
    return FALSE;
  if (!removed && !settings->allow_none)
    {
      set_none_error (work, error);
      return FALSE;
    }
  pare_graph_remove_dead (work->graph);
  return !removed || !samples || !settings->reconstruct
         || pare_graph_reconstruct (work->graph, &reconstruction, progress, user_data, error);
}

gboolean
pare_graph_sparsify_filters (PareGraph *graph, PareSamples *samples, const PareFilterSettings *settings,
                             PareProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (PareGraph) original = pare_graph_copy (graph);
  g_autoptr (PareChannelGroups) groups = NULL;
  g_autoptr (GPtrArray) masks = NULL;
  Work work = { graph, original, settings, NULL, NULL };
  PareNetworkSize before, after;

  if (samples && !pare_samples_count (samples))
    samples = NULL;
  if (!pare_network_size (graph, &before, error) || !(groups = pare_channel_groups_new (graph, NULL, error))
      || !(masks = pare_filter_choose (groups, graph, samples, settings, error)))
    return FALSE;
  work.groups = groups;
  work.masks = masks;
  if (!shrink (&work, samples, progress, user_data, error) || !pare_network_size (graph, &after, error))
    return FALSE;
  pare_filter_record_network (graph->record, &before, &after);
  return TRUE;
}
