/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Split: along an axis into given sizes, or into as many equal parts as there are outputs (the last may be smaller
 * since opset 18). */
#include "ops/infer.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <string.h>

static gboolean
equal_parts (PareInfer *infer, guint axis, gint64 dim, GError **error)
{
  gint64 n = pare_node_get_int (infer->node, "num_outputs", infer->n_outputs), part;

  if (n != infer->n_outputs)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "num_outputs is not the number of outputs, %u.",
                       infer->n_outputs);
      return FALSE;
    }
  part = (dim + n - 1) / n;
  for (guint i = 0; i < n; i++)
    infer->outputs[i].shape.dims[axis] = CLAMP (dim - i * part, 0, part);
  if (infer->opset >= 18 || dim % n == 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "axis %u has the size %" G_GINT64_FORMAT ", which does not divide into %u equal parts.", axis, dim,
                   infer->n_outputs);
  return FALSE;
}

static gboolean
given_parts (PareInfer *infer, guint axis, gint64 dim, const gint64 *sizes, guint n, GError **error)
{
  gint64 left = dim;

  for (guint i = 0; n == infer->n_outputs && left >= 0 && i < n; i++)
    {
      left = sizes[i] < 0 || sizes[i] > left ? -1 : left - sizes[i];
      infer->outputs[i].shape.dims[axis] = sizes[i];
    }
  if (n == infer->n_outputs && left == 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "the %u sizes do not make up axis %u of size %" G_GINT64_FORMAT " for %u outputs.", n, axis, dim,
                   infer->n_outputs);
  return FALSE;
}

static gboolean
split_infer (PareInfer *infer, GError **error)
{
  g_autofree gint64 *sizes = NULL;
  gint64 dim;
  guint axis, n;

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), infer->inputs[0].shape.rank, &axis, error)
      || !pare_infer_ints (infer, 1, "split", &sizes, &n, error))
    return FALSE;
  dim = infer->inputs[0].shape.dims[axis];
  for (guint i = 0; i < infer->n_outputs; i++)
    {
      infer->outputs[i] = infer->inputs[0];
      if (pare_infer_wants (infer, i))
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "output %u is missing.", i);
      return FALSE;
    }
  return sizes ? given_parts (infer, axis, dim, sizes, n, error) : equal_parts (infer, axis, dim, error);
}

static gboolean
split_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gsize size = pare_data_type_bits (x->type) / 8, row;
  const guint8 *source = x->data;
  gint64 outer;
  guint axis = 0;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
  outer = pare_shape_span (&x->shape, 0, axis);
  row = pare_shape_span (&x->shape, axis, x->shape.rank) * size;
  for (guint i = 0; i < kernel->n_outputs; i++)
    {
      const PareView *y = &kernel->outputs[i];
      gsize length = pare_shape_span (&y->shape, axis, x->shape.rank) * size;
      for (gint64 k = 0; length && k < outer; k++)
        memcpy ((guint8 *)y->data + k * length, source + k * row, length);
      source += length;
    }
  return TRUE;
}

static gboolean
split_view (const PareInfer *infer, guint output, const PareStrided *input, PareStrided *strided)
{
  guint axis = 0;

  pare_axis_normalize (pare_node_get_int (infer->node, "axis", 0), input->shape.rank, &axis);
  memcpy (strided->strides, input->strides, sizeof strided->strides);
  strided->offset = input->offset;
  for (guint i = 0; i < output; i++)
    strided->offset += infer->outputs[i].shape.dims[axis] * input->strides[axis];
  return TRUE;
}

static gboolean
split_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  g_autofree PareValue **parts = g_new (PareValue *, node->outputs->len);
  PareAttribute *axis = pare_attribute_new_int ("axis", pare_node_get_int (node, "axis", 0));

  for (guint i = 0; i < node->outputs->len; i++)
    {
      parts[i] = pare_gradient_of_output (gradient, i);
      if (!parts[i])
        parts[i] = pare_gradient_fill (gradient, 0, node->outputs->pdata[i]);
    }
  pare_gradient_add (gradient, 0, pare_gradient_node (gradient, "", "Concat", node->outputs->len, parts, axis, NULL));
  return TRUE;
}

/* Each output gets its part of the channels. Equal parts stay equal when each loses the same. */
static void
split_along (PareChannelWalk *channels, guint axis, const guint *along)
{
  const PareInfer *infer = pare_channels_infer (channels);
  gboolean has_input = infer->n_inputs > 1 && infer->inputs[1].type != PARE_UNDEFINED;
  gboolean has_sizes = has_input || pare_node_attribute (infer->node, "split");

  for (guint i = 0, at = 0; i < infer->n_outputs; i++)
    {
      guint n = infer->outputs[i].shape.dims[axis];
      if (has_input)
        pare_channels_count_input (channels, 1, i, n, along + at);
      else if (has_sizes)
        pare_channels_count_attribute (channels, "split", i, 1, n, along + at);
      for (guint k = 0; !has_sizes && k < n; k++)
        pare_channels_tie (channels, along[k], along[at + k]);
      pare_channels_give (channels, i, axis, along + at);
      at += n;
    }
}

static void
split_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint rank = infer->inputs[0].shape.rank, axis = 0;

  pare_axis_normalize (pare_node_get_int (infer->node, "axis", 0), rank, &axis);
  for (guint i = 0; i < rank; i++)
    {
      const guint *along = pare_channels_along (channels, 0, i);
      if (along && i == axis)
        split_along (channels, axis, along);
      else
        for (guint o = 0; o < infer->n_outputs; o++)
          pare_channels_give (channels, o, i, along);
    }
}

PARE_OPERATORS (split) = {
  { .name = "Split",
    .infer = split_infer,
    .forward = split_forward,
    .view = split_view,
    .backward = split_backward,
    .factors = PARE_FACTORS_MOVE,
    .channels = split_channels,
    .quantize = PARE_QUANTIZE_PASS },
  { NULL },
};
