/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A walk through the network that stops at every layer that reads channels. */
#include "sparsify/survey.h"
#include "sparsify/channels-private.h"

/* Positions of each sample that count for a layer: neighbours say much the same. */
#define ROWS 256

/* Bytes of activations to keep. */
#define MEMORY ((guint64)1 << 30)

typedef struct
{
  const PareChannelGroups *groups;
  PareWalk *walk, *results; /* two of the same network: what layers read, and what they compute */
  GPtrArray *readers;       /* by group: of PareChannelReader */
  guint *missing;           /* by group: readers that were not seen yet */
  PareSurveySeen seen;
  gpointer user_data;
} Survey;

static gboolean
reads (const PareChannelSlice *slice, PareLayerMatrix *matrix)
{
  PareWeightTrait trait;

  return slice->role == PARE_CHANNELS_CONSUMED && pare_node_weight (slice->node, &trait) && slice->input == trait.input
         && pare_channel_reader_possible (slice->node, matrix);
}

static PareMoments *
observe (Survey *survey, PareNode *node, const PareLayerMatrix *matrix, GError **error)
{
  if (!pare_walk_advance (survey->walk, node, error) || !pare_walk_advance (survey->results, node, error))
    return NULL;
  return pare_moments_collect (matrix, node, survey->walk, node, survey->results, ROWS, error);
}

static gboolean
tell (Survey *survey, guint group, GError **error)
{
  GPtrArray *readers = survey->readers->pdata[group];
  gboolean fine = survey->seen (group, readers, survey->user_data, error);

  g_ptr_array_set_size (readers, 0);
  return fine;
}

static gboolean
visit (Survey *survey, PareNode *node, GError **error)
{
  g_autoptr (PareMoments) moments = NULL;
  PareLayerMatrix matrix;

  for (guint g = 0; g < survey->readers->len; g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (survey->groups, g);
      for (guint s = 0; survey->missing[g] && s < group->slices->len; s++)
        {
          const PareChannelSlice *slice = group->slices->pdata[s];
          if (slice->node != node || !reads (slice, &matrix))
            continue;
          if (!moments && !(moments = observe (survey, node, &matrix, error)))
            return FALSE;
          pare_channel_readers_add (survey->readers->pdata[g], group, slice, &matrix, moments);
          if (--survey->missing[g] == 0 && !tell (survey, g, error))
            return FALSE;
        }
    }
  return TRUE;
}

static void
prepare (Survey *survey)
{
  PareLayerMatrix matrix;

  for (guint g = 0; g < pare_channel_groups_length (survey->groups); g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (survey->groups, g);
      g_ptr_array_add (survey->readers, g_ptr_array_new_with_free_func (pare_channel_reader_free));
      for (guint s = 0; !group->reason && s < group->slices->len; s++)
        survey->missing[g] += reads (group->slices->pdata[s], &matrix);
    }
}

gboolean
pare_channel_survey (const PareChannelGroups *groups, PareSamples *samples, PareSurveySeen seen, gpointer user_data,
                     GError **error)
{
  g_autoptr (PareWalk) walk = pare_walk_new (groups->graph, samples, MEMORY);
  g_autoptr (PareWalk) results = pare_walk_new (groups->graph, samples, MEMORY);
  g_autoptr (GPtrArray) readers = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  g_autofree guint *missing = g_new0 (guint, pare_channel_groups_length (groups) + 1);
  Survey survey = { groups, walk, results, readers, missing, seen, user_data };

  prepare (&survey);
  for (guint g = 0; g < readers->len; g++)
    if (!pare_channel_groups_get (groups, g)->reason && !missing[g] && !tell (&survey, g, error))
      return FALSE;
  for (guint i = 0; i < groups->graph->nodes->len; i++)
    if (!visit (&survey, groups->graph->nodes->pdata[i], error))
      return FALSE;
  return TRUE;
}
