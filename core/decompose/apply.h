/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Decomposes one layer as was chosen. Private to the room. */
#pragma once
#include "decompose/choice.h"

G_BEGIN_DECLS

#define PARE_DECOMPOSE_STAGE "graphdecomposer"

/**
 * pare_decompose_apply:
 * @layer: of @graph, whose node is replaced
 * @option: how and at which rank
 * @targets: one per group
 * @curve: of these targets, for @option's factorization; used up
 * @moments: what the targets were learned from, or NULL
 *
 * Finds the factors' weights, puts them into the graph and writes the record's entry.
 */
gboolean pare_decompose_apply (PareGraph *graph, const PareDecomposable *layer, const PareOption *option,
                               GPtrArray *targets, PareCurve *curve, const PareMoments *moments, GError **error);

G_END_DECLS
