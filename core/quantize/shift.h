/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/accumulator.h"

G_BEGIN_DECLS

/* Simulates behind @accumulator's layer that its accumulators are shifted right, channel c by @shifts[c], and kept in
 * 16 bits. Returns the new node, AccumulatorShift of the domain pare: trained through, and written by the form
 * fakequant. */
PareNode *pare_shift_insert (PareGraph *graph, const PareAccumulator *accumulator, const gint64 *shifts);
/* Whether @node is one of those. */
gboolean pare_shift_is (const PareNode *node);
/* Quantizers changed their scales or became ones that learn: every AccumulatorShift takes the scales of its layer as
 * they are now. */
void pare_graph_refresh_shifts (PareGraph *graph);
/* Replaces each by Div, Round, Mul, Floor, Clip and Mul of the standard operator set, which compute the same. */
gboolean pare_graph_lower_shifts (PareGraph *graph, GError **error);
/* Takes them out: for forms whose runtimes have accumulators of 32 bits. The record keeps the shifts. */
void pare_graph_drop_shifts (PareGraph *graph);
/* Label of a layer, as it is once they are taken out -> PareAttribute with its shifts. Free the table. */
GHashTable *pare_graph_shifts (const PareGraph *graph);

G_END_DECLS
