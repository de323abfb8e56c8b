/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where a network has integers. Private to the room. */
#pragma once
#include "integer/integer.h"
#include "ops/operator.h"

/**
 * PareGrid:
 * @integers: 8-bit integers
 * @lowest: the least of them that is used
 *
 * Integers that stand for scale (integers - zero_point).
 */
typedef struct
{
  PareValue *integers;
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
/* Whether integers mean the same on both. */
gboolean pare_grid_equal (const PareGrid *a, const PareGrid *b);
/* Removes what stands from @node to @last, one after the other. */
void pare_grid_remove (PareGraph *graph, PareNode *node, PareNode *last);

/* The attributes of an internal operator whose result lies on @y. */
void pare_grid_describe (PareNode *node, const PareGrid *y);
/* Internal operator @op_type instead of what stands from @node to @last, whose
 * result on @y it makes. Inputs are to be added. */
PareNode *pare_grid_replace (PareGraph *graph, const char *op_type, PareNode *node, PareNode *last, const PareGrid *y);
/* A constant list of floats. */
PareValue *pare_grid_add_floats (PareGraph *graph, const char *stem, guint n, const float *numbers);
/* DequantizeLinear of @integers, which lie on @grid, before @before. Its output is to be added. */
PareNode *pare_grid_dequantize (PareGraph *graph, const PareGrid *grid, PareValue *integers, PareNode *before);
