/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GatherND and ScatterND: slices of the data that the last axis of the indices names; ScatterElements: single elements.
 */
#include "ops/infer.h"
#include "ops/rows.h"
#include "train/gradient.h"
#include <string.h>

/* Indices [batch, count, depth] into data [batch, dims..]: each names a slice of @slice elements. */
typedef struct
{
  gint64 batch, count, slice;
  guint depth, batch_dims;
} Index;

/* FALSE when the indices' shape does not fit the data's. */
static gboolean
index_of (const PareShape *data, const PareShape *indices, gint64 batch_dims, Index *index)
{
  gint64 depth = indices->rank ? indices->dims[indices->rank - 1] : -1;

  if (batch_dims < 0 || batch_dims >= indices->rank || depth < 0 || batch_dims + depth > data->rank)
    return FALSE;
  for (guint i = 0; i < batch_dims; i++)
    if (data->dims[i] != indices->dims[i])
      return FALSE;
  *index = (Index){ pare_shape_span (data, 0, batch_dims), pare_shape_span (indices, batch_dims, indices->rank - 1),
                    pare_shape_span (data, batch_dims + depth, data->rank), depth, batch_dims };
  return TRUE;
}

static gboolean
does_not_fit (const PareInfer *infer, GError **error)
{
  g_autofree char *data = pare_shape_to_string (&infer->inputs[0].shape);
  g_autofree char *indices = pare_shape_to_string (&infer->inputs[1].shape);

  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "indices of shape %s do not fit data of shape %s.", indices,
                   data);
  return FALSE;
}

static gboolean
gather_infer (PareInfer *infer, GError **error)
{
  const PareShape *data, *indices;
  PareShape *to = &infer->outputs[0].shape;
  Index index;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, pare_types_index, error))
    return FALSE;
  data = &infer->inputs[0].shape;
  indices = &infer->inputs[1].shape;
  if (!index_of (data, indices, pare_node_get_int (infer->node, "batch_dims", 0), &index))
    return does_not_fit (infer, error);
  if (!pare_infer_rank (infer, (gint64)indices->rank - 1 + data->rank - index.batch_dims - index.depth, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  *to = pare_shape (indices->rank - 1, indices->dims);
  for (guint i = index.batch_dims + index.depth; i < data->rank; i++)
    to->dims[to->rank++] = data->dims[i];
  return TRUE;
}

/* The element at which the slice of index @row begins; -1 and an error when out of range. */
static gint64
offset_of (const PareKernel *kernel, const Index *index, const gint64 *indices, gint64 row, GError **error)
{
  const PareShape *data = &kernel->inputs[0].shape;
  gint64 offset = row / index->count;

  for (guint i = 0; i < index->depth; i++)
    {
      gint64 dim = data->dims[index->batch_dims + i], at = indices[row * index->depth + i];
      if (at < -dim || at >= dim)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                           "index %" G_GINT64_FORMAT " is out of range for size %" G_GINT64_FORMAT ".", at, dim);
          return -1;
        }
      offset = offset * dim + (at < 0 ? at + dim : at);
    }
  return offset * index->slice;
}

static gboolean
gather_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gsize size = pare_data_type_bits (x->type) / 8;
  guint8 *y = kernel->outputs[0].data;
  g_autofree gint64 *indices = NULL;
  Index index;
  guint n;

  index_of (&x->shape, &kernel->inputs[1].shape, pare_node_get_int (kernel->node, "batch_dims", 0), &index);
  indices = pare_kernel_ints (kernel, 1, NULL, &n);
  for (gint64 row = 0; row < index.batch * index.count; row++, y += index.slice * size)
    {
      gint64 offset = offset_of (kernel, &index, indices, row, error);
      if (offset < 0)
        return FALSE;
      memcpy (y, (const guint8 *)x->data + offset * size, index.slice * size);
    }
  return TRUE;
}

