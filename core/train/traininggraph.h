/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "train/parameters.h"
#include "train/trainer.h"

G_BEGIN_DECLS

/**
 * PareTrainingGraph:
 * @graph: inputs: those of the network, the target, the weights of the samples, the parameters; outputs: the loss, the
 *   network's first output, the statistics of the next step, the gradients
 * @parameters: of PareParameter, statistics behind the trained ones
 * @n_trained: how many are not statistics
 *
 * A network, its loss and the gradients of the loss, as one graph.
 */
typedef struct
{
  PareGraph *graph;
  GPtrArray *parameters;
  guint n_trained;
} PareTrainingGraph;

/* @network is a network whose quantizers are opened. */
PareTrainingGraph *pare_training_graph_new (const PareGraph *network, const PareTrainSettings *settings,
                                            const PareLoss *loss, GError **error);
void pare_training_graph_free (PareTrainingGraph *training);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareTrainingGraph, pare_training_graph_free)

/* Appends the loss of the network's first output to @graph: the inputs target and weights, and the scalar returned. */
PareValue *pare_graph_add_loss (PareGraph *graph, const PareLoss *loss, const PareLossSettings *settings);

G_END_DECLS
