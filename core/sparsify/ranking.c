/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Finding rankings by name, and choosing by their scores. */
#include "sparsify/ranking.h"
#include "ops/compute.h"
#include "graph/named.h"
#include "sparsify/remove.h"

extern const PareRanking *const pare_ranking_table[];

const PareRanking *const *
pare_rankings (guint *n)
{
  for (*n = 0; pare_ranking_table[*n];)
    ++*n;
  return pare_ranking_table;
}

const PareRanking *
pare_ranking_find (const char *name, gboolean samples, GError **error)
{
  const PareRanking *ranking = pare_find_named ("ranking", name, (const void *const *)pare_ranking_table, error);

  if (!ranking || samples || !ranking->needs_samples)
    return ranking;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
               "The ranking %s looks at samples, and none came: link some to the tensors pad, or choose bcp.", name);
  return NULL;
}

typedef struct
{
  const PareRanking *ranking;
  const PareRankingInput *input;
} Work;

static gboolean
work_score (gpointer data, GError **error)
{
  const Work *work = data;

  return work->ranking->score (work->input, error);
}

GPtrArray *
pare_ranking_score (const PareRanking *ranking, const PareChannelGroups *groups, PareSamples *samples, GError **error)
{
  g_autoptr (GPtrArray) scores = g_ptr_array_new_with_free_func (g_free);
  PareRankingInput input = { groups, samples };
  Work work = { ranking, &input };

  for (guint i = 0; i < pare_channel_groups_length (groups); i++)
    g_ptr_array_add (scores, g_new0 (double, pare_channel_groups_get (groups, i)->n));
  input.scores = (double *const *)scores->pdata;
  return pare_compute (work_score, &work, error) ? g_steal_pointer (&scores) : NULL;
}

void
pare_ranking_for_each_producer (const PareRankingInput *input, PareProducerScore score)
{
  for (guint g = 0; g < pare_channel_groups_length (input->groups); g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (input->groups, g);
      for (guint s = 0; !group->reason && s < group->slices->len; s++)
        if (((PareChannelSlice *)group->slices->pdata[s])->role == PARE_CHANNELS_PRODUCED)
          score (group, group->slices->pdata[s], input->scores[g]);
    }
}

static gint
compare_scores (gconstpointer a, gconstpointer b, gpointer scores)
{
  guint x = *(const guint *)a, y = *(const guint *)b;
  double difference = ((const double *)scores)[x] - ((const double *)scores)[y];

  return difference < 0 ? -1 : difference > 0 ? 1 : x < y ? 1 : -1;
}

gboolean *
pare_channels_select (const PareChannelGroups *groups, const PareChannelGroup *group, const double *scores, guint left)
{
  g_autofree guint *order = g_new (guint, group->n);
  gboolean *keep = g_new (gboolean, group->n);

  for (guint i = 0; i < group->n; i++)
    {
      order[i] = i;
      keep[i] = TRUE;
    }
  g_qsort_with_data (order, group->n, sizeof *order, compare_scores, (gpointer)scores);
  for (guint i = 0; i < group->n - left; i++)
    keep[order[i]] = FALSE;
  /* Rarely: parts of a Split have no other channels. The best of those that go come back. */
  for (guint i = group->n - left; i-- > 0 && !pare_channel_group_allows (groups, group, keep);)
    keep[order[i]] = TRUE;
  return keep;
}
