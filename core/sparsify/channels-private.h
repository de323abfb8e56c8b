/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the walk found, for the files of this room. */
#pragma once
#include "sparsify/channels.h"

/* An integer of a node that counts channels: of attribute @attribute, or of the constant input @input. */
typedef struct
{
  PareNode *node;
  const char *attribute;
  guint input;
  guint element;
  guint divisor;
  guint n;
  guint *channels;
  PareTensor *folded; /* of an input that is computed from constants: they are replaced by one */
} PareChannelCount;

/* An axis of a value that carries channels. */
typedef struct
{
  PareValue *value;
  guint axis;
  guint n;
  guint *channels;
} PareChannelExtent;

/* These channels all stay. */
typedef struct
{
  char *reason;
  guint n;
  guint *channels;
} PareChannelKeep;

struct _PareChannelWalk
{
  PareGraph *graph;
  PareInference *inference;
  PareNode *node;
  PareInfer *infer;
  GHashTable *carried; /* PareValue -> guint *[PARE_MAX_RANK] */
  GArray *parents;     /* of guint: union-find over channels; roots are the lowest of their sets */
  GPtrArray *slices;   /* of PareChannelSlice */
  GPtrArray *counts;   /* of PareChannelCount */
  GPtrArray *extents;  /* of PareChannelExtent */
  GPtrArray *keeps;    /* of PareChannelKeep */
  GPtrArray *created;  /* memory of pare_channels_create() */
};

PareChannelWalk *pare_channels_walk (PareGraph *graph, const GArray *specs, GError **error);
void pare_channels_free (PareChannelWalk *channels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareChannelWalk, pare_channels_free)
/* The set that @channel is in, as its lowest member. */
guint pare_channels_root (PareChannelWalk *channels, guint channel);

void pare_channel_slice_free (gpointer slice);
void pare_channel_count_free (gpointer count);
void pare_channel_extent_free (gpointer extent);

struct _PareChannelGroups
{
  PareGraph *graph;
  GPtrArray *groups; /* of PareChannelGroup */
  guint n_channels;  /* of all groups, and of those that no producer has */
  gboolean hollow;   /* a trial: weights get the shape alone, which costs neither time nor memory */
  GPtrArray *slices;
  GPtrArray *counts;
  GPtrArray *extents;
};

/* Groups by what the operators say. */
PareChannelGroups *pare_channel_groups_gather (PareGraph *graph, const GArray *specs, GError **error);
/* Gives a reason to the free groups that do not bear the loss of a channel. */
void pare_channel_groups_try (PareChannelGroups *groups, const GArray *specs);
