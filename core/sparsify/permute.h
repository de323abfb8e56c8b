/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Another order of channels, in which an n:m pattern costs less. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_graph_permute_channels:
 * @graph: edited; it computes what it did before, up to rounding
 * @specs: (nullable): of PareSpec, of the network's inputs; NULL: as the graph says
 *
 * Groups of @m consecutive input channels lose all but @n each: this looks for the order of channels in which the
 * weights that stay have the most energy (Pool & Yu, Channel Permutations for N:M Sparsity, 2021), by exchanging two
 * channels as long as that helps. What computes the channels and all that reads them changes its order alike; channels
 * that do not pass through the network as a whole (halves of a Split), and those of the network's inputs and outputs,
 * stay where they are. The record has an entry per group of channels (stage "graphsparsifier").
 *
 * Returns: FALSE and an error when shapes cannot be inferred
 */
gboolean pare_graph_permute_channels (PareGraph *graph, const GArray *specs, guint n, guint m, GError **error);

G_END_DECLS
