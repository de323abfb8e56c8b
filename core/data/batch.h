/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/executor.h"

G_BEGIN_DECLS

/**
 * PareBatcher:
 *
 * Stacks samples into the batches that a graph takes. A sample is one tensor per free input of the graph, in order,
 * then labels. An input [batch,1,28,28] takes samples of [1,28,28], and of the same sizes with fewer or more leading
 * 1s. Every sample is copied once. A graph whose batch size is fixed gets batches of exactly that size: a last batch
 * that the samples do not fill repeats the last one.
 */
typedef struct _PareBatcher PareBatcher;

/* Refs @graph. @batch_size holds where the graph leaves the size of its first axis open. */
PareBatcher *pare_batcher_new (PareGraph *graph, guint batch_size, GError **error);
void pare_batcher_free (PareBatcher *batcher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareBatcher, pare_batcher_free)

/* Adds a sample to the pending batch. Returns 1 when it was added; 0 when the pending batch must be taken first, since
 * it is full or the sample's shapes differ from it; -1 on error. */
int pare_batcher_add (PareBatcher *batcher, PareTensor *const *sample, guint n, GError **error);
/* The pending batch is full. */
gboolean pare_batcher_full (const PareBatcher *batcher);
/* Forgets the pending batch. */
void pare_batcher_clear (PareBatcher *batcher);
/* The pending batch, one tensor per tensor of a sample, or NULL when it is empty. @valid receives how many of its
 * samples are no repetition. Array of PareTensor. */
GPtrArray *pare_batcher_take (PareBatcher *batcher, guint *valid);

/* Runs @executor, which is @graph's, on the inputs in @batch; labels behind them are left aside. Returns the graph's
 * outputs (array of PareTensor), or NULL and an error. */
GPtrArray *pare_batch_run (PareGraph *graph, PareExecutor *executor, PareTensor *const *batch, guint n, GError **error);

G_END_DECLS
