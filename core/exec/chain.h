/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/compile.h"
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * PareChains:
 *
 * Which nodes disappear into the node before them (ReLU, clip, bias, residual sum into a convolution or matrix product).
 */
typedef struct _PareChains PareChains;

/* @taps: values that must be seen and so cannot disappear. */
PareChains *pare_chains_new (const PareGraph *graph, const PareInference *inference, GHashTable *taps);
void pare_chains_free (PareChains *chains);
/* The head whose result leaves at @node (the node itself when nothing was chained); NULL when @node disappears into
 * another or is a head that waits for the end of its chain. */
const PareNode *pare_chains_head_at (const PareChains *chains, const PareNode *node);
const PareChain *pare_chains_of (const PareChains *chains, const PareNode *head);

G_END_DECLS
