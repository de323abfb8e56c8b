/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ArgMax and ArgMin: the index of the extreme along an axis, the first or the last of equals. */
#include "ops/infer.h"

static gboolean
arg_infer (PareInfer *infer, GError **error)
{
  gboolean keep = pare_node_get_int (infer->node, "keepdims", 1);
  const PareShape *from;
  PareShape *to = &infer->outputs[0].shape;
  guint axis;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_number, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  from = &infer->inputs[0].shape;
  if (from->dims[axis] == 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "axis %u is empty and has no extreme.", axis);
      return FALSE;
    }
  infer->outputs[0].type = PARE_INT64;
  to->rank = 0;
  for (guint i = 0; i < from->rank; i++)
    if (i != axis || keep)
      to->dims[to->rank++] = i == axis ? 1 : from->dims[i];
  return TRUE;
}

/* Column @x of @n elements, @step apart. */
#define EXTREME(type)                                                                                                  \
  static gint64 extreme_##type (gconstpointer column, gint64 n, gint64 step, gboolean least, gboolean last)            \
  {                                                                                                                    \
    const type *x = column;                                                                                            \
    gint64 best = 0;                                                                                                   \
    for (gint64 i = 1; i < n; i++)                                                                                     \
      {                                                                                                                \
        const type have = x[best * step], next = x[i * step];                                                          \
        if ((least ? next < have : next > have) || (last && next == have))                                             \
          best = i;                                                                                                    \
      }                                                                                                                \
    return best;                                                                                                       \
  }
EXTREME (float)
EXTREME (double)
EXTREME (gint8)
EXTREME (guint8)
EXTREME (gint16)
EXTREME (guint16)
EXTREME (gint32)
EXTREME (guint32)
EXTREME (gint64)
EXTREME (guint64)

typedef gint64 (*Extreme) (gconstpointer column, gint64 n, gint64 step, gboolean least, gboolean last);
static const Extreme by_type[PARE_DATA_TYPES] = {
  [PARE_FLOAT32] = extreme_float,  [PARE_FLOAT64] = extreme_double, [PARE_INT8] = extreme_gint8,
  [PARE_UINT8] = extreme_guint8,   [PARE_INT16] = extreme_gint16,   [PARE_UINT16] = extreme_guint16,
  [PARE_INT32] = extreme_gint32,   [PARE_UINT32] = extreme_guint32, [PARE_INT64] = extreme_gint64,
  [PARE_UINT64] = extreme_guint64,
};

static gboolean
arg_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gboolean least = pare_node_is (kernel->node, "ArgMin");
  gboolean last = pare_node_get_int (kernel->node, "select_last_index", 0);
  gsize size = pare_data_type_bits (x->type) / 8;
  gint64 *y = kernel->outputs[0].data, outer, inner;
  guint axis = 0;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, arg_forward, error);
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
  outer = pare_shape_span (&x->shape, 0, axis);
  inner = pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  for (gint64 k = 0; k < outer; k++)
    for (gint64 i = 0; i < inner; i++)
      *y++ = by_type[x->type]((const guint8 *)x->data + (k * x->shape.dims[axis] * inner + i) * size,
                              x->shape.dims[axis], inner, least, last);
  return TRUE;
}

PARE_OPERATORS (argmax) = {
  { .name = "ArgMax", .infer = arg_infer, .forward = arg_forward },
  { .name = "ArgMin", .infer = arg_infer, .forward = arg_forward },
  { NULL },
};
