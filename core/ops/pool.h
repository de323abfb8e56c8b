/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What poolings and their gradients share. Private to the operators. */
#pragma once
#include "ops/window.h"

extern const PareOperator pare_operators_pool[];

gboolean pare_pool_is_max (const PareNode *node);
ParePool pare_pool_kind (const PareNode *node);
/* The window of @node (or of its gradient) over an input of shape @x; all of it when global. */
gboolean pare_pool_window (const PareNode *node, const PareShape *x, PareWindow *window, GError **error);
/* Whether oneDNN computes this one: no dilations, no ceil_mode, no windows that are mostly padding. */
gboolean pare_pool_fits_onednn (const PareNode *node, const PareSpec *x, const PareWindow *window);

/* The offsets in a plane of shape @x_dims that output element @output of a plane of shape @y_dims looks at; returns how
 * many. *@counted: what an average divides by. @offsets has room for the plane. */
gint64 pare_pool_walk (const PareWindow *window, const gint64 *x_dims, const gint64 *y_dims, gint64 output,
                       gboolean with_padding, gint64 *offsets, gint64 *counted);
/* The offset of the largest element, the first of equals; -1 when @n is 0. */
gint64 pare_pool_best (const double *x, const gint64 *offsets, gint64 n);
