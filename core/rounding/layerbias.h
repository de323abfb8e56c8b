/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where a layer's bias is, and changes of it. */
#pragma once
#include "rounding/layer.h"

G_BEGIN_DECLS

/**
 * PareLayerBias:
 * @node: the layer, or the Add of a constant that alone reads its result
 * @input: of @node
 * @own: it is the layer's own
 *
 * What can be changed so that a constant is added to each channel of a layer's result.
 */
typedef struct
{
  PareNode *node;
  guint input;
  gboolean own;
} PareLayerBias;

/* FALSE when there is no such place. */
gboolean pare_layer_bias_find (const PareRoundingLayer *layer, PareLayerBias *bias);
/* Adds @change[] to the bias, which is then rounded to its grid. */
void
pare_layer_bias_add (PareGraph *graph, const PareRoundingLayer *layer, const PareLayerBias *bias, const double *change);

G_END_DECLS
