/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"
#include "train/loss.h"

G_BEGIN_DECLS

/**
 * PareLabelled:
 *
 * Turns labelled batches into the inputs of a graph with a loss (pare_graph_add_loss()): those of the network, the
 * target, the weights of the samples.
 */
typedef struct _PareLabelled PareLabelled;

/* Refs @network, which must not change any more. */
PareLabelled *pare_labelled_new (PareGraph *network, const PareLoss *loss);
void pare_labelled_free (PareLabelled *labelled);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareLabelled, pare_labelled_free)

/* A batch of @n tensors: one per input of the network, then the labels. The first @valid samples count; @first is the
 * number of the first one, for messages. Array of PareTensor. */
GPtrArray *pare_labelled_inputs (PareLabelled *labelled, PareTensor *const *batch, guint n, guint valid, guint64 first,
                                 GError **error);
/* How many of the first @valid samples have the highest of @scores in their class; -1 when the target in @inputs is
 * not one class number per sample. */
gint64
pare_labelled_correct (const PareLabelled *labelled, const GPtrArray *inputs, const PareTensor *scores, guint valid);

G_END_DECLS
