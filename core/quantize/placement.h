/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/quantize.h"

G_BEGIN_DECLS

/**
 * ParePlacement:
 *
 * Which nodes run on integers, and which values become integers for that.
 *
 * A weighted node (Conv, Gemm, MatMul) with a constant weight is quantized. A node that joins or passes data (Add,
 * MaxPool, Reshape) is quantized when all it reads comes from quantized nodes and its result reaches one: then the
 * whole island stays in integers, and no pair of conversions is spent where a runtime would go back to float anyway.
 *
 * Of weights alone (weights_only), the weighted nodes are quantized and no value becomes integers.
 *
 * What will not be there when the network runs counts as part of its neighbour: an activation, of the quantizer behind
 * it; a BatchNormalization that training keeps, of the layer before it, into which it is folded afterwards.
 */
typedef struct _ParePlacement ParePlacement;

/* Finds the placement. @with_ranges: ranges are there, and layers whose numbers do not fit are left in float. @refused
 * (may be NULL): PareNode -> reason, of nodes that were found to be better off in float. */
ParePlacement *
pare_placement_new (PareGraph *graph, const PareQuantizeSettings *settings, gboolean with_ranges, GHashTable *refused);
void pare_placement_free (ParePlacement *placement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParePlacement, pare_placement_free)

gboolean pare_placement_quantized (const ParePlacement *placement, const PareNode *node);
/* Why @node is not; NULL when it is, or when nobody would expect it to be. */
const char *pare_placement_reason (const ParePlacement *placement, const PareNode *node);
/* TRUE when @node is quantized already: its weight, or all it reads, comes out of DequantizeLinear. */
gboolean pare_placement_is_kept (const PareNode *node);
/* The value behind the normalization that folds into the layer of @value, and the activations that merge into its
 * quantizer: Relu's output for a convolution's. */
PareValue *pare_placement_behind_clamps (const ParePlacement *placement, PareValue *value);
/* TRUE when a BatchNormalization behind the quantized layer @node will be folded into it. A factor below zero then
 * changes the sign of its integers. */
gboolean pare_placement_is_normalized (const ParePlacement *placement, const PareNode *node);
/* Values that become integers, in graph order. Of PareValue. */
const GPtrArray *pare_placement_values (const ParePlacement *placement);
/* TRUE when every reader of @value takes the quantized one; else quantized nodes alone do. */
gboolean pare_placement_for_all (const ParePlacement *placement, const PareValue *value);
/* The value whose parameters @value takes over (it was merely moved), or @value itself. */
PareValue *pare_placement_origin (const ParePlacement *placement, PareValue *value);

G_END_DECLS
