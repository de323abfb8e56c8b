/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/onednn.h"

G_BEGIN_DECLS

/* Reads kernel_shape, strides, dilations, pads and auto_pad of @node for an input of shape @input. @kernel: the kernel's
 * sizes from the weight, or NULL to demand kernel_shape. */
gboolean pare_window_read (const PareNode *node, const PareShape *input, const gint64 *kernel, PareWindow *window,
                           GError **error);
/* Output size along spatial axis @axis; @ceil as in pooling's ceil_mode. 0 when the window does not fit. */
gint64 pare_window_output (const PareWindow *window, guint axis, gint64 input, gboolean ceil);

G_END_DECLS
