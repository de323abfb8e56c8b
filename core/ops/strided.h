/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copying a box of elements between two strided layouts: what Transpose, Slice, Expand, Concat, Pad, .. all are. */
#pragma once
#include "graph/shape.h"

/* Deep enough for operators that split axes (Tile, DepthToSpace). */
#define PARE_BOX_RANK (2 * PARE_MAX_RANK)

/**
 * PareBox:
 * @size: bytes of an element: 1, 2, 4, 8 or 16
 * @source_strides: in elements; 0 repeats, negative walks backwards
 * @target_strides: in elements
 */
typedef struct
{
  guint size;
  guint rank;
  gint64 dims[PARE_BOX_RANK];
  gint64 source_strides[PARE_BOX_RANK];
  gint64 target_strides[PARE_BOX_RANK];
} PareBox;

/* Adds an axis inside those that are there. */
void pare_box_add (PareBox *box, gint64 dim, gint64 source_stride, gint64 target_stride);
/* Gives the axes the target strides of a row-major layout. */
void pare_box_pack_target (PareBox *box);
/* Copies all elements; the memories do not overlap. */
void pare_box_copy (const PareBox *box, gconstpointer source, gpointer target);
