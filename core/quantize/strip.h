/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_graph_strip_quantizers:
 * @graph: a simulated graph, left as it is
 * @counterparts: (out) (optional): table of node of @graph -> node of the result, to free with g_hash_table_unref();
 *   what was taken out is not in it
 *
 * The network as it was before it was quantized: a copy without the pairs of QuantizeLinear (, Clip) and
 * DequantizeLinear, in front of which weights are still the float ones. Integers that are stored become floats.
 */
PareGraph *pare_graph_strip_quantizers (const PareGraph *graph, GHashTable **counterparts, GError **error);

G_END_DECLS
