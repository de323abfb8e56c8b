/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How many channels each group keeps. */
#pragma once
#include "sparsify/cost.h"
#include "sparsify/elimination.h"

G_BEGIN_DECLS

/**
 * PareChannelAllocation:
 * @groups: of the network, all channels there as yet
 * @curves: of PareChannelCurve, by group; NULL: the group stays as it is
 * @align: counts are multiples of it, or the whole group
 * @left: how many channels each group keeps; those of groups without a curve are not changed
 */
typedef struct
{
  const PareChannelGroups *groups;
  PareChannelCurve *const *curves;
  guint align;
  guint *left;
} PareChannelAllocation;

/**
 * pare_channel_allocate:
 * @cost: of the network
 * @target: what it may cost at most
 *
 * From @left on takes channels where the loss per cost saved is least, until the target is met. A step may take several
 * channels of a group, so that a dear channel before cheap ones does not stand in the way.
 *
 * Returns: FALSE and an error when the target cannot be met
 */
gboolean pare_channel_allocate (PareChannelAllocation *allocation, const PareCost *cost, double target, GError **error);

G_END_DECLS
