/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How channels pass through operators: what PareOperator.channels asks and tells, for the node at hand. */
#pragma once
#include "ops/operator.h"
#include "sparsify/groups.h"

G_BEGIN_DECLS

/* A walk through a graph in the order of its nodes. Channels are numbers; an axis of a value that carries channels has
 * one for each of its indices, and the same number at two places means that they stay or go together. */

/* Types, shapes and known constants of the node's inputs and outputs. */
const PareInfer *pare_channels_infer (const PareChannelWalk *channels);
/* The channels along @axis of input @input, as many as the axis is long; NULL when the axis carries none. */
const guint *pare_channels_along (const PareChannelWalk *channels, guint input, guint axis);
/* @axis of output @output carries these channels: as many as it is long. Copied; NULL: none. */
void pare_channels_give (PareChannelWalk *channels, guint output, guint axis, const guint *along);
/* What was given to @axis of output @output. */
const guint *pare_channels_given (const PareChannelWalk *channels, guint output, guint axis);
/* @n channels that nobody had before. Owned by the walk. */
guint *pare_channels_create (PareChannelWalk *channels, guint n);
/* These two stay or go together. */
void pare_channels_tie (PareChannelWalk *channels, guint a, guint b);
/* Whether these two do already. */
gboolean pare_channels_tied (PareChannelWalk *channels, guint a, guint b);
/* @axis of the constant input @input belongs to the @n channels @along and loses its entries with them. */
void pare_channels_slice (PareChannelWalk *channels, PareChannelRole role, guint input, guint axis, guint n,
                          const guint *along);
/* Element @element of the integer attribute @name counts how many of the @n channels @along are there, divided by
 * @divisor; likewise an element of the constant input @input. */
void pare_channels_count_attribute (PareChannelWalk *channels, const char *name, guint element, guint divisor, guint n,
                                    const guint *along);
void pare_channels_count_input (PareChannelWalk *channels, guint input, guint element, guint n, const guint *along);
/* The @n channels @along all stay because of this node: "blocked by Conv 'name'", then @why (", whose weight ..") or
 * "". */
void pare_channels_keep (PareChannelWalk *channels, guint n, const guint *along, const char *why);
/* The same for all channels of input @input. */
void pare_channels_block (PareChannelWalk *channels, guint input, const char *why);

/* Functions for PareOperator.channels that fit many operators. */

/* Output 0 carries on every axis what input 0 carries: functions of one element. */
void pare_channels_same (PareChannelWalk *channels);
/* Functions of one element of each input, with NumPy broadcasting: channels that meet are tied. */
void pare_channels_join (PareChannelWalk *channels);
/* The same for one axis of output 0. */
void pare_channels_meet (PareChannelWalk *channels, guint axis);
/* Inputs @first to @last are vectors with one entry for each channel on axis 1 of input 0. */
void pare_channels_carry (PareChannelWalk *channels, guint first, guint last);
/* Axes 0 and 1 pass; the others are mixed: pooling. */
void pare_channels_window (PareChannelWalk *channels);
/* The same elements under another shape. */
void pare_channels_reshape (PareChannelWalk *channels);
/* A node with a weight trait: its input's channels end in the weight, and its output's begin there. @axis: that of the
 * channels in input 0 and in output 0. */
void pare_channels_weighted (PareChannelWalk *channels, guint axis);

G_END_DECLS
