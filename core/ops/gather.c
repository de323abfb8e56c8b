/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gather: slices along an axis by index. GatherElements: single elements along an axis by index. */
#include "ops/infer.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <string.h>

static gboolean
gather_infer (PareInfer *infer, GError **error)
{
  const PareShape *data, *indices;
  PareShape *to = &infer->outputs[0].shape;
  guint axis;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, pare_types_index, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), infer->inputs[0].shape.rank, &axis, error)
      || !pare_infer_rank (infer, (gint64)infer->inputs[0].shape.rank + infer->inputs[1].shape.rank - 1, error))
    return FALSE;
  data = &infer->inputs[0].shape;
  indices = &infer->inputs[1].shape;
  infer->outputs[0].type = infer->inputs[0].type;
  to->rank = 0;
  for (guint i = 0; i < axis; i++)
    to->dims[to->rank++] = data->dims[i];
  for (guint i = 0; i < indices->rank; i++)
    to->dims[to->rank++] = indices->dims[i];
  for (guint i = axis + 1; i < data->rank; i++)
    to->dims[to->rank++] = data->dims[i];
  return TRUE;
}

/* The indices of input 1, made non-negative; NULL and an error when one is out of range. */
static gint64 *
read_indices (const PareKernel *kernel, gint64 dim, guint *n, GError **error)
{
  g_autofree gint64 *indices = pare_kernel_ints (kernel, 1, NULL, n);

  for (guint i = 0; i < *n; i++)
    {
      if (indices[i] < -dim || indices[i] >= dim)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                           "index %" G_GINT64_FORMAT " is out of range for size %" G_GINT64_FORMAT ".", indices[i],
                           dim);
          return NULL;
        }
      indices[i] += indices[i] < 0 ? dim : 0;
    }
  return g_steal_pointer (&indices);
}

static gboolean
gather_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gsize size = pare_data_type_bits (x->type) / 8;
  guint8 *y = kernel->outputs[0].data;
  g_autofree gint64 *indices = NULL;
  gint64 outer, dim;
  guint axis = 0, n;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
  dim = x->shape.dims[axis];
  outer = pare_shape_span (&x->shape, 0, axis);
  size *= pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  indices = read_indices (kernel, dim, &n, error);
  if (!indices)
    return FALSE;
  for (gint64 k = 0; size && k < outer; k++)
    for (guint i = 0; i < n; i++, y += size)
      memcpy (y, (const guint8 *)x->data + (k * dim + indices[i]) * size, size);
  return TRUE;
}

/* One slice, whose axis goes. */
static gboolean
gather_view (const PareInfer *infer, guint output, const PareStrided *input, PareStrided *strided)
{
  gint64 index;
  guint axis = 0, rank = 0;

  if (!infer->constants[1] || infer->inputs[1].shape.rank)
    return FALSE;
  pare_axis_normalize (pare_node_get_int (infer->node, "axis", 0), input->shape.rank, &axis);
  index = pare_tensor_get_int (infer->constants[1], 0);
  if (index < -input->shape.dims[axis] || index >= input->shape.dims[axis])
    return FALSE;
  index += index < 0 ? input->shape.dims[axis] : 0;
  strided->offset = input->offset + index * input->strides[axis];
  for (guint i = 0; i < input->shape.rank; i++)
    if (i != axis)
      strided->strides[rank++] = input->strides[i];
  return TRUE;
}

static gboolean
elements_infer (PareInfer *infer, GError **error)
{
  const PareShape *data, *indices;
  guint axis;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, pare_types_index, error)
      || !pare_infer_require_rank (infer, 1, infer->inputs[0].shape.rank, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  data = &infer->inputs[0].shape;
  indices = &infer->inputs[1].shape;
  for (guint i = 0; i < data->rank; i++)
    if (i != axis && indices->dims[i] > data->dims[i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the indices reach beyond the data along axis %u.", i);
        return FALSE;
      }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, *indices };
  return TRUE;
}

