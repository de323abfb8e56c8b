/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/accumulators.h"

G_BEGIN_DECLS

/**
 * PareAccumulator:
 * @node: the layer
 * @data_scale: of its data input; one constant number
 * @weight_scale: of its weight; one constant number, or one per channel
 * @channels: of its result
 * @axis: of the channels in its result, counted from the end
 *
 * A layer whose data and weight come out of DequantizeLinear, so that a runtime computes it in integers: its result is
 * accumulator x data scale x weight scale.
 */
typedef struct
{
  PareNode *node;
  PareValue *data_scale, *weight_scale;
  gint64 channels;
  int axis;
} PareAccumulator;

/* Reads @node. FALSE when it is no such layer; then *@reason says why when somebody would expect it to be one, else it
 * is NULL. */
gboolean pare_accumulator_read (PareNode *node, PareAccumulator *accumulator, const char **reason);

G_END_DECLS
