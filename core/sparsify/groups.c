/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Dependency groups: the channels that a walk found, gathered by the producers that share them and numbered group by
 * group. */
#include "sparsify/channels-private.h"

static void
group_free (gpointer data)
{
  PareChannelGroup *group = data;

  g_free (group->name);
  g_free (group->reason);
  g_ptr_array_unref (group->slices);
  g_free (group);
}

void
pare_channel_groups_free (PareChannelGroups *groups)
{
  g_object_unref (groups->graph);
  g_ptr_array_unref (groups->groups);
  g_ptr_array_unref (groups->slices);
  g_ptr_array_unref (groups->counts);
  g_ptr_array_unref (groups->extents);
  g_free (groups);
}

guint
pare_channel_groups_length (const PareChannelGroups *groups)
{
  return groups->groups->len;
}

PareChannelGroup *
pare_channel_groups_get (const PareChannelGroups *groups, guint index)
{
  return groups->groups->pdata[index];
}

gint
pare_channel_group_channel (const PareChannelGroup *group, const PareChannelSlice *slice, guint index)
{
  guint channel = slice->channels[index];

  return channel >= group->first && channel - group->first < group->n ? (gint)(channel - group->first) : -1;
}

PareTensor *
pare_channel_slice_tensor (const PareChannelSlice *slice)
{
  PareTensor *literal = pare_node_literal (slice->node, slice->input);

  return literal ? literal : slice->folded;
}

/* What becomes of the walk's channels: tied ones are one, and each belongs to the group of its producers. */
typedef struct
{
  PareChannelWalk *walk;
  guint *gang;   /* root -> any root of a channel of the same group: a union-find above the walk's */
  guint *group;  /* gang's root -> its group + 1 */
  guint *number; /* root -> number in its group + 1 */
  PareChannelGroups *groups;
} Gathering;

static guint
gang_of (Gathering *gathering, guint channel)
{
  guint *gang = gathering->gang, root = pare_channels_root (gathering->walk, channel);

  while (gang[root] != root)
    root = gang[root] = gang[gang[root]];
  return root;
}

/* Channels of one weight are chosen from together. */
static void
gather_producers (Gathering *gathering)
{
  const GPtrArray *slices = gathering->walk->slices;

  for (guint i = 0; i < gathering->walk->parents->len; i++)
    gathering->gang[i] = i;
  for (guint s = 0; s < slices->len; s++)
    {
      const PareChannelSlice *slice = slices->pdata[s];
      for (guint i = 1; slice->role == PARE_CHANNELS_PRODUCED && i < slice->n; i++)
        {
          guint a = gang_of (gathering, slice->channels[0]), b = gang_of (gathering, slice->channels[i]);
          gathering->gang[MAX (a, b)] = MIN (a, b);
        }
    }
}

static PareChannelGroup *
add_group (PareChannelGroups *groups, const PareNode *producer)
{
  PareChannelGroup *group = g_new0 (PareChannelGroup, 1);

  group->name = g_strdup (pare_node_label (producer));
  group->slices = g_ptr_array_new ();
  g_ptr_array_add (groups->groups, group);
  return group;
}

/* One group per gang with a producer, and in it numbers in the order of the producers' axes. */
static void
number_producers (Gathering *gathering)
{
  const GPtrArray *slices = gathering->walk->slices;

  for (guint s = 0; s < slices->len; s++)
    {
      const PareChannelSlice *slice = slices->pdata[s];
      for (guint i = 0; slice->role == PARE_CHANNELS_PRODUCED && i < slice->n; i++)
        {
          guint root = pare_channels_root (gathering->walk, slice->channels[i]);
          guint *group = &gathering->group[gang_of (gathering, root)];
          if (!*group)
            {
              add_group (gathering->groups, slice->node);
              *group = gathering->groups->groups->len;
            }
          if (!gathering->number[root])
            gathering->number[root] = ++pare_channel_groups_get (gathering->groups, *group - 1)->n;
        }
    }
}

/* The rest comes from nobody and stays: numbers behind all groups. */
static void
number_rest (Gathering *gathering)
{
  PareChannelGroups *groups = gathering->groups;

  for (guint g = 0; g < groups->groups->len; g++)
    {
      PareChannelGroup *group = groups->groups->pdata[g];
      group->first = groups->n_channels;
      groups->n_channels += group->n;
    }
  for (guint i = 0; i < gathering->walk->parents->len; i++)
    if (pare_channels_root (gathering->walk, i) == i && !gathering->number[i])
      gathering->number[i] = ++groups->n_channels;
}

