/* SPDX-License-Identifier: LGPL-2.1-or-later
 * New weights for a network that lost channels, so that it computes what it did. */
#pragma once
#include "data/samples.h"
#include "sparsify/groups.h"
#include "sparsify/nm.h"

G_BEGIN_DECLS

/* For the layers of a network by name which of their output channels will be left (of guint), to be asked for before
 * channels are removed. @keep: for every group @n entries, or NULL when it stays whole. */
GHashTable *pare_kept_outputs_new (const PareChannelGroups *groups, gboolean *const *keep);

/**
 * PareReconstruction:
 * @original: the network before anything was removed
 * @kept: of pare_kept_outputs_new()
 * @samples: of which at least one is there
 * @ridge: pull towards zero where the samples say little
 * @rows: the most positions of each sample that count for a layer
 * @memory_limit: bytes of activations to keep, for each of the two networks
 */
typedef struct
{
  PareGraph *original;
  GHashTable *kept;
  PareSamples *samples;
  double ridge;
  gint64 rows;
  guint64 memory_limit;
} PareReconstruction;

/**
 * pare_graph_reconstruct:
 * @graph: lost channels; edited
 * @progress: called after every layer, or NULL
 *
 * Solves for the weights and biases of one layer after the other, from the inputs on, so that each computes from what
 * the layers before it make of the samples what its counterpart in the original network computes, as far as it has the
 * same channels. A layer whose result is added to something that is known before it aims at the sum, and so makes up
 * for the errors of the other addend. (He et al., Channel Pruning for Accelerating Very Deep Neural Networks, ICCV
 * 2017.)
 *
 * The record gets an entry for every layer (stage "graphsparsifier").
 */
gboolean pare_graph_reconstruct (PareGraph *graph, const PareReconstruction *reconstruction, PareProgress progress,
                                 gpointer user_data, GError **error);

G_END_DECLS
