/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Ways to tell what the channels of a group are worth. */
#pragma once
#include "data/samples.h"
#include "sparsify/groups.h"

G_BEGIN_DECLS

/**
 * PareRankingInput:
 * @groups: whose channels are to be ranked
 * @samples: what the network usually sees, or NULL
 * @scores: for each group an array of its @n zeros, to be filled in: the higher, the longer a channel stays. Groups
 * with a reason need none
 */
typedef struct
{
  const PareChannelGroups *groups;
  PareSamples *samples;
  double *const *scores;
} PareRankingInput;

/**
 * PareRanking:
 * @name: what the user writes as algorithm=
 * @needs_samples: does not work without
 * @cumulative: a score is what the network loses when the channel and all lower ones of its group are gone; otherwise
 *   scores add up
 * @score: called on the compute thread
 *
 * One file each, PARE_RANKING (NAME) = { .. }; with the file's name in core/sparsify/meson.build.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean needs_samples;
  gboolean cumulative;
  gboolean (*score) (const PareRankingInput *input, GError **error);
} PareRanking;

#define PARE_RANKING(file) const PareRanking pare_ranking_##file

const PareRanking *const *pare_rankings (guint *n);
/* By name; an error names the nearest one, or says that samples are missing. */
const PareRanking *pare_ranking_find (const char *name, gboolean samples, GError **error);

/* The scores of all channels: for each group an array of its @n. Of double *; with free function. */
GPtrArray *
pare_ranking_score (const PareRanking *ranking, const PareChannelGroups *groups, PareSamples *samples, GError **error);

/* For rankings by weights: calls @score for every weight that produces channels of a free group, to add to the scores
 * of the group. */
typedef void (*PareProducerScore) (const PareChannelGroup *group, const PareChannelSlice *slice, double *scores);
void pare_ranking_for_each_producer (const PareRankingInput *input, PareProducerScore score);

/* Which stay: the @left channels of the highest @scores, the first ones where they are equal, and whatever else it
 * takes so that no layer becomes empty. Newly allocated. */
gboolean *
pare_channels_select (const PareChannelGroups *groups, const PareChannelGroup *group, const double *scores, guint left);

G_END_DECLS
