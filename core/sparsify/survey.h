/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the readers of each group read. */
#pragma once
#include "sparsify/ranking.h"
#include "sparsify/reader.h"

G_BEGIN_DECLS

/* Called for a group when all its @readers (of PareChannelReader) were seen, once; empty when no layer reads the
 * channels directly. They may be changed. */
typedef gboolean (*PareSurveySeen) (guint group, GPtrArray *readers, gpointer user_data, GError **error);

/**
 * pare_channel_survey:
 *
 * Runs the samples through the network, from the inputs on, and tells of every free group what the layers read that
 * read its channels. A group is told as soon as its last reader was seen, so that few of them are in memory at a time.
 */
gboolean pare_channel_survey (const PareChannelGroups *groups, PareSamples *samples, PareSurveySeen seen,
                              gpointer user_data, GError **error);

G_END_DECLS
