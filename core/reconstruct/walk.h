/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A network's values for all samples, asked for from its inputs on while what lies ahead is being changed. */
#pragma once
#include "data/samples.h"
#include "exec/executor.h"

G_BEGIN_DECLS

/**
 * PareWalk:
 *
 * Stands before a node of a graph and holds what all that comes before it computes from the samples, as far as somebody
 * behind still reads it. Nodes behind may be changed, replaced and removed; what comes before may not. When the
 * numbers do not fit into the memory limit, the walk stays where it is and computes from there.
 */
typedef struct _PareWalk PareWalk;

/* Refs @graph; @samples must live as long. There is at least one sample. */
PareWalk *pare_walk_new (PareGraph *graph, PareSamples *samples, guint64 memory_limit);
void pare_walk_free (PareWalk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareWalk, pare_walk_free)

/* How many samples the walk can take along and never compute from further back than where it stands; 0 with an error.
 */
guint64 pare_walk_fitting (PareWalk *walk, GError **error);
/* Leaves all but the first @count samples out; before the first step. */
void pare_walk_limit (PareWalk *walk, guint64 count);
PareGraph *pare_walk_graph (const PareWalk *walk);
/* A copy of the graph as it is now, in which sizes that follow from the shapes of the samples are constant. */
PareGraph *pare_walk_settle (PareWalk *walk, GError **error);
/* Goes on to stand before @node. */
gboolean pare_walk_advance (PareWalk *walk, const PareNode *node, GError **error);
/* Goes on to stand behind @node, which may not change any more, either. */
gboolean pare_walk_pass (PareWalk *walk, const PareNode *node, GError **error);
/* pare_walk_get() returns @n @values from now on. None is from before the node, unless that or somebody behind reads
 * it. */
gboolean pare_walk_ask (PareWalk *walk, guint n, PareValue *const *values, GError **error);
guint pare_walk_batches (const PareWalk *walk);
/* Samples in a batch, repetitions included. */
guint pare_walk_batch_size (const PareWalk *walk);
/* The values for batch @index, of PareTensor. @valid receives how many of its samples are no repetition. */
GPtrArray *pare_walk_get (PareWalk *walk, guint index, guint *valid, GError **error);

G_END_DECLS
