/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NonZero and Compress: what is picked out of a tensor decides the shape, so they run on constants alone. */
#include "ops/infer.h"
#include <string.h>

static const PareDataType bool_types[] = { PARE_BOOL, 0 };

static gboolean
is_zero (const guint8 *element, gsize size, gboolean is_float)
{
  for (gsize i = 0; i < size; i++)
    /* Minus zero has its sign in the last byte. */
    if (element[i] & (is_float && i + 1 == size ? 0x7f : 0xff))
      return FALSE;
  return TRUE;
}

/* NonZero */

static gint64
count_nonzero (PareDataType type, gconstpointer data, gint64 n)
{
  gsize size = pare_data_type_bits (type) / 8;
  gint64 count = 0;

  for (gint64 i = 0; i < n; i++)
    count += !is_zero ((const guint8 *)data + i * size, size, pare_data_type_is_float (type));
  return count;
}

static gboolean
nonzero_infer (PareInfer *infer, GError **error)
{
  const PareTensor *x;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require_constant (infer, 0, error))
    return FALSE;
  x = infer->constants[0];
  infer->outputs[0]
      = (PareSpec){ PARE_INT64,
                    { 2, { x->shape.rank, count_nonzero (x->type, pare_tensor_data (x), pare_tensor_elements (x)) } } };
  return TRUE;
}

static gboolean
nonzero_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gsize size = pare_data_type_bits (x->type) / 8;
  gint64 strides[PARE_MAX_RANK], found = 0, columns = kernel->outputs[0].shape.dims[1];
  gint64 *y = kernel->outputs[0].data;

  pare_shape_strides (&x->shape, strides);
  for (gint64 i = 0; i < pare_view_elements (x) && found < columns; i++)
    if (!is_zero ((const guint8 *)x->data + i * size, size, pare_data_type_is_float (x->type)))
      {
        for (guint axis = 0; axis < x->shape.rank; axis++)
          y[axis * columns + found] = i / strides[axis] % x->shape.dims[axis];
        found++;
      }
  return TRUE;
}

/* Compress */

static gboolean
compress_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape;
  const PareAttribute *axis = pare_node_attribute (infer->node, "axis");
  gint64 n, kept = 0;
  guint at = 0;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, bool_types, error) || !pare_infer_require_rank (infer, 1, 1, error)
      || !pare_infer_require_constant (infer, 1, error)
      || (axis && !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), x->rank, &at, error)))
    return FALSE;
  n = axis ? x->dims[at] : pare_shape_elements (x);
  for (gint64 i = 0; i < MIN (n, pare_tensor_elements (infer->constants[1])); i++)
    kept += pare_tensor_get_int (infer->constants[1], i) != 0;
  infer->outputs[0] = infer->inputs[0];
  if (!axis)
    infer->outputs[0].shape = pare_shape (1, &kept);
  else
    infer->outputs[0].shape.dims[at] = kept;
  return TRUE;
}

static gboolean
compress_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  const guint8 *keep = kernel->inputs[1].data;
  gboolean flat = !pare_node_attribute (kernel->node, "axis");
  gint64 n = pare_view_elements (x), outer = 1, inner;
  guint8 *y = kernel->outputs[0].data;
  guint axis = 0;
  gsize size;

  if (!flat)
    {
      pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
      n = x->shape.dims[axis];
      outer = pare_shape_span (&x->shape, 0, axis);
    }
  inner = flat ? 1 : pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  size = pare_data_size (x->type, inner);
  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < MIN (n, kernel->inputs[1].shape.dims[0]); i++)
      if (keep[i])
        {
          memcpy (y, (const guint8 *)x->data + (o * n + i) * size, size);
          y += size;
        }
  return TRUE;
}

PARE_OPERATORS (nonzero) = {
  { .name = "NonZero", .since = 9, .infer = nonzero_infer, .forward = nonzero_forward },
  { .name = "Compress", .since = 9, .infer = compress_infer, .forward = compress_forward },
  { NULL },
};
