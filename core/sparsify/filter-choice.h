/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which channels go. Private to the room. */
#pragma once
#include "sparsify/filter.h"
#include "sparsify/groups.h"

G_BEGIN_DECLS

/* For each group which of its channels stay, NULL where none may go. Groups that the settings skip get a reason.
 * @samples: NULL when there are none. */
GPtrArray *pare_filter_choose (PareChannelGroups *groups, PareGraph *graph, PareSamples *samples,
                               const PareFilterSettings *settings, GError **error);

G_END_DECLS
