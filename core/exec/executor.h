/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"
#include "ops/compute.h"

G_BEGIN_DECLS

/**
 * PareExecutor:
 *
 * Runs a graph. For each combination of input shapes it compiles a plan (kept for the next time): steps over one
 * reused memory arena. All computing happens on one thread that the process shares, with OpenMP below it.
 */
typedef struct _PareExecutor PareExecutor;

/* Sees a value the moment it is produced: @n elements of float32, every one once, in no particular order. */
typedef void (*PareTap) (const PareValue *value, const float *data, gsize n, gpointer user_data);

/* Refs @graph, which must not change any more. */
PareExecutor *pare_executor_new (PareGraph *graph);
void pare_executor_free (PareExecutor *executor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareExecutor, pare_executor_free)

/* Calls @tap for @value on every run from now on. Before the first run. */
void pare_executor_add_tap (PareExecutor *executor, const PareValue *value, PareTap tap, gpointer user_data);

/* Runs the graph once. @inputs: one tensor per free input; @outputs: room for one new tensor per graph output. */
gboolean pare_executor_run (PareExecutor *executor, PareTensor *const *inputs, guint n_inputs, PareTensor **outputs,
                            GError **error);

/* Bytes of the arena and of reordered constants of the plans so far. */
gsize pare_executor_memory (const PareExecutor *executor);

G_END_DECLS