static void
renumber (Gathering *gathering, guint n, guint *channels)
{
  for (guint i = 0; i < n; i++)
    {
      guint root = pare_channels_root (gathering->walk, channels[i]);
      guint group = gathering->group[gang_of (gathering, root)];
      channels[i] = gathering->number[root] - 1;
      if (group)
        channels[i] += pare_channel_groups_get (gathering->groups, group - 1)->first;
    }
}

static void
renumber_all (Gathering *gathering)
{
  PareChannelWalk *walk = gathering->walk;

  for (guint i = 0; i < walk->slices->len; i++)
    renumber (gathering, ((PareChannelSlice *)walk->slices->pdata[i])->n,
              ((PareChannelSlice *)walk->slices->pdata[i])->channels);
  for (guint i = 0; i < walk->counts->len; i++)
    renumber (gathering, ((PareChannelCount *)walk->counts->pdata[i])->n,
              ((PareChannelCount *)walk->counts->pdata[i])->channels);
  for (guint i = 0; i < walk->extents->len; i++)
    renumber (gathering, ((PareChannelExtent *)walk->extents->pdata[i])->n,
              ((PareChannelExtent *)walk->extents->pdata[i])->channels);
  for (guint i = 0; i < walk->keeps->len; i++)
    renumber (gathering, ((PareChannelKeep *)walk->keeps->pdata[i])->n,
              ((PareChannelKeep *)walk->keeps->pdata[i])->channels);
}

static PareChannelGroup *
group_of (const PareChannelGroups *groups, guint channel)
{
  guint low = 0, high = groups->groups->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      PareChannelGroup *group = groups->groups->pdata[middle];
      if (channel < group->first)
        high = middle;
      else if (channel >= group->first + group->n)
        low = middle + 1;
      else
        return group;
    }
  return NULL;
}

static void
file_slices (PareChannelGroups *groups)
{
  for (guint s = 0; s < groups->slices->len; s++)
    {
      PareChannelSlice *slice = groups->slices->pdata[s];
      for (guint i = 0; i < slice->n; i++)
        {
          PareChannelGroup *group = group_of (groups, slice->channels[i]);
          if (group && (!group->slices->len || group->slices->pdata[group->slices->len - 1] != slice))
            g_ptr_array_add (group->slices, slice);
        }
    }
}

/* The first thing in the way is the reason. */
static void
give_reasons (PareChannelGroups *groups, const GPtrArray *keeps)
{
  for (guint k = 0; k < keeps->len; k++)
    {
      const PareChannelKeep *keep = keeps->pdata[k];
      for (guint i = 0; i < keep->n; i++)
        {
          PareChannelGroup *group = group_of (groups, keep->channels[i]);
          if (group && !group->reason)
            group->reason = g_strdup (keep->reason);
        }
    }
  for (guint g = 0; g < groups->groups->len; g++)
    {
      PareChannelGroup *group = groups->groups->pdata[g];
      if (group->n == 1 && !group->reason)
        group->reason = g_strdup ("it has one channel only");
    }
}

PareChannelGroups *
pare_channel_groups_gather (PareGraph *graph, const GArray *specs, GError **error)
{
  g_autoptr (PareChannelWalk) walk = pare_channels_walk (graph, specs, error);
  g_autofree guint *gang = NULL, *group = NULL, *number = NULL;
  PareChannelGroups *groups;
  Gathering gathering;

  if (!walk)
    return NULL;
  groups = g_new0 (PareChannelGroups, 1);
  groups->graph = g_object_ref (graph);
  groups->groups = g_ptr_array_new_with_free_func (group_free);
  gang = g_new0 (guint, walk->parents->len + 1);
  group = g_new0 (guint, walk->parents->len + 1);
  number = g_new0 (guint, walk->parents->len + 1);
  gathering = (Gathering){ walk, gang, group, number, groups };
  gather_producers (&gathering);
  number_producers (&gathering);
  number_rest (&gathering);
  renumber_all (&gathering);
  groups->slices = g_ptr_array_ref (walk->slices);
  groups->counts = g_ptr_array_ref (walk->counts);
  groups->extents = g_ptr_array_ref (walk->extents);
  file_slices (groups);
  give_reasons (groups, walk->keeps);
  return groups;
}

PareChannelGroups *
pare_channel_groups_new (PareGraph *graph, const GArray *specs, GError **error)
{
  g_autoptr (GArray) own = NULL;
  PareChannelGroups *groups;

  if (!specs)
    {
      if (!pare_graph_default_specs (graph, 1, PARE_USUAL_SIZE, &own, error))
        return NULL;
      specs = own;
    }
  groups = pare_channel_groups_gather (graph, specs, error);
  if (groups)
    pare_channel_groups_try (groups, specs);
  return groups;
}
