/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/compile.h"

G_BEGIN_DECLS

/* Grids of quantizers in training. Their nodes are internal, of the domain "pare":
 *
 * - FakeQuantize (x, scale, zero_point): the scale is learnt. Learned step size, Esser et al. 2020.
 * - FakeQuantizeOffset (x, scale, offset): scale and offset are learnt, the offset being the number that the lowest
 *   integer stands for; the zero point follows from it, rounded. LSQ+, Bhalgat et al. 2020.
 * - FakeQuantizeRange (x, low, high): the range is learnt, and scale and zero point follow from it.
 *
 * Attributes: "type" (of the integers), "lowest" and "highest" (of the integers), "axis" (with one grid per index of
 * it; absent: one for the tensor), "batched" (axis 0 of x counts samples), "fixed_low" (of FakeQuantizeRange). */

/* x' = scale clip (round (x / scale), lowest - zero_point, highest - zero_point). */
typedef struct
{
  float scale;
  gint32 zero_point;
  gint32 lowest, highest;
} PareGrid;

/* Whatever an optimizer makes of the parameters, the grid is a legal one: a scale is reflected at zero, zero stays
 * inside of a range. A NaN stays one, for others to find. */
PareGrid pare_grid_from_scale (float scale, gint32 zero_point, gint32 lowest, gint32 highest);
PareGrid pare_grid_from_offset (float scale, float offset, gint32 lowest, gint32 highest);
PareGrid pare_grid_from_range (float low, float high, gint32 lowest, gint32 highest);
/* The grids of a node of any kind, from the values of its inputs 1 and 2: @n of them, newly allocated. */
PareGrid *pare_grids_read (const PareNode *node, PareDataType second_type, gconstpointer first, gconstpointer second,
                           gint64 n);

/* What the nodes learn. */
typedef enum
{
  PARE_GRID_SCALE,
  PARE_GRID_OFFSET,
  PARE_GRID_RANGE,
} PareGridKind;

/* The kind of a node of these, or of one that computes its gradients. */
PareGridKind pare_grid_kind (const PareNode *node);
/* Its operator. */
const char *pare_grid_operator (PareGridKind kind);
/* How many of its parameters are learnt: the first, or both. */
guint pare_grid_learnt (PareGridKind kind);

/* Checks a node whose x is input @first, with its parameters behind it, and everything before it as x. */
gboolean pare_grids_infer (const PareInfer *infer, guint first, GError **error);

/* Floats in the layout of @slot, padding included. */
gint64 pare_grids_stored (const PareSlot *slot);

/* PareOperator.backward of every kind. */
gboolean pare_fake_quantize_backward (PareGradient *gradient, const PareNode *node, GError **error);

G_END_DECLS
