/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gather: slices along an axis by index. GatherElements: single elements along an axis by index. */
#include "ops/infer.h"
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

PARE_OPERATORS (gather) = {
  { .name = "Gather", .infer = gather_infer, .forward = gather_forward, .quantize = PARE_QUANTIZE_PASS },
  { .name = "GatherElements", .since = 11, .infer = elements_infer, .forward = elements_forward },
  { NULL },
};
