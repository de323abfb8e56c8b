/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareRun:
 * @inputs: NULL where omitted; sequences and optionals among them (graph/tensor.h)
 * @outputs: to be filled in with new tensors
 * @captures: what @node's subgraphs read from outside, in the order of node->captures
 * @bodies: executors of those subgraphs, kept from run to run
 *
 * One execution of a node outside of a plan.
 */
struct _PareRun
{
  const PareNode *node;
  gint64 opset;
  guint n_inputs;
  PareTensor *const *inputs;
  guint n_outputs;
  PareTensor **outputs;
  PareTensor *const *captures;
  GHashTable *bodies;
};

/* Input @index; NULL when omitted or beyond the end. */
PareTensor *pare_run_input (const PareRun *run, guint index);
/* FALSE and an error unless the node has between @low and @high inputs, of which the first @low are there, and an
 * output. */
gboolean pare_run_counts (const PareRun *run, guint low, guint high, GError **error);
/* FALSE and an error unless input @index is of @type. */
gboolean pare_run_require (const PareRun *run, guint index, PareDataType type, GError **error);
/* Input @index, which is one number or truth value. */
gboolean pare_run_scalar (const PareRun *run, guint index, PareTensor **scalar, GError **error);
/* The subgraph that is the node's attribute @name, or NULL and an error. */
PareGraph *pare_run_body (const PareRun *run, const char *name, GError **error);
/* Runs it on one tensor for each of its inputs; @outputs receives one new tensor for each of its outputs. */
gboolean pare_run_body_once (const PareRun *run, const char *name, PareTensor *const *inputs, PareTensor **outputs,
                             GError **error);

G_END_DECLS
