/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Whole channels are taken out of a network. */
#pragma once
#include "sparsify/nm.h"

G_BEGIN_DECLS

/**
 * PareFilterSettings:
 * @algorithm: how channels are ranked, by name; NULL: bcp
 * @ratio: share of the channels of each group that goes, in (0, 1)
 * @align: the number of channels that stays is rounded up to a multiple, but never beyond all
 * @layers: settings of single layers, "conv1:ratio=0.3;fc:enable=false", or NULL
 * @skip_layers: labels of nodes that keep their channels, NULL-terminated, or NULL
 * @allow_none: a network without any channel that can go is no error
 */
typedef struct
{
  const char *algorithm;
  double ratio;
  guint align;
  const char *layers;
  const char *const *skip_layers;
  gboolean allow_none;
} PareFilterSettings;

/**
 * pare_graph_sparsify_filters:
 * @graph: edited: it becomes smaller
 * @samples: what rankings that look at samples see, or NULL
 * @progress: as for pare_graph_sparsify_nm()
 *
 * Removes filters of layers together with everything that depends on them. The record has an entry for every layer with
 * filters (stage "graphsparsifier"): how many there were and are, or why they stayed; and one for the network.
 *
 * Returns: FALSE with an error when a setting is impossible, a layer does not exist, a weight has another sparsity
 * mode, or nothing can be removed
 */
gboolean pare_graph_sparsify_filters (PareGraph *graph, PareSamples *samples, const PareFilterSettings *settings,
                                      PareSparsifyProgress progress, gpointer user_data, GError **error);

G_END_DECLS
