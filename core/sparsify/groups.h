/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/* What a constant has to do with channels. */
typedef enum
{
  PARE_CHANNELS_PRODUCED, /* a weight that computes them: its axis of outputs */
  PARE_CHANNELS_CONSUMED, /* a weight that reads them: its axis of inputs */
  PARE_CHANNELS_CARRIED,  /* one number, or kernel, per channel: biases, BatchNormalization, depthwise kernels */
} PareChannelRole;

/**
 * PareChannelSlice:
 * @node: the node that reads the constant
 * @input: index of the constant among its inputs
 * @axis: axis of the constant
 * @n: size of that axis
 * @channels: the channel that each index of the axis belongs to; a channel may be there several times (behind Flatten)
 * @folded: its value where it is computed from constants (behind an Identity), NULL where it is one itself
 *
 * An axis of a constant whose entries stay or go with channels. Numbers count through all groups: those of one group
 * are [group->first, group->first + group->n).
 */
typedef struct
{
  PareNode *node;
  guint input;
  guint axis;
  PareChannelRole role;
  guint n;
  guint *channels;
  PareTensor *folded;
} PareChannelSlice;

/**
 * PareChannelGroup:
 * @name: label of the first node that produces its channels
 * @reason: why none of them can be removed; NULL when they can
 * @first: number of its first channel
 * @n: number of channels
 * @slices: of PareChannelSlice: every constant axis that holds some of its channels, in the order of the graph's nodes;
 *   shared with other groups where the axis holds channels of several (behind Concat)
 *
 * The unit of removal: channels that some producers compute, of which any may go. Layers whose results are added share
 * a group; a layer whose result is only concatenated has one of its own.
 */
typedef struct
{
  char *name;
  char *reason;
  guint first;
  guint n;
  GPtrArray *slices;
} PareChannelGroup;

/**
 * PareChannelGroups:
 *
 * The dependency groups of all channels of a graph (Fang et al., DepGraph: Towards Any Structural Pruning, CVPR 2023,
 * here per channel and not per layer: two channels are tied when one cannot go without the other). Each operator's file
 * says how channels pass through it (PareOperator.channels); what nobody knows keeps the channels that reach it.
 */
typedef struct _PareChannelGroups PareChannelGroups;

/**
 * pare_channel_groups_new:
 * @graph: not changed, and kept: groups point to its nodes
 * @specs: (nullable): of PareSpec, of the network's inputs; NULL: as the graph says, with 1 for an open batch
 *
 * Finds the groups. Those that cannot shrink are among them, with the reason.
 *
 * Returns: the groups, or NULL and an error when shapes cannot be inferred
 */
PareChannelGroups *pare_channel_groups_new (PareGraph *graph, const GArray *specs, GError **error);
void pare_channel_groups_free (PareChannelGroups *groups);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareChannelGroups, pare_channel_groups_free)

/* In the order of their first producers. */
guint pare_channel_groups_length (const PareChannelGroups *groups);
PareChannelGroup *pare_channel_groups_get (const PareChannelGroups *groups, guint index);
/* The channel of @group, in [0, n), that index @index of the slice's axis belongs to; -1 when it is another group's. */
gint pare_channel_group_channel (const PareChannelGroup *group, const PareChannelSlice *slice, guint index);
/* The constant that a slice is of. */
PareTensor *pare_channel_slice_tensor (const PareChannelSlice *slice);

G_END_DECLS
