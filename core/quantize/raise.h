/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * pare_graph_raise_qoperators:
 * @graph: edited
 *
 * Writes operators that have integers in the file (QLinearConv, QLinearMatMul, and of com.microsoft QLinearAdd, QGemm
 * and their kind) as what they stand for: the float operator between DequantizeLinear and QuantizeLinear. Operators
 * whose scales are not constants, or do not fit, stay.
 *
 * Returns: how many were written so
 */
guint pare_graph_raise_qoperators (PareGraph *graph);

G_END_DECLS
