/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The layers that read the channels of a group, as least-squares problems. */
#pragma once
#include "reconstruct/leastsquares.h"
#include "sparsify/groups.h"

G_BEGIN_DECLS

/* Layers that are wider than this take too much memory to be solved: [columns][columns] of doubles. */
#define PARE_CHANNEL_READER_MOST_COLUMNS 6144

/**
 * PareChannelReader:
 * @node: the layer; of its matrices one, each has a reader of its own
 * @group: which one
 * @outputs, @columns: rows and columns of the matrix
 * @channels: for each column the group's channel that it reads; -1: another group's
 * @weights: [outputs][columns]
 * @xx: covariance of what the columns read, [columns][columns]
 * @mean: of what they read
 * @energy: variance of the layer's outputs, summed up, matrices of all groups together
 *
 * What a layer computes from a group of channels.
 */
typedef struct
{
  PareNode *node;
  gint64 group;
  gint64 outputs, columns;
  gint *channels;
  double *weights, *xx, *mean;
  double energy;
} PareChannelReader;

void pare_channel_reader_free (gpointer reader);

/* Whether @node, which reads channels by its weight, can be described so. */
gboolean pare_channel_reader_possible (const PareNode *node, PareLayerMatrix *matrix);
/* Appends to @readers (of PareChannelReader) those of the layer that @slice, of role PARE_CHANNELS_CONSUMED, is of.
 * @moments: of what it reads and computes in the original network. */
void pare_channel_readers_add (GPtrArray *readers, const PareChannelGroup *group, const PareChannelSlice *slice,
                               const PareLayerMatrix *matrix, const PareMoments *moments);

G_END_DECLS
