/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A layer that may be decomposed. Private to the room. */
#pragma once
#include "decompose/factorization.h"
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * PareDecomposable:
 * @node: the layer
 * @matrix: its weights' form
 * @shape: of one group
 * @x: shape of its data, for one sample
 * @y: shape of its result
 * @macs: multiply-accumulates for that
 */
typedef struct
{
  PareNode *node;
  PareLayerMatrix matrix;
  PareKernelShape shape;
  PareShape x, y;
  guint64 macs;
} PareDecomposable;

/**
 * pare_decomposable_new:
 * @inference: of its graph
 * @reason: receives why it cannot be decomposed, newly allocated; NULL for a node that is no layer with weights
 *
 * Returns: (nullable): the layer, when it can be decomposed
 */
PareDecomposable *pare_decomposable_new (PareNode *node, const PareInference *inference, char **reason);
void pare_decomposable_free (PareDecomposable *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareDecomposable, pare_decomposable_free)

/* The weights' form of a factor. */
PareLayerMatrix pare_decomposable_factor (const PareDecomposable *layer, const PareFactor *factor);
/* Multiply-accumulates of the cascade. */
guint64 pare_decomposable_macs (const PareDecomposable *layer, guint n, const PareFactor *factors);

G_END_DECLS
