/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A quantized layer, and the grid that its weights are rounded to. */
#pragma once
#include "quantize/pair.h"
#include "reconstruct/layermatrix.h"

G_BEGIN_DECLS

/**
 * PareWeightGrids:
 * @step: the distance of neighbours
 * @lowest: integer, counted from zero
 * @highest: likewise
 *
 * For each weight of a matrix the numbers that it may become: multiples of its step from lowest to highest.
 */
typedef struct
{
  float *step;
  gint32 *lowest, *highest;
} PareWeightGrids;

/* The integer of weight @index nearest to @weight, as QuantizeLinear rounds; and the weight that integer stands for. */
gint32 pare_weight_grids_round (const PareWeightGrids *grids, gint64 index, double weight);
float pare_weight_grids_value (const PareWeightGrids *grids, gint64 index, gint32 integer);
void pare_weight_grids_clear (PareWeightGrids *grids);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareWeightGrids, pare_weight_grids_clear)

/**
 * PareRoundingLayer:
 * @node: of the simulated graph; its weight comes out of @pair
 * @counterpart: the same layer of the float network: where weight and bias have their usual places
 * @target: the teacher's value that the layer's output should be
 * @matrix: of @counterpart
 * @pair: that rounds the weight; its input is a constant of float32 with no other layer behind it
 * @algorithm: that rounds it
 * @refused: the one that would, but for the memory that it takes; or NULL
 *
 * A layer whose weight can be rounded one way or the other.
 */
typedef struct
{
  PareNode *node, *counterpart;
  PareValue *target;
  PareLayerMatrix matrix;
  ParePair pair;
  const struct _PareRounding *algorithm, *refused;
} PareRoundingLayer;

/* Fills in all but target and algorithm; FALSE when @node is no such layer, and then @reason says why where somebody
 * might wonder. @counterpart may be NULL. */
gboolean
pare_rounding_layer_init (PareRoundingLayer *layer, PareNode *node, PareNode *counterpart, const char **reason);
/* Grids of all weights, [groups * outputs][columns] as the matrix has them. */
void pare_rounding_layer_grids (const PareRoundingLayer *layer, PareWeightGrids *grids);
/* The float weights as they are now, in front of the pair. */
double *pare_rounding_layer_read (const PareRoundingLayer *layer);
/* @weights as the pair rounds them. */
double *pare_rounding_layer_round (const PareRoundingLayer *layer, const double *weights);
/* Rounds @weights to their grids and puts them in front of the pair. */
void pare_rounding_layer_write (PareGraph *graph, const PareRoundingLayer *layer, const double *weights);

G_END_DECLS
