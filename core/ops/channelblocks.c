/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How channels pass a change of shape: both shapes are cut into the smallest blocks of axes that hold the same elements
 * ([2, 6, 8] and [12, 2, 4] into 2 6 = 12 and 8 = 2 4), and in each block the channels move to one axis. */
#include "sparsify/channels.h"

/* A channel is noted for every element of a block: bounds memory. No weight that could read more would fit either. */
#define MOST_ELEMENTS (1 << 26)

/* Axes [from, to) of one shape and [target, end) of another that hold the same elements. */
typedef struct
{
  guint from, to, target, end;
  gint64 elements;
} Block;

/* The next smallest block; FALSE at the end. Sizes of 1 go with what follows or stand alone. */
static gboolean
next_block (const PareShape *from, const PareShape *to, Block *block)
{
  gint64 target;

  block->from = block->to;
  block->target = block->end;
  if (block->to == from->rank || block->end == to->rank)
    return FALSE;
  block->elements = from->dims[block->to++];
  target = to->dims[block->end++];
  while (block->elements != target)
    if (block->elements < target && block->to < from->rank)
      block->elements *= from->dims[block->to++];
    else if (block->end < to->rank)
      target *= to->dims[block->end++];
    else
      return FALSE;
  return TRUE;
}

/* The channel of every element of a block, when one of its axes carries channels; NULL when none or several do. */
static guint *
flat_channels (PareChannelWalk *channels, const Block *block)
{
  const PareShape *from = &pare_channels_infer (channels)->inputs[0].shape;
  const guint *along = NULL;
  guint n_carried = 0;
  gint64 inner = 1, dim = 1;
  guint *flat;

  for (guint axis = block->from; axis < block->to; axis++)
    if (from->dims[axis] > 1 && pare_channels_along (channels, 0, axis))
      {
        along = pare_channels_along (channels, 0, axis);
        inner = pare_shape_span (from, axis + 1, block->to);
        dim = from->dims[axis];
        n_carried++;
      }
  if (n_carried > 1)
    pare_channels_block (channels, 0, ", which mixes two axes of channels");
  else if (n_carried && block->elements > MOST_ELEMENTS)
    pare_channels_block (channels, 0, ", whose result is too large to follow them");
  if (n_carried != 1 || block->elements > MOST_ELEMENTS)
    return NULL;
  flat = g_new (guint, block->elements);
  for (gint64 i = 0; i < block->elements; i++)
    flat[i] = along[i / inner % dim];
  return flat;
}

/* Lets @axis of the output carry the channels of a block. Elements at the same index of it are tied, or with @test only
 * looked at: FALSE when they are not tied. */
static gboolean
carry_on (PareChannelWalk *channels, const Block *block, const guint *flat, guint axis, gboolean test)
{
  const PareShape *to = &pare_channels_infer (channels)->outputs[0].shape;
  gint64 inner = pare_shape_span (to, axis + 1, block->end), dim = to->dims[axis];
  g_autofree guint *along = g_new (guint, dim);

  for (gint64 i = 0; i < dim; i++)
    along[i] = flat[i * inner];
  for (gint64 i = 0; i < block->elements; i++)
    if (!test)
      pare_channels_tie (channels, along[i / inner % dim], flat[i]);
    else if (!pare_channels_tied (channels, along[i / inner % dim], flat[i]))
      return FALSE;
  if (!test)
    pare_channels_give (channels, 0, axis, along);
  return TRUE;
}

/* An axis that needs no ties (what was flattened is unfolded again), else the longest: groups of channels then lose the
 * same ones, each. */
static guint
carrying_axis (PareChannelWalk *channels, const Block *block, const guint *flat)
{
  const PareShape *to = &pare_channels_infer (channels)->outputs[0].shape;
  guint longest = block->target;

  for (guint axis = block->target; axis < block->end; axis++)
    {
      if (to->dims[axis] > 1 && carry_on (channels, block, flat, axis, TRUE))
        return axis;
      longest = to->dims[axis] > to->dims[longest] ? axis : longest;
    }
  return longest;
}

/* A size that the node's shape gives as a number follows the channels. */
static void
count_size (PareChannelWalk *channels, guint axis)
{
  const PareInfer *infer = pare_channels_infer (channels);
  const PareValue *value = pare_node_output (infer->node, 0);
  gint64 size = infer->outputs[0].shape.dims[axis];
  PareTensor *shape = pare_node_literal (infer->node, 1);
  const guint *along = pare_channels_given (channels, 0, axis);

  if (!value || !shape || !pare_node_is (infer->node, "Reshape") || pare_tensor_get_int (shape, axis) != size)
    return;
  pare_channels_count_input (channels, 1, axis, size, along);
}

void
pare_channels_reshape (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  Block block = { 0 };

  if (pare_shape_elements (&infer->inputs[0].shape) <= 0)
    {
      pare_channels_block (channels, 0, "");
      return;
    }
  while (next_block (&infer->inputs[0].shape, &infer->outputs[0].shape, &block))
    {
      g_autofree guint *flat = flat_channels (channels, &block);
      if (flat)
        {
          guint axis = carrying_axis (channels, &block, flat);
          carry_on (channels, &block, flat, axis, FALSE);
          count_size (channels, axis);
        }
    }
}
