/* SPDX-License-Identifier: LGPL-2.1-or-later
 * TopK: the k largest (or smallest) along an axis with their indices; equals in the order of their indices. */
#include "ops/infer.h"
#include <stdlib.h>
#include <string.h>

static const PareDataType float_or_int[]
    = { PARE_TYPES_FLOAT, PARE_INT8, PARE_UINT8, PARE_INT16, PARE_UINT16, PARE_INT32, PARE_UINT32, PARE_INT64, 0 };

static gboolean
topk_infer (PareInfer *infer, GError **error)
{
  gint64 k;
  guint axis;

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, float_or_int, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  k = pare_node_get_int (infer->node, "k", -1);
  if (pare_infer_has (infer, 1))
    {
      if (!pare_infer_require_constant (infer, 1, error))
        return FALSE;
      k = pare_tensor_elements (infer->constants[1]) == 1 ? pare_tensor_get_int (infer->constants[1], 0) : -1;
    }
  if (k < 0 || k > infer->inputs[0].shape.dims[axis])
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "it asks for %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " entries.", k,
                       infer->inputs[0].shape.dims[axis]);
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  infer->outputs[0].shape.dims[axis] = k;
  if (pare_infer_wants (infer, 1))
    infer->outputs[1] = (PareSpec){ PARE_INT64, infer->outputs[0].shape };
  return TRUE;
}

/* A double orders every type here but int64 beyond 2^53, which the integer beside it then does. */
typedef struct
{
  double value;
  gint64 whole;
  gint64 index;
} Entry;

static int
descending (gconstpointer a, gconstpointer b)
{
  const Entry *x = a, *z = b;

  if (x->value != z->value)
    return x->value < z->value ? 1 : -1;
  if (x->whole != z->whole)
    return x->whole < z->whole ? 1 : -1;
  return x->index < z->index ? -1 : 1;
}

static int
ascending (gconstpointer a, gconstpointer b)
{
  const Entry *x = a, *z = b;

  if (x->value == z->value && x->whole == z->whole)
    return x->index < z->index ? -1 : 1;
  return -descending (a, b);
}

/* Reads a column of @n entries, @step bytes apart. */
static void
read_column (const guint8 *x, PareDataType type, gint64 n, gsize step, Entry *entries)
{
  for (gint64 i = 0; i < n; i++)
    {
      entries[i] = (Entry){ .index = i };
      pare_convert (type, x + i * step, PARE_FLOAT64, &entries[i].value, 1);
      if (type == PARE_INT64)
        pare_convert (type, x + i * step, PARE_INT64, &entries[i].whole, 1);
    }
}

static gboolean
topk_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  gint64 *indices = pare_kernel_wants (kernel, 1) ? kernel->outputs[1].data : NULL;
  gsize size = pare_data_type_bits (x->type) / 8;
  g_autofree Entry *entries = NULL;
  gint64 n, k, inner;
  guint axis = 0;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), x->shape.rank, &axis);
  if (pare_view_elements (y) == 0)
    return TRUE;
  n = x->shape.dims[axis];
  k = y->shape.dims[axis];
  inner = pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  entries = g_new (Entry, n);
  for (gint64 column = 0; column < pare_view_elements (x) / n; column++)
    {
      gint64 from = column / inner * n * inner + column % inner, to = column / inner * k * inner + column % inner;
      const guint8 *source = (const guint8 *)x->data + from * size;
      read_column (source, x->type, n, inner * size, entries);
      qsort (entries, n, sizeof *entries, pare_node_get_int (kernel->node, "largest", 1) ? descending : ascending);
      for (gint64 i = 0; i < k; i++)
        {
          memcpy ((guint8 *)y->data + (to + i * inner) * size, source + entries[i].index * inner * size, size);
          if (indices)
            indices[to + i * inner] = entries[i].index;
        }
    }
  return TRUE;
}

PARE_OPERATORS (topk) = {
  { .name = "TopK", .infer = topk_infer, .forward = topk_forward },
  { NULL },
};
