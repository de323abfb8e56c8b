/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* @gradient with zeros where @weight has them, by a node added to @graph; @gradient itself where it has none. A weight
 * that is zero and never has a gradient stays zero: momentum, its square, and decay are zero with it. */
PareValue *pare_graph_keep_zeros (PareGraph *graph, const PareTensor *weight, PareValue *gradient);

G_END_DECLS
