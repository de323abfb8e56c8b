/* SPDX-License-Identifier: LGPL-2.1-or-later
 * n:m sparsity of the layers of a network, along their input channels. */
#pragma once
#include "data/samples.h"
#include "graph/graph.h"
#include "graph/progress.h"

G_BEGIN_DECLS

/**
 * PareNmSettings:
 * @n: weights that stay
 * @m: of so many consecutive input channels
 * @algorithm: which ones, by name; NULL: the best that needs no more than what there is
 * @permute: first look for an order of channels in which the largest weights stay (sparsify/permute.h)
 * @ridge: how strongly weights are held where they are when the data say little, in units of the mean square of a
 *   column
 * @rows: the most positions to look at in each sample; 0: all
 * @memory_limit: bytes of activations to keep
 * @update_frequency: training draws the mask anew every so many steps; 0: never
 * @skip_layers: labels of nodes to leave alone, NULL-terminated, or NULL
 * @layers: settings of single layers, "conv1:n=1,m=4;fc:enable=false", or NULL
 * @allow_none: a network without any layer that can be made sparse is no error
 */
typedef struct
{
  guint n, m;
  const char *algorithm;
  gboolean permute;
  double ridge;
  guint rows;
  guint64 memory_limit;
  guint update_frequency;
  const char *const *skip_layers;
  const char *layers;
  gboolean allow_none;
} PareNmSettings;

/* 2:4 by the best algorithm, nothing else. */
void pare_nm_settings_init (PareNmSettings *settings);

/**
 * pare_graph_sparsify_nm:
 * @graph: edited
 * @samples: what algorithms that look at activations learn from, or NULL
 * @progress: called after every layer, or NULL; FALSE from it is an error that nobody will see
 *
 * Makes the weights of every layer that has more than @n input channels n:m sparse, and says so in their
 * PareValue.sparsity. The record has an entry for every layer with a weight (stage "graphsparsifier").
 *
 * Returns: FALSE with an error when a setting is impossible, a layer does not exist, a weight has another sparsity mode
 *   already, or there is nothing to make sparse, and then @graph is as it was but for its record; or when the network
 *   cannot be executed
 */
gboolean pare_graph_sparsify_nm (PareGraph *graph, PareSamples *samples, const PareNmSettings *settings,
                                 PareProgress progress, gpointer user_data, GError **error);

G_END_DECLS
