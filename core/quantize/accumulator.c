/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which layers have integer accumulators, and in what unit. */
#include "quantize/accumulator.h"
#include "ops/operator.h"
#include "quantize/pair.h"

/* The scale that @value was rounded to: of a pair, or of the quantizer that stands for it in training. */
static PareValue *
scale_of (const PareValue *value, int *axis)
{
  ParePair pair;

  if (!value || !value->producer || !pare_pair_read (value->producer, &pair))
    return NULL;
  *axis = pair.axis;
  return pair.scale;
}

/* Matrix products have their channels last, convolutions behind the batch. */
static int
channel_axis (const PareWeightTrait *trait, guint weight_rank)
{
  gboolean product = MIN (trait->in_axis, trait->out_axis) + 2 == weight_rank;

  return product ? -1 : 1 - (int)weight_rank;
}

gboolean
pare_accumulator_read (PareNode *node, PareAccumulator *accumulator, const char **reason)
{
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait;
  const PareTensor *weight;
  ParePair pair;
  int data_axis = -1, weight_axis = -1;
  gboolean usual;

  *reason = NULL;
  if (!op || !op->weight)
    return FALSE;
  usual = op->weight (node, &trait);
  *accumulator = (PareAccumulator){ .node = node, .data_scale = scale_of (pare_node_input (node, 0), &data_axis) };
  accumulator->weight_scale = scale_of (pare_node_input (node, trait.input), &weight_axis);
  if (!accumulator->data_scale || !accumulator->weight_scale)
    {
      *reason = "it is not quantized";
      return FALSE;
    }
  pare_pair_read (pare_node_input (node, trait.input)->producer, &pair);
  weight = pair.input->constant;
  if (!weight)
    *reason = "its weight is not a constant";
  else if (data_axis >= 0)
    *reason = "its data has several scales";
  else if (pair.block_size)
    *reason = "its weight has a scale per block";
  else if (weight_axis >= 0 && weight_axis != (int)trait.out_axis)
    *reason = "the scales of its weight are not those of its channels";
  /* A product without a bias says so of any weight that is not a constant, and this one comes out of a pair. */
  else if ((!usual && trait.has_bias) || trait.out_axis >= weight->shape.rank
           || (trait.groups > 1 && trait.out_axis != 0))
    *reason = "its weight is laid out in an unusual way";
  if (*reason)
    return FALSE;
  accumulator->channels = weight->shape.dims[trait.out_axis];
  accumulator->axis = channel_axis (&trait, weight->shape.rank);
  return TRUE;
}
