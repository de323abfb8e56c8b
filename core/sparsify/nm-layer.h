/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One layer on its way to n:m sparsity. Private to the room. */
#pragma once
#include "reconstruct/moments.h"
#include "sparsify/nm-algorithm.h"
#include "sparsify/nm.h"

G_BEGIN_DECLS

/* Bytes that an algorithm which looks at samples takes for @node. */
double pare_nm_layer_memory (const PareNode *node);

/**
 * pare_nm_prune_layer:
 * @node: a layer of @graph that is eligible
 * @moments: of what it reads and should compute; NULL: nobody looked at samples
 * @why: what the record says of the choice of @algorithm
 *
 * Chooses the weights that stay, solves for them where the algorithm does, corrects the bias, writes both into the
 * graph and says so in its record.
 */
gboolean
pare_nm_prune_layer (PareGraph *graph, PareNode *node, const PareMoments *moments, const PareNmAlgorithm *algorithm,
                     const char *why, const PareNmSettings *settings, GError **error);

G_END_DECLS
