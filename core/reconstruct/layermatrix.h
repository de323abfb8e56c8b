/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A layer's weights as matrices. */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareLayerMatrix:
 * @groups: of channels that have nothing to do with each other
 * @outputs: channels of a group's result
 * @inputs: channels of a group's data
 * @taps: positions of the kernel
 * @columns: inputs * taps
 *
 * The form that all layers share: for each group a matrix [outputs x columns] that multiplies patches of the input.
 * Column i * taps + t belongs to input channel i and position t.
 */
typedef struct
{
  PareWeightTrait trait;
  PareShape shape; /* of the weight as the node has it */
  gint64 groups, outputs, inputs, taps, columns;
} PareLayerMatrix;

/* Of the node's weight. FALSE when it has none that is a constant of float32 in a usual place. */
gboolean pare_layer_matrix_init (PareLayerMatrix *matrix, const PareNode *node);
/* The weight of @node as [groups * outputs][columns]. */
double *pare_layer_matrix_read (const PareLayerMatrix *matrix, const PareNode *node);
/* Those of another float32 tensor of the same shape. */
double *pare_layer_matrix_from_tensor (const PareLayerMatrix *matrix, const PareTensor *tensor);
/* The same numbers as the node wants them. */
PareTensor *pare_layer_matrix_tensor (const PareLayerMatrix *matrix, const double *weights);
/* One number per output of all groups, zeros where the node has no bias. */
double *pare_layer_matrix_read_bias (const PareLayerMatrix *matrix, const PareNode *node);

/* Gives @node, a layer of @graph, these weights, by constants of its own; what a sparsifier said of the weight stays
 * said. @bias may be NULL: it stays as it is. Otherwise the operator must know biases, or the bias be all zero. */
void pare_layer_matrix_write (const PareLayerMatrix *matrix, PareGraph *graph, PareNode *node, const double *weights,
                              const double *bias);

G_END_DECLS
