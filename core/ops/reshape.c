/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reshape, Flatten, Squeeze and Unsqueeze: the same bytes under another shape. */
#include "ops/infer.h"
#include "sparsify/channels.h"
#include "train/gradient.h"

static gboolean
cannot_reshape (const PareInfer *infer, const PareShape *shape, GError **error)
{
  g_autofree char *from = pare_shape_to_string (&infer->inputs[0].shape);
  g_autofree char *to = pare_shape_to_string (shape);

  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "%s does not fit into %s.", from, to);
  return FALSE;
}

/* Fills in the one open size so that the elements fit. */
static gboolean
solve (const PareInfer *infer, PareShape *shape, GError **error)
{
  PareShape known = *shape;
  gint64 elements = pare_shape_elements (&infer->inputs[0].shape), rest;
  guint open = shape->rank, n_open = 0;

  for (guint i = 0; i < shape->rank; i++)
    if (shape->dims[i] == -1)
      {
        known.dims[open = i] = 1;
        n_open++;
      }
  rest = pare_shape_elements (&known);
  if (n_open > 1 || rest < 0 || (n_open && (rest == 0 || elements % rest)) || (!n_open && rest != elements))
    return cannot_reshape (infer, shape, error);
  if (n_open)
    shape->dims[open] = elements / rest;
  return TRUE;
}

static gboolean
reshape_infer (PareInfer *infer, GError **error)
{
  const PareShape *from = &infer->inputs[0].shape;
  PareShape *shape = &infer->outputs[0].shape;
  gboolean allow_zero = pare_node_get_int (infer->node, "allowzero", 0);
  g_autofree gint64 *dims = NULL;
  guint n;

  if (!pare_infer_counts (infer, infer->opset < 5 ? 1 : 2, 2, error)
      || !pare_infer_require (infer, 0, pare_types_plain, error)
      || (pare_infer_has (infer, 1) && !pare_infer_require (infer, 1, pare_types_index, error))
      || !pare_infer_ints (infer, 1, "shape", &dims, &n, error) || !pare_infer_rank (infer, n, error))
    return FALSE;
  *shape = pare_shape (n, dims);
  for (guint i = 0; i < n; i++)
    {
      if (shape->dims[i] < -1 || (shape->dims[i] == 0 && !allow_zero && i >= from->rank))
        return cannot_reshape (infer, shape, error);
      if (shape->dims[i] == 0 && !allow_zero)
        shape->dims[i] = from->dims[i];
    }
  infer->outputs[0].type = infer->inputs[0].type;
  return solve (infer, shape, error);
}

/* Overflow of either factor shows up as an impossible shape at once: the whole shape's elements fit. */
static gboolean
flatten_infer (PareInfer *infer, GError **error)
{
  gint64 axis = pare_node_get_int (infer->node, "axis", 1);
  const PareShape *from;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_plain, error))
    return FALSE;
  from = &infer->inputs[0].shape;
  if (axis < -(gint64)from->rank || axis > from->rank)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "axis %" G_GINT64_FORMAT " is out of range for %u dimensions.", axis, from->rank);
      return FALSE;
    }
  axis += axis < 0 ? from->rank : 0;
  infer->outputs[0].type = infer->inputs[0].type;
  infer->outputs[0].shape
      = pare_shape (2, (gint64[]){ pare_shape_span (from, 0, axis), pare_shape_span (from, axis, from->rank) });
  return TRUE;
}

/* Without axes every dimension of 1 goes. */
static gboolean
squeeze_infer (PareInfer *infer, GError **error)
{
  gboolean marks[PARE_MAX_RANK];
  g_autofree gint64 *axes = NULL;
  const PareShape *from;
  PareShape *to = &infer->outputs[0].shape;
  guint n;

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_ints (infer, 1, "axes", &axes, &n, error))
    return FALSE;
  from = &infer->inputs[0].shape;
  if (!pare_infer_axes (infer, axes, n, from->rank, marks, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  to->rank = 0;
  for (guint i = 0; i < from->rank; i++)
    {
      if (axes && marks[i] && from->dims[i] != 1)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                           "axis %u has the size %" G_GINT64_FORMAT " and cannot be squeezed out.", i, from->dims[i]);
          return FALSE;
        }
      if (axes ? !marks[i] : from->dims[i] != 1)
        to->dims[to->rank++] = from->dims[i];
    }
  return TRUE;
}

static gboolean
unsqueeze_infer (PareInfer *infer, GError **error)
{
  gboolean marks[PARE_MAX_RANK];
  g_autofree gint64 *axes = NULL;
  const PareShape *from;
  PareShape *to = &infer->outputs[0].shape;
  guint n, next = 0;

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_ints (infer, 1, "axes", &axes, &n, error))
    return FALSE;
  from = &infer->inputs[0].shape;
  if (!axes)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the axes are missing.");
      return FALSE;
    }
  if (!pare_infer_rank (infer, (gint64)from->rank + n, error)
      || !pare_infer_axes (infer, axes, n, from->rank + n, marks, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  to->rank = from->rank + n;
  for (guint i = 0; i < to->rank; i++)
    to->dims[i] = marks[i] ? 1 : from->dims[next++];
  return TRUE;
}

static gboolean
reshape_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *shape = pare_gradient_call (gradient, "Shape", pare_node_input (node, 0), NULL);

  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, "", "Reshape", 2,
                                         (PareValue *[]){ pare_gradient_of_output (gradient, 0), shape },
                                         pare_attribute_new_int ("allowzero", 1), NULL));
  return TRUE;
}

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

static void
reshape_channels (PareChannelWalk *channels)
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

#define RESHAPE(op, function)                                                                                          \
  .name = op, .infer = function, .forward = pare_forward_copy, .backward = reshape_backward, .alias = TRUE,            \
  .channels = reshape_channels, .quantize = PARE_QUANTIZE_PASS

PARE_OPERATORS (reshape) = {
  { RESHAPE ("Reshape", reshape_infer) },
  { RESHAPE ("Flatten", flatten_infer) },
  { RESHAPE ("Squeeze", squeeze_infer) },
  { RESHAPE ("Unsqueeze", unsqueeze_infer) },
  { NULL },
};
