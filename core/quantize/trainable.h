/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * PareTrainable:
 * @PARE_TRAINABLE_LSQ: the scale is learnt (Esser et al., Learned Step Size Quantization, 2020), and of activations whose
 *   range goes below zero and is not symmetric the zero point too (Bhalgat et al., LSQ+, 2020)
 * @PARE_TRAINABLE_ULQ: the ends of an activation's range are learnt (universal linear quantization); weights, and
 *   activations that are symmetric, have one number to learn, and that is the scale as above
 *
 * How quantizers learn.
 */
typedef enum
{
  PARE_TRAINABLE_LSQ,
  PARE_TRAINABLE_ULQ,
} PareTrainable;

/* "lsq" or "ulq"; an error names them. */
gboolean pare_trainable_find (const char *name, PareTrainable *trainable, GError **error);

/**
 * pare_graph_open_quantizers:
 * @graph: a simulated graph, edited
 *
 * Turns every pair of QuantizeLinear (, Clip) and DequantizeLinear into one node that can be differentiated:
 * FakeQuantize, FakeQuantizeOffset or FakeQuantizeRange of the domain "pare". What it learns are constants of the graph (scales, or ends of
 * ranges), beside the weights behind other such nodes: pare_is_quantizer_parameter() tells them. Integer weights
 * behind DequantizeLinear become float ones. The graph computes what it did before.
 *
 * Returns: the number of quantizers, or -1 and an error
 */
int pare_graph_open_quantizers (PareGraph *graph, PareTrainable trainable, GError **error);

/**
 * pare_graph_close_quantizers:
 * @graph: a graph with opened quantizers, edited
 *
 * Turns the nodes back into pairs, with the parameters that are there now, and rounds biases to the grid of the integers
 * that they are added to. The graph computes what it did before, but for that rounding.
 */
gboolean pare_graph_close_quantizers (PareGraph *graph, GError **error);

/* TRUE for constants that an opened quantizer learns. */
gboolean pare_is_quantizer_parameter (const PareValue *value);

G_END_DECLS
