/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/datatype.h"

G_BEGIN_DECLS

/* Deeper tensors than this are refused on load; oneDNN itself ends at 12. */
#define PARE_MAX_RANK 12

/**
 * PareShape:
 * @rank: number of dimensions
 * @dims: sizes, outermost first as in ONNX; -1 where a graph leaves a size open
 *
 * A shape, passed by value.
 */
typedef struct
{
  guint rank;
  gint64 dims[PARE_MAX_RANK];
} PareShape;

/* Element type and shape: what shape inference computes of a value. */
typedef struct
{
  PareDataType type;
  PareShape shape;
} PareSpec;

PareShape pare_shape (guint rank, const gint64 *dims);
/* pare_shape_of (2, 3, 4) is a 3 x 4 shape; the sizes are ints. */
PareShape pare_shape_of (guint rank, ...);
gboolean pare_shape_equal (const PareShape *a, const PareShape *b);
gboolean pare_shape_is_fixed (const PareShape *shape);

/* Number of elements; -1 when a size is open or negative, or the product does not fit 63 bits. */
gint64 pare_shape_elements (const PareShape *shape);

/* Product of dims[from, to). The shape is fixed. */
gint64 pare_shape_span (const PareShape *shape, guint from, guint to);

/* Element strides of the row-major layout. */
void pare_shape_strides (const PareShape *shape, gint64 strides[PARE_MAX_RANK]);

/* NumPy broadcasting of two fixed shapes. FALSE when they do not fit. */
gboolean pare_shape_broadcast (const PareShape *a, const PareShape *b, PareShape *result);

/* Turns a possibly negative axis into [0, rank); FALSE when out of range. */
gboolean pare_axis_normalize (gint64 axis, guint rank, guint *normalized);

/* "[1,3,224,224]", with "?" for open sizes. */
char *pare_shape_to_string (const PareShape *shape);

G_END_DECLS
