/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_graph_widen:
 * @graph: edited
 *
 * Makes a network of float16 or bfloat16 compute in float32, which is what training and calibration need. Weights are
 * widened, which is exact; inputs of the network keep their types, with a Cast behind each, and outputs become float32,
 * as losses need them.
 *
 * Returns: the number of weights that were widened
 */
guint pare_graph_widen (PareGraph *graph);

/**
 * pare_graph_copy_widened:
 * @graph: left as it is
 *
 * What executes a network of float16 or bfloat16: everything in between is float32, inputs and outputs keep their types.
 *
 * Returns: (transfer full) (nullable): the copy, or NULL when nothing in @graph is of half precision
 */
PareGraph *pare_graph_copy_widened (const PareGraph *graph);

/* Whether anything but inputs of @graph is of float16 or bfloat16, as far as it says. */
gboolean pare_graph_computes_in_half (const PareGraph *graph);

G_END_DECLS
