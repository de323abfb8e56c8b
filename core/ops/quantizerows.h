/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The loops of QuantizeLinear and DequantizeLinear: rows that share a scale or have one per element, and how a tensor
 * falls into such rows. Private to the operators. */
#pragma once
#include "ops/infer.h"

/**
 * PareQuantizeGrid:
 * @scales: one, or one per element when @each
 * @zero_points: likewise
 * @lowest: integer of the type
 * @highest: integer of the type
 */
typedef struct
{
  const float *scales;
  const gint32 *zero_points;
  gboolean each;
  float lowest, highest;
} PareQuantizeGrid;

typedef void (*PareQuantizeRow) (gint64 n, gconstpointer x, gpointer y, const PareQuantizeGrid *grid);

/* float32 to the integers of @type (packed ones: to one per byte) and back; NULL for a type that has none. */
PareQuantizeRow pare_quantize_row (PareDataType type);
PareQuantizeRow pare_dequantize_row (PareDataType type);
/* Whose limits are those of @type. */
PareQuantizeGrid pare_quantize_grid (PareDataType type, const float *scales, const gint32 *zero_points);

/**
 * PareQuantizeRows:
 * @n: number of rows
 * @channels: rows that follow one another with scales of their own, before those come round again
 * @length: elements of a row
 * @extent: elements along the blocked axis
 * @block: elements of the axis that share a scale; 0: not blocked
 * @blocks: of them along the axis
 * @each: the elements of a row have scales of their own
 */
typedef struct
{
  gint64 n, channels, length;
  gint64 extent, block, blocks;
  gboolean each;
} PareQuantizeRows;

/* How a tensor of @shape, whose @scales lie along @axis, falls into rows. @block is the attribute block_size. */
PareQuantizeRows pare_quantize_rows (const PareShape *shape, const PareShape *scales, guint axis, gint64 block);
/* All of them, on all threads. @x and @y have elements of whole bytes. */
void pare_quantize_run (const PareQuantizeRows *rows, PareQuantizeRow row, const PareQuantizeGrid *grid,
                        gconstpointer x, gsize x_size, gpointer y, gsize y_size);
