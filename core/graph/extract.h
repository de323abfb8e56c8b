/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_graph_extract:
 * @graph: left as it is
 * @inputs: @n_inputs values of it, each once; none is a constant
 * @outputs: @n_outputs values of it
 *
 * The piece of a graph between values: a graph of its own with these inputs and outputs in these orders, and what it
 * takes to compute the one from the other. Names of values and nodes stay; tensors are shared.
 *
 * Returns: (transfer full): the piece, or NULL and an error when the outputs depend on something that is not among the
 *   inputs
 */
PareGraph *pare_graph_extract (const PareGraph *graph, guint n_inputs, PareValue *const *inputs, guint n_outputs,
                               PareValue *const *outputs, GError **error);

G_END_DECLS
