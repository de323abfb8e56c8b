/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/plan.h"

G_BEGIN_DECLS

/**
 * PareCut:
 *
 * A graph, for fixed input shapes, some of whose shapes are not known before it runs. It is cut in three: the head,
 * which a plan computes; the nodes that have to see their data (NonZero, Loop, whatever takes strings or sequences),
 * which run one by one; and the tail, a graph of its own with its own executor, since now its inputs have shapes.
 */
typedef struct _PareCut PareCut;

/* @depth: cuts that this one is in the tail of. @graph outlives the cut. */
PareCut *
pare_cut_new (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GHashTable *taps, guint depth, GError **error);
void pare_cut_free (PareCut *cut);
gboolean pare_cut_run (PareCut *cut, PareTensor *const *inputs, PareTensor **outputs, GError **error);
gsize pare_cut_memory (const PareCut *cut);

/* executor.c: the executor of a tail. */
PareExecutor *pare_executor_new_tail (PareGraph *graph, guint depth);
/* body.c: the store of subgraphs' executors, for PareRun. */
GHashTable *pare_run_bodies_new (void);

G_END_DECLS
