/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "sparsify/groups.h"

G_BEGIN_DECLS

/* Whether the network stays whole with only the channels of @group whose @keep is TRUE: no axis becomes empty. */
gboolean
pare_channel_group_allows (const PareChannelGroups *groups, const PareChannelGroup *group, const gboolean *keep);

/**
 * pare_channel_group_remove:
 * @groups: kept in step: other groups stay valid, and so does @group with its @n smaller
 * @group: one without a reason
 * @keep: @n entries
 *
 * Takes channels out of the graph for good: slices every weight, bias and vector, and corrects the attributes,
 * sizes and shapes that count them. Constants that other nodes read too are copied first.
 *
 * Returns: FALSE and an error, with nothing changed, when the group cannot lose these channels
 */
gboolean
pare_channel_group_remove (PareChannelGroups *groups, PareChannelGroup *group, const gboolean *keep, GError **error);

/* Infers the shapes of the graph anew and compares them with what was removed: FALSE and an error naming the value
 * whose shape does not follow, for networks that compute shapes in ways of their own. */
gboolean pare_channel_groups_check (const PareChannelGroups *groups, const GArray *specs, GError **error);

G_END_DECLS
