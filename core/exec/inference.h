/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareInference:
 *
 * Types and shapes of every value of a graph for given input shapes, and the value of everything that is constant
 * then (shape subgraphs included).
 */
typedef struct _PareInference PareInference;

/* Infers the whole graph. @inputs holds the fixed spec of each non-constant graph input, in order.
 * PARE_ERROR_DATA_DEPENDENT: some shape is not known before the network runs. */
PareInference *pare_inference_new (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GError **error);
/* Infers as far as shapes are known before the network runs. */
PareInference *pare_inference_new_partial (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GError **error);
/* Whether @node is beyond that: it, or what it reads, has to run before its shapes are known. */
gboolean pare_inference_waits (const PareInference *inference, const PareNode *node);
/* Whether values of @type can be part of a plan: not strings, sequences and optionals. */
gboolean pare_type_is_planned (PareDataType type);
void pare_inference_free (PareInference *inference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareInference, pare_inference_free)

const PareSpec *pare_inference_spec (const PareInference *inference, const PareValue *value);
/* The value's tensor when it does not depend on the input data; not owned. */
PareTensor *pare_inference_constant (const PareInference *inference, const PareValue *value);
/* All that is known of @node. Free with g_free(); the arrays are part of it. */
PareInfer *pare_inference_describe (const PareInference *inference, const PareNode *node);
/* Multiply-accumulates of @node. */
guint64 pare_inference_macs (const PareInference *inference, const PareNode *node);

/* Graph inputs that callers feed, in order: those that are not constants. Of PareValue; free the container. */
GPtrArray *pare_graph_free_inputs (const PareGraph *graph);
/* What open sizes other than the batch stand for where nobody says: that of most networks for images. */
#define PARE_USUAL_SIZE 224
/* Specs of those inputs as the file gives them, with @batch for an open first size and @size for any other open one.
 * FALSE when an input is no tensor of known rank. */
gboolean pare_graph_default_specs (const PareGraph *graph, gint64 batch, gint64 size, GArray **specs, GError **error);

G_END_DECLS
