/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Elementwise operators of several inputs, NumPy-style: everything but the loop over one row. Private to the operators.
 */
#pragma once
#include "ops/infer.h"

#define PARE_BROADCAST_INPUTS 3

/* One row: input k advances by steps[k] elements, 0 or 1, per element of the output. The output may be an input. */
typedef void (*PareRow) (gint64 n, const gconstpointer *inputs, const gint64 *steps, gpointer output);

/* The output's shape in infer: that of all inputs from @first on, broadcast. */
gboolean pare_infer_broadcast (const PareInfer *infer, guint first, PareShape *shape, GError **error);
/* Runs @row over the broadcast of @n inputs into @output. */
void pare_broadcast (guint n, const PareView *inputs, const PareView *output, PareRow row);
