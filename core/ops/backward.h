/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the backward functions of the heavy operators share. Private to the operators. */
#pragma once
#include "exec/compile.h"
#include "train/gradient.h"

/* A new node of Pare's own domain with @n_outputs outputs and the attributes of @like. */
PareNode *pare_backward_node (PareGradient *gradient, const char *op_type, const PareNode *like, guint n_inputs,
                              PareValue *const *inputs, guint n_outputs);
/* Output @index in @layout, or memory that nobody reads when the node omits it. */
PareSlot *pare_backward_output (PareCompile *compile, guint index, const PareSpec *spec, const PareLayout *layout,
                                GError **error);
/* FALSE and an error unless inputs 0 to @n - 1 are float32. */
gboolean pare_backward_require (const PareInfer *infer, guint n, GError **error);
/* FALSE and an error unless @forward, an operator's infer function, gives a result of the shape of @dy for @inputs under
 * the node's attributes: gradients trust the shapes of their forward operator. */
gboolean pare_backward_fits (const PareInfer *infer, gboolean (*forward) (PareInfer *infer, GError **error), guint n,
                             const PareSpec *inputs, const PareSpec *dy, GError **error);
