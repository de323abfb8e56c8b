/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/compile.h"

G_BEGIN_DECLS

/* Grids of quantizers in training. Their nodes are internal, of the domain "pare":
 *
 * - FakeQuantize (x, scale, zero_point): the scale is learnt. Learned step size, Esser et al. 2020.
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
PareGrid pare_grid_from_range (float low, float high, gint32 lowest, gint32 highest);
/* The grids of a node of either kind, from the values of its inputs 1 and 2: @n of them, newly allocated. */
PareGrid *pare_grids_read (const PareNode *node, PareDataType second_type, gconstpointer first, gconstpointer second,
                           gint64 n);

/* Checks a node whose x is input @first, with its parameters behind it, and everything before it as x. */
gboolean pare_grids_infer (const PareInfer *infer, guint first, GError **error);

/* Floats in the layout of @slot, padding included. */
gint64 pare_grids_stored (const PareSlot *slot);

/* PareOperator.backward of both kinds. */
gboolean pare_fake_quantize_backward (PareGradient *gradient, const PareNode *node, GError **error);

G_END_DECLS
