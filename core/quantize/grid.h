/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where a network has 8-bit integers. */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareGrid:
 * @integers: 8-bit integers
 * @parameters: the DequantizeLinear or QuantizeLinear that says so
 * @lowest: the least of them that is used
 *
 * Integers that stand for scale (integers - zero_point).
 */
typedef struct
{
  PareValue *integers;
  PareNode *parameters;
  PareDataType type;
  float scale;
  gint32 zero_point;
  gint32 lowest, highest;
} PareGrid;

/* The grid that @value was dequantized from; FALSE when it was not, or has a scale per channel. */
gboolean pare_grid_before (const PareValue *value, PareGrid *grid);
/* The grid of QuantizeLinear, and of the Clip behind it that leaves fewer than 8 bits. */
gboolean pare_grid_of_quantizer (PareNode *node, PareGrid *grid, PareNode **last);
/* The grid that output 0 of @node is rounded to, as soon as it has gone through activations that limit it alone. @last
 * is the node that makes the integers. */
gboolean pare_grid_behind (PareNode *node, PareGrid *grid, PareNode **last);
/* The zero point that its integers have as int8. */
gint32 pare_grid_signed_zero_point (const PareGrid *grid);
/* Whether integers mean the same on both. */
gboolean pare_grid_equal (const PareGrid *a, const PareGrid *b);
/* Removes what stands from @node to @last, one after the other. */
void pare_grid_remove (PareGraph *graph, PareNode *node, PareNode *last);

/* A constant of the 8-bit type @type. */
PareValue *pare_grid_add_number (PareGraph *graph, const char *stem, PareDataType type, gint32 number);
/* Scale and zero point as the next two inputs of @node. */
void pare_grid_add_parameters (PareNode *node, const PareGrid *grid);
/* DequantizeLinear of @integers, which lie on @grid, before @before. Its output is to be added. */
PareNode *pare_grid_dequantize (PareGraph *graph, const PareGrid *grid, PareValue *integers, PareNode *before);
/* Whether @node only moves or picks numbers of its first input. */
gboolean pare_grid_is_moved (const PareNode *node);
/* DequantizeLinear -> @node, which only moves or picks numbers: it does so with the integers, and DequantizeLinear
 * comes behind it. FALSE when that is not what stands there. */
gboolean pare_grid_move (PareGraph *graph, PareNode *node);
/* DequantizeLinear -> @node, a QuantizeLinear to the same grid: both go. FALSE when that is not what stands there. */
gboolean pare_grid_join (PareGraph *graph, PareNode *node);

G_END_DECLS
