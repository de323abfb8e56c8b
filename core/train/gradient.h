/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/* The operator set of what differentiation needs and ONNX has not: ConvGradWeight, ReduceToShape, .. */
#define PARE_DOMAIN "pare"

/**
 * pare_graph_add_gradients:
 * @graph: a graph of its own (a copy), at opset 17
 * @loss: a scalar value
 * @parameters: values to differentiate by: inputs of the graph or anything computed
 * @gradients: (out): for each parameter a value of its shape; a zero constant where the loss does not depend on it
 *
 * Reverse-mode differentiation as a graph transformation: nodes that compute the gradients are appended to @graph, each by
 * the operator's own backward function. The extended graph is then compiled and run like any other, so gradients
 * get layouts, memory reuse and threads from the executor, and activations live exactly as long as their last
 * reader. (Griewank and Walther, Evaluating Derivatives, 2008, chapter 3; on graphs as in Theano.)
 *
 * Returns: FALSE when an operator on the way has no backward; the error names node and operator
 */
gboolean pare_graph_add_gradients (PareGraph *graph, PareValue *loss, guint n, PareValue *const *parameters,
                                   PareValue **gradients, GError **error);

/* For the backward functions of operators (PareOperator.backward). Nodes that they add stand at the end of the graph. */

/* Input or output @index of the node at hand, NULL when omitted. */
PareValue *pare_gradient_input (PareGradient *gradient, guint index);
PareValue *pare_gradient_output (PareGradient *gradient, guint index);
/* The gradient of the loss by output @index of the node at hand; NULL when the loss does not depend on it. */
PareValue *pare_gradient_of_output (PareGradient *gradient, guint index);
/* Whether the gradient by input @index is asked for: no need to compute the others. */
gboolean pare_gradient_wanted (PareGradient *gradient, guint index);
/* Contributes to the gradient by input @index. Contributions are summed. */
void pare_gradient_add (PareGradient *gradient, guint index, PareValue *value);
/* The same for a @value that still has the shape of the broadcast result: sums it down to the input's shape. */
void pare_gradient_add_reduced (PareGradient *gradient, guint index, PareValue *value);
/* A new node with one output. Inputs may be NULL (omitted). Attributes (taken) follow, ended by NULL. */
PareValue *pare_gradient_node (PareGradient *gradient, const char *domain, const char *op_type, guint n_inputs,
                               PareValue *const *inputs, ...) G_GNUC_NULL_TERMINATED;
/* The standard operators of one and two inputs without attributes: pare_gradient_call (g, "Mul", a, b). @b may be NULL. */
PareValue *pare_gradient_call (PareGradient *gradient, const char *op_type, PareValue *a, PareValue *b);
/* Another output of the node that computes @first. */
PareValue *pare_gradient_add_output (PareGradient *gradient, PareValue *first);
/* Output @index of the node at hand: added to it when the node omits it. For what the forward pass computes anyway. */
PareValue *pare_gradient_saved_output (PareGradient *gradient, guint index);
/* A float32 scalar constant; an int64 vector constant. */
PareValue *pare_gradient_scalar (PareGradient *gradient, float value);
PareValue *pare_gradient_int64s (PareGradient *gradient, guint n, const gint64 *values);
/* A tensor of the shape of @like, all @value; known before anything runs. */
PareValue *pare_gradient_fill (PareGradient *gradient, float value, PareValue *like);

G_END_DECLS
