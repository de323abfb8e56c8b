/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_graph_pack_int4:
 * @graph: a graph with stored integers, edited
 *
 * Integers in 8 bits in front of DequantizeLinear that need 4 at most become tensors of type INT4 or UINT4, which are
 * half as large and need operator set 21. Nothing else changes: the graph computes what it did before.
 *
 * Returns: FALSE and an error when a node has no form in that operator set; @graph is then of no use
 */
gboolean pare_graph_pack_int4 (PareGraph *graph, GError **error);

G_END_DECLS
