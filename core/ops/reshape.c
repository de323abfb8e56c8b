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
      || !pare_infer_require (infer, 0, pare_types_stored, error)
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

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_stored, error))
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

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_stored, error)
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

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_stored, error)
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

#define RESHAPE(op, function)                                                                                          \
  .name = op, .infer = function, .forward = pare_forward_copy, .backward = reshape_backward, .alias = TRUE,            \
  .factors = PARE_FACTORS_MOVE, .channels = pare_channels_reshape, .quantize = PARE_QUANTIZE_PASS

static gboolean
flatten_by_sample (const PareInfer *infer)
{
  return infer->outputs[0].shape.dims[0] == infer->inputs[0].shape.dims[0];
}

/* The shape may not name the number of samples. */
static gboolean
reshape_by_sample (const PareInfer *infer)
{
  PareTensor *shape = infer->n_inputs > 1 ? infer->constants[1] : NULL;

  return shape && pare_tensor_elements (shape) && *(const gint64 *)pare_tensor_data (shape) <= 0
         && infer->outputs[0].shape.rank && flatten_by_sample (infer);
}

PARE_OPERATORS (reshape) = {
  { RESHAPE ("Reshape", reshape_infer), .by_sample = reshape_by_sample },
  { RESHAPE ("Flatten", flatten_infer), .by_sample = flatten_by_sample },
  { RESHAPE ("Squeeze", squeeze_infer) },
  { RESHAPE ("Unsqueeze", unsqueeze_infer) },
  { NULL },
};