static gboolean
elements_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  gsize size = pare_data_type_bits (x->type) / 8;
  g_autofree gint64 *indices = NULL;
  gint64 strides[PARE_MAX_RANK];
  guint axis = 0, n;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
  indices = read_indices (kernel, x->shape.dims[axis], &n, error);
  if (!indices)
    return FALSE;
  pare_shape_strides (&x->shape, strides);
  for (guint i = 0; i < n; i++)
    {
      gint64 at = indices[i] * strides[axis], rest = i;
      for (guint d = y->shape.rank; d-- > 0; rest /= y->shape.dims[d])
        at += d == axis ? 0 : rest % y->shape.dims[d] * strides[d];
      memcpy ((guint8 *)y->data + i * size, (const guint8 *)x->data + at * size, size);
    }
  return TRUE;
}

/* GatherGrad (dy, indices, like): adds the slices of @dy to those of zeros in the shape of @like. */
static gboolean
gather_grad_infer (PareInfer *infer, GError **error)
{
  static const guint order[] = { 2, 1 };

  if (!pare_infer_counts (infer, 3, 3, error)
      || !pare_infer_gradient (infer, gather_infer, G_N_ELEMENTS (order), order, 0, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[2];
  return TRUE;
}

static gboolean
gather_grad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dx = &kernel->outputs[0];
  const float *dy = kernel->inputs[0].data;
  g_autofree gint64 *indices = NULL;
  gint64 outer, dim, inner;
  guint axis = 0, n;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), dx->shape.rank, &axis);
  dim = dx->shape.dims[axis];
  outer = pare_shape_span (&dx->shape, 0, axis);
  inner = pare_shape_span (&dx->shape, axis + 1, dx->shape.rank);
  indices = read_indices (kernel, dim, &n, error);
  if (!indices)
    return FALSE;
  memset (dx->data, 0, pare_view_elements (dx) * sizeof (float));
  for (gint64 k = 0; k < outer; k++)
    for (guint i = 0; i < n; i++, dy += inner)
      {
        float *target = (float *)dx->data + (k * dim + indices[i]) * inner;
        for (gint64 e = 0; e < inner; e++)
          target[e] += dy[e];
      }
  return TRUE;
}

static gboolean
gather_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 1), pare_node_input (node, 0) };

  if (pare_gradient_wanted (gradient, 0))
    pare_gradient_add (gradient, 0,
                       pare_gradient_node (gradient, PARE_DOMAIN, "GatherGrad", 3, inputs,
                                           pare_attribute_new_int ("axis", pare_node_get_int (node, "axis", 0)), NULL));
  return TRUE;
}

static gboolean
elements_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { NULL, pare_node_input (node, 1), pare_gradient_of_output (gradient, 0) };

  if (!pare_gradient_wanted (gradient, 0))
    return TRUE;
  inputs[0] = pare_gradient_fill (gradient, 0, pare_node_input (node, 0));
  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, "", "ScatterElements", 3, inputs,
                                         pare_attribute_new_int ("axis", pare_node_get_int (node, "axis", 0)),
                                         pare_attribute_new_string ("reduction", "add"), NULL));
  return TRUE;
}

/* Axes before and behind the one that is picked from pass. */
static void
gather_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint rank = infer->inputs[0].shape.rank, axis = 0;

  pare_axis_normalize (pare_node_get_int (infer->node, "axis", 0), rank, &axis);
  pare_channels_block (channels, 1, "");
  for (guint i = 0; i < rank; i++)
    {
      const guint *along = pare_channels_along (channels, 0, i);
      if (along && i == axis)
        pare_channels_keep (channels, infer->inputs[0].shape.dims[i], along, ", which picks some of them");
      else
        pare_channels_give (channels, 0, i < axis ? i : i + infer->inputs[1].shape.rank - 1, along);
    }
}

PARE_OPERATORS (gather) = {
  { .name = "Gather",
    .infer = gather_infer,
    .forward = gather_forward,
    .view = gather_view,
    .backward = gather_backward,
    .channels = gather_channels,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "GatherElements",
    .since = 11,
    .infer = elements_infer,
    .forward = elements_forward,
    .backward = elements_backward },
  { .name = "GatherGrad",
    .domain = PARE_DOMAIN,
    .infer = gather_grad_infer,
    .forward = gather_grad_forward,
    .shape_inputs = 1 << 2 },
  { NULL },
};
