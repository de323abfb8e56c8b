/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "amct/record.h"
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_amct_layers:
 * @graph: a quantized network, simulated or in a form for runtimes; it stays as it is
 *
 * What a record of AMCT says of the layers of @graph that it has words for: those with 8-bit data on one scale and
 * symmetric integer weights.
 *
 * Returns: (transfer full) (element-type PareAmctLayer): in graph order, or NULL and an error
 */
GPtrArray *pare_amct_layers (const PareGraph *graph, GError **error);

G_END_DECLS
