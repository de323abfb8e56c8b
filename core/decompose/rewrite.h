/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Puts a cascade in a layer's place. Private to the room. */
#pragma once
#include "decompose/layer.h"

G_BEGIN_DECLS

/* Replaces @layer, whose node is removed, by @n factors named after it with .0, .1, .. behind the name. The last one's
 * result is the layer's, name and all, and it takes over the bias; @bias, where given, instead. */
void pare_decompose_rewrite (PareGraph *graph, const PareDecomposable *layer, guint n, const PareFactor *factors,
                             double *const *weights, const double *bias);

G_END_DECLS