PARE_FLOAT_ROWS (add, x + z)
PARE_INTEGER_ROWS (add, (guint64)x + (guint64)z, (guint64)x + (guint64)z)
PARE_FLOAT_ROWS (mul, x *z)
PARE_INTEGER_ROWS (mul, (guint64)x *(guint64)z, (guint64)x *(guint64)z)
PARE_FLOAT_ROWS (max, x > z || x != x ? x : z)
PARE_INTEGER_ROWS (max, x > z ? x : z, x > z ? x : z)
PARE_FLOAT_ROWS (min, x < z || x != x ? x : z)
PARE_INTEGER_ROWS (min, x < z ? x : z, x < z ? x : z)

/* How a written element meets the one that is there; without a row it replaces it. */
static const struct
{
  const char *name;
  PareRow rows[PARE_DATA_TYPES];
} reductions[] = {
  { "none", { NULL } },
  { "add", { PARE_NUMBER_TABLE (add) } },
  { "mul", { PARE_NUMBER_TABLE (mul) } },
  { "max", { PARE_NUMBER_TABLE (max) } },
  { "min", { PARE_NUMBER_TABLE (min) } },
};

/* Its index in the table, or the table's length. */
static guint
reduction_of (const PareNode *node)
{
  g_autofree char *name = pare_node_get_string (node, "reduction");
  guint i = 0;

  while (name && i < G_N_ELEMENTS (reductions) && strcmp (reductions[i].name, name))
    i++;
  return i;
}

static gboolean
check_scatter (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 3, 3, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, pare_types_index, error)
      || !pare_infer_require (infer, 2, pare_types_plain, error))
    return FALSE;
  if (reduction_of (infer->node) < G_N_ELEMENTS (reductions) && infer->inputs[0].type == infer->inputs[2].type)
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                   "its reduction is unknown, or the updates have not the data's type.");
  return FALSE;
}

static gboolean
scatter_infer (PareInfer *infer, GError **error)
{
  Index index;
  gint64 updates;

  if (!check_scatter (infer, error))
    return FALSE;
  if (!index_of (&infer->inputs[0].shape, &infer->inputs[1].shape, 0, &index))
    return does_not_fit (infer, error);
  if (!__builtin_mul_overflow (index.count, index.slice, &updates)
      && updates == pare_shape_elements (&infer->inputs[2].shape))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the updates are not as many as the indices name.");
  return FALSE;
}

/* @n elements of @source into @target. */
static void
put (const PareKernel *kernel, gint64 n, guint8 *target, const guint8 *source)
{
  PareDataType type = kernel->inputs[0].type;
  PareRow row = reductions[reduction_of (kernel->node)].rows[type];

  if (row)
    row (n, (gconstpointer[]){ target, source }, (gint64[]){ 1, 1 }, target);
  else
    memcpy (target, source, n * pare_data_type_bits (type) / 8);
}

static gboolean
scatter_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gsize size = pare_data_type_bits (x->type) / 8;
  const guint8 *updates = kernel->inputs[2].data;
  g_autofree gint64 *indices = NULL;
  Index index;
  guint n;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, scatter_forward, error);
  index_of (&x->shape, &kernel->inputs[1].shape, 0, &index);
  indices = pare_kernel_ints (kernel, 1, NULL, &n);
  pare_forward_copy (kernel, error);
  for (gint64 row = 0; row < index.count; row++, updates += index.slice * size)
    {
      gint64 offset = offset_of (kernel, &index, indices, row, error);
      if (offset < 0)
        return FALSE;
      if (index.slice)
        put (kernel, index.slice, (guint8 *)kernel->outputs[0].data + offset * size, updates);
    }
  return TRUE;
}

