/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pairs of conversions, and how fewer than 8 bits look in them.
 *
 * ONNX has no narrower type that runtimes compute with, so small integers are stored in 8 bits: between the pair stands
 * a Clip of the integers, x -> QuantizeLinear -> Clip -> DequantizeLinear, as PyTorch exports them too. A Clip of the
 * floats in front would not do: its bounds are single numbers, while scales are one per channel; and it would part a
 * layer from its QuantizeLinear, which runtimes only merge when they meet. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * ParePair:
 * @input: what is rounded; for integers that are stored as a constant it is that constant, and @quantize is NULL
 * @clip: NULL when all integers of the type are used
 * @scale: value of the scale, a constant
 * @zero_point: value of the zero point, a constant, or NULL
 * @type: of the integers
 * @axis: of the scales, counted from the front; -1 when there is one
 * @block_size: 0, or so many numbers along @axis share a scale, which then is a tensor of the input's rank
 *
 * A value on its way through integers.
 */
typedef struct
{
  PareNode *quantize, *clip, *dequantize;
  PareValue *input, *output;
  PareValue *scale, *zero_point;
  PareDataType type;
  gint32 lowest, highest;
  int axis;
  gint64 block_size;
} ParePair;

/* The grid of a pair to be made. The values are constants. */
typedef struct
{
  PareValue *scale, *zero_point;
  gint32 lowest, highest;
  int axis;
  gint64 block_size;
} ParePairGrid;

/* The same in numbers: one zero point for all. */
typedef struct
{
  PareTensor *scale;
  PareDataType type;
  gint32 zero_point;
  gint32 lowest, highest;
  int axis;
  gint64 block_size;
} ParePairNumbers;

/* Lowest and highest integer of a type of 4, 8 or 16 bits; FALSE for others. */
gboolean pare_integer_limits (PareDataType type, gint32 *lowest, gint32 *highest);

/* Reads the pair that ends in @node, or the stored integers that it converts; FALSE when it is no DequantizeLinear, or
 * not one of those. */
gboolean pare_pair_read (PareNode *node, ParePair *pair);
/* Its zero point, or constant zeros when it has none: without one, QuantizeLinear would make unsigned integers. */
PareValue *pare_pair_zero_point (PareGraph *graph, const ParePair *pair);
/* input -> pair -> @output, before @before. */
void
pare_pair_insert (PareGraph *graph, PareValue *input, PareNode *before, const ParePairGrid *grid, PareValue *output);
/* input -> pair of @numbers -> the value returned, before @before. */
PareValue *pare_pair_add (PareGraph *graph, PareValue *input, PareNode *before, const ParePairNumbers *numbers);
/* Stored @integers -> DequantizeLinear -> @output, before @before. */
void pare_pair_insert_stored (PareGraph *graph, PareValue *integers, PareNode *before, const ParePairGrid *grid,
                              PareValue *output);
/* Removes @node; returns the node that stood behind it, NULL when it was the last. */
PareNode *pare_graph_take_out (PareGraph *graph, PareNode *node);
/* Integers that are stored become float weights in front of a pair, as they are in the simulated form; int32 biases
 * become float ones, and operators on integers pairs. */
gboolean pare_graph_lift_integers (PareGraph *graph, GError **error);

G_END_DECLS
