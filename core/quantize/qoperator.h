/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Operators that have integers in the file. Private to the form qoperator. */
#pragma once
#include "quantize/integerlayer.h"

/**
 * PareQOperator:
 * @microsoft: operators of the domain com.microsoft are wanted, too
 * @reason: what the record shall say of the node at hand: why it stays between its conversions, or how it was written
 *
 * A network on its way into the form.
 */
typedef struct
{
  PareGraph *graph;
  gboolean microsoft;
  const char *reason;
} PareQOperator;

#define PARE_DOMAIN_MICROSOFT "com.microsoft"

/* Writes the network as the form qdq does, and then on integers what has operators for that. */
gboolean pare_graph_to_qoperators (PareGraph *graph, gboolean microsoft, GError **error);

/* Rules: each looks at one node. When it matches it rewrites the graph at and behind the node and returns what the node
 * became; else it returns NULL. */
const char *pare_qoperator_layer (PareQOperator *work, PareNode *node);
const char *pare_qoperator_function (PareQOperator *work, PareNode *node);
const char *pare_qoperator_move (PareQOperator *work, PareNode *node);

/* A layer, and what limits and rounds its result, as one operator. */
const char *
pare_qoperator_rounded (PareQOperator *work, const PareIntegerLayer *layer, const PareGrid *y, PareNode *last);
/* A layer whose result is not rounded: its sums, which become floats. @bias: what is added to these, or NULL. */
const char *pare_qoperator_sums (PareQOperator *work, const PareIntegerLayer *layer, PareTensor *bias);

/* Data, weights, bias as inputs of such operators. Values that the graph has already are shared. */
PareValue *pare_qoperator_weights (PareGraph *graph, const PareIntegerLayer *layer);
PareValue *pare_qoperator_bias (PareGraph *graph, const PareIntegerLayer *layer, const PareShape *shape);
/* @made computes, on @y, what stands from @node to @last, and takes its place. Integers that @y does not use are cut
 * off by a Clip. */
void pare_qoperator_finish (PareNode *made, const PareGrid *y, PareNode *node, PareNode *last);
