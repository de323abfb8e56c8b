/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Trials of shrinking: a network may compute shapes in ways that nobody follows, and what does not work on a copy is
 * not offered. The copy's weights have shapes but no numbers. */
#include "sparsify/channels-private.h"
#include "sparsify/remove.h"

/* Takes one channel; TRUE when there is none to take. */
static gboolean
shrink (PareChannelGroups *groups, PareChannelGroup *group)
{
  g_autofree gboolean *keep = g_new (gboolean, group->n);

  for (guint i = 0; i < group->n; i++)
    keep[i] = TRUE;
  for (guint i = 0; i < group->n; i++)
    {
      keep[i] = FALSE;
      if (pare_channel_group_allows (groups, group, keep))
        return pare_channel_group_remove (groups, group, keep, NULL);
      keep[i] = TRUE;
    }
  return TRUE;
}

/* Whether the network works with one channel less in each free group of [from, to). */
static gboolean
works (const PareChannelGroups *groups, const GArray *specs, guint from, guint to)
{
  g_autoptr (PareGraph) copy = pare_graph_copy (groups->graph);
  g_autoptr (PareChannelGroups) trial = pare_channel_groups_gather (copy, specs, NULL);

  trial->hollow = TRUE;
  for (guint g = from; g < to; g++)
    if (!pare_channel_groups_get (groups, g)->reason && !shrink (trial, pare_channel_groups_get (trial, g)))
      return FALSE;
  return pare_channel_groups_check (trial, specs, NULL);
}

static void
give_up (PareChannelGroups *groups, guint from, guint to)
{
  for (guint g = from; g < to; g++)
    {
      PareChannelGroup *group = groups->groups->pdata[g];
      if (!group->reason)
        group->reason = g_strdup ("shapes that the network computes do not follow when it shrinks");
    }
}

static guint
count_free (const PareChannelGroups *groups, guint from, guint to)
{
  guint n = 0;

  for (guint g = from; g < to; g++)
    n += !pare_channel_groups_get (groups, g)->reason;
  return n;
}

/* Halves what does not work until the groups at fault are alone: few trials for few of them. */
static void
search (PareChannelGroups *groups, const GArray *specs, guint from, guint to)
{
  guint middle = (from + to) / 2;

  if (count_free (groups, from, to) == 0 || works (groups, specs, from, to))
    return;
  if (to - from == 1)
    {
      give_up (groups, from, to);
      return;
    }
  search (groups, specs, from, middle);
  search (groups, specs, middle, to);
}

void
pare_channel_groups_try (PareChannelGroups *groups, const GArray *specs)
{
  guint n = groups->groups->len;

  if (works (groups, specs, 0, n))
    return;
  search (groups, specs, 0, n / 2);
  search (groups, specs, n / 2, n);
  /* What works alone need not work together. */
  if (!works (groups, specs, 0, n))
    give_up (groups, 0, n);
}
