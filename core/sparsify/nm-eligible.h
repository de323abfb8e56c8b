/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which layers can be made n:m sparse. Private to the room. */
#pragma once
#include "ops/operator.h"
#include "sparsify/nm.h"

G_BEGIN_DECLS

/**
 * pare_nm_eligible:
 * @settings: of this layer
 * @reason: receives why not, newly allocated; NULL for a node without a weight, which nobody asks about
 *
 * Whether the weight of @node can be made sparse. An error when its weight has another sparsity mode already.
 */
gboolean pare_nm_eligible (const PareNode *node, const PareNmSettings *settings, char **reason, GError **error);

G_END_DECLS