static gboolean
elements_infer (PareInfer *infer, GError **error)
{
  const PareShape *data, *indices;
  guint axis;

  if (!check_scatter (infer, error) || !pare_infer_require_rank (infer, 1, infer->inputs[0].shape.rank, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  data = &infer->inputs[0].shape;
  indices = &infer->inputs[1].shape;
  for (guint i = 0; i < data->rank; i++)
    if (i != axis && indices->dims[i] > data->dims[i])
      return does_not_fit (infer, error);
  if (pare_shape_equal (indices, &infer->inputs[2].shape))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the updates have not the shape of the indices.");
  return FALSE;
}

static gboolean
elements_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *data = &kernel->inputs[0].shape, *shape = &kernel->inputs[1].shape;
  gsize size = pare_data_type_bits (kernel->inputs[0].type) / 8;
  g_autofree gint64 *indices = NULL;
  gint64 strides[PARE_MAX_RANK];
  guint axis = 0, n;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, elements_forward, error);
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), data->rank, &axis);
  pare_shape_strides (data, strides);
  indices = pare_kernel_ints (kernel, 1, NULL, &n);
  pare_forward_copy (kernel, error);
  for (guint i = 0; i < n; i++)
    {
      gint64 dim = data->dims[axis], rest = i, at;
      if (indices[i] < -dim || indices[i] >= dim)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                           "index %" G_GINT64_FORMAT " is out of range for size %" G_GINT64_FORMAT ".", indices[i],
                           dim);
          return FALSE;
        }
      at = (indices[i] < 0 ? indices[i] + dim : indices[i]) * strides[axis];
      for (guint d = shape->rank; d-- > 0; rest /= shape->dims[d])
        at += d == axis ? 0 : rest % shape->dims[d] * strides[d];
      put (kernel, 1, (guint8 *)kernel->outputs[0].data + at * size, (const guint8 *)kernel->inputs[2].data + i * size);
    }
  return TRUE;
}

static gboolean
gather_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { NULL, pare_node_input (node, 1), pare_gradient_of_output (gradient, 0) };

  if (pare_node_get_int (node, "batch_dims", 0))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "with batch dimensions it cannot be differentiated.");
      return FALSE;
    }
  if (!pare_gradient_wanted (gradient, 0))
    return TRUE;
  inputs[0] = pare_gradient_fill (gradient, 0, pare_node_input (node, 0));
  pare_gradient_add (
      gradient, 0,
      pare_gradient_node (gradient, "", "ScatterND", 3, inputs, pare_attribute_new_string ("reduction", "add"), NULL));
  return TRUE;
}

static gboolean
scatter_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  gboolean slices = pare_node_is (node, "ScatterND");
  guint reduction = reduction_of (node);
  PareValue *dy = pare_gradient_of_output (gradient, 0), *indices = pare_node_input (node, 1), *dx = dy;
  gint64 axis = pare_node_get_int (node, "axis", 0);

  if (reduction > 1)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node,
                       "only without a reduction or with 'add' it can be differentiated.");
      return FALSE;
    }
  if (pare_gradient_wanted (gradient, 0) && reduction == 0)
    dx = pare_gradient_node (
        gradient, "", node->op_type, 3,
        (PareValue *[]){ dy, indices, pare_gradient_fill (gradient, 0, pare_node_input (node, 2)) },
        slices ? NULL : pare_attribute_new_int ("axis", axis), NULL);
  pare_gradient_add (gradient, 0, dx);
  if (pare_gradient_wanted (gradient, 2))
    pare_gradient_add (gradient, 2,
                       pare_gradient_node (gradient, "", slices ? "GatherND" : "GatherElements", 2,
                                           (PareValue *[]){ dy, indices },
                                           slices ? NULL : pare_attribute_new_int ("axis", axis), NULL));
  return TRUE;
}

PARE_OPERATORS (gathernd) = {
  { .name = "GatherND", .since = 11, .infer = gather_infer, .forward = gather_forward, .backward = gather_backward },
  { .name = "ScatterND",
    .since = 11,
    .infer = scatter_infer,
    .forward = scatter_forward,
    .backward = scatter_backward },
  { .name = "ScatterElements",
    .since = 11,
    .infer = elements_infer,
    .forward = elements_forward,
    .backward = scatter_backward },
  { .name = "Scatter", .since = 9, .infer = elements_infer, .forward = elements_forward, .backward = scatter_backward },
  { NULL },
};
