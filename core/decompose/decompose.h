/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Decomposition: layers become cascades of smaller layers that compute nearly the same. */
#pragma once
#include "data/samples.h"
#include "graph/graph.h"
#include "graph/progress.h"

G_BEGIN_DECLS

/**
 * PareDecomposeSettings:
 * @policy: how ranks are chosen: "macs", "uniform", "energy" or "evbmf"
 * @method: "auto" or one of "spatial", "reduced-rank", "tucker"
 * @ratio: share of the multiply-accumulates that remains, in (0, 1): for "macs" of the network's, for "uniform" of each
 *   layer's
 * @energy: for "energy": share of a layer's energy to keep, in (0, 1)
 * @align: ranks are multiples of this
 * @size: in place of open sizes of the network's inputs, to count multiply-accumulates; samples know better
 * @rows: positions of each sample's output to learn from at most; 0: all
 * @memory_limit: bytes of activations to keep
 * @layers: label -> PareDecomposeLayer, or NULL
 * @skip_layers: labels of nodes to leave whole, NULL-terminated, or NULL
 * @allow_none: a network without any layer to decompose is no error
 */
typedef struct
{
  const char *policy, *method;
  double ratio, energy;
  guint align, size, rows;
  guint64 memory_limit;
  GHashTable *layers;
  const char *const *skip_layers;
  gboolean allow_none;
} PareDecomposeSettings;

/* What is said of one layer; -1 where nothing is. */
typedef struct
{
  int enable;
  int rank;
} PareDecomposeLayer;

void pare_decompose_settings_init (PareDecomposeSettings *settings);

/* "conv1:rank=32;fc:enable=false" as PareDecomposeSettings takes it, or NULL and an error. */
GHashTable *pare_decompose_layers_parse (const char *text, GError **error);

/**
 * pare_graph_decompose:
 * @graph: edited
 * @samples: what the factors learn the layers' data from, so that errors of the result become small; or NULL: errors of
 *   the weights do
 * @progress: called after every layer, or NULL; FALSE from it is an error that nobody will see
 *
 * Replaces layers with weights by cascades. The record has an entry for every such layer (stage "graphdecomposer").
 *
 * Returns: FALSE with an error when a setting is impossible, a layer does not exist, the ratio cannot be reached, or
 * there is nothing to decompose. The graph is then as it was, but for the record, unless samples turned out bad half
 * way
 */
gboolean pare_graph_decompose (PareGraph *graph, PareSamples *samples, const PareDecomposeSettings *settings,
                               PareProgress progress, gpointer user_data, GError **error);

G_END_DECLS
