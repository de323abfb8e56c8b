/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers with integer weights. Private to the room. */
#pragma once
#include "integer/operator.h"
#include "quantize/integerlayer.h"

/* Replaces the layer, and what limits and rounds its result, by one node. @y NULL: the result is float32, or with
 * @as_sums int32, in the place of the node's output. FALSE when that cannot be. */
gboolean pare_integer_layer_replace (PareGraph *graph, PareIntegerLayer *layer, const PareGrid *y, PareNode *last,
                                     gboolean as_sums);
