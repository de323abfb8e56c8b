/* SPDX-License-Identifier: LGPL-2.1-or-later
 * CumSum: running sums along an axis, forwards or backwards, with or without the element itself. */
#include "ops/infer.h"
#include "train/gradient.h"

static const PareDataType sum_types[]
    = { PARE_FLOAT32, PARE_FLOAT64, PARE_TYPES_HALF, PARE_INT32, PARE_INT64, PARE_UINT32, PARE_UINT64, 0 };

static gboolean
cumsum_infer (PareInfer *infer, GError **error)
{
  guint axis;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, sum_types, error)
      || !pare_infer_require (infer, 1, pare_types_index, error) || !pare_infer_require_constant (infer, 1, error))
    return FALSE;
  if (pare_tensor_elements (infer->constants[1]) != 1)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its axis is not one number.");
      return FALSE;
    }
  return pare_infer_axis (infer, pare_tensor_get_int (infer->constants[1], 0), infer->inputs[0].shape.rank, &axis,
                          error)
         && pare_infer_same (infer, error);
}

/* One column of @n elements, @step apart: negative when it runs backwards. */
#define RUN(type)                                                                                                      \
  static void run_##type (gint64 n, gint64 step, gconstpointer input, gpointer output, gboolean exclusive)             \
  {                                                                                                                    \
    const type *x = input;                                                                                             \
    type *y = output, sum = 0;                                                                                         \
    for (gint64 i = 0; i < n; i++, x += step, y += step)                                                               \
      {                                                                                                                \
        const type next = sum + *x;                                                                                    \
        *y = exclusive ? sum : next;                                                                                   \
        sum = next;                                                                                                    \
      }                                                                                                                \
  }
RUN (float)
RUN (double)
/* Unsigned: overflow wraps around, and the bits are those of the signed sum. */
RUN (guint32)
RUN (guint64)

static gboolean
cumsum_forward (const PareKernel *kernel, GError **error)
{
  static void (*const by_type[PARE_DATA_TYPES]) (gint64, gint64, gconstpointer, gpointer, gboolean) = {
    [PARE_FLOAT32] = run_float, [PARE_FLOAT64] = run_double, [PARE_INT32] = run_guint32,
    [PARE_INT64] = run_guint64, [PARE_UINT32] = run_guint32, [PARE_UINT64] = run_guint64,
  };
  const PareView *x = &kernel->inputs[0];
  gboolean exclusive = pare_node_get_int (kernel->node, "exclusive", 0);
  gboolean reverse = pare_node_get_int (kernel->node, "reverse", 0);
  gsize size = pare_data_type_bits (x->type) / 8;
  g_autofree gint64 *axes = NULL;
  gint64 n, inner, columns;
  guint axis = 0, n_axes;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, cumsum_forward, error);
  if (pare_view_elements (x) == 0)
    return TRUE;
  axes = pare_kernel_ints (kernel, 1, NULL, &n_axes);
  pare_axis_normalize (axes[0], x->shape.rank, &axis);
  n = x->shape.dims[axis];
  inner = pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  columns = pare_view_elements (x) / n;
  for (gint64 k = 0; k < columns; k++)
    {
      gsize at = (k / inner * n * inner + k % inner + (reverse ? (n - 1) * inner : 0)) * size;
      by_type[x->type](n, reverse ? -inner : inner, (const guint8 *)x->data + at,
                       (guint8 *)kernel->outputs[0].data + at, exclusive);
    }
  return TRUE;
}

/* Each element counts in the sums behind it: the same sums the other way round. */
static gboolean
cumsum_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 1) };
  gint64 exclusive = pare_node_get_int (node, "exclusive", 0), reverse = pare_node_get_int (node, "reverse", 0);

  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, "", "CumSum", 2, inputs,
                                         pare_attribute_new_int ("exclusive", exclusive),
                                         pare_attribute_new_int ("reverse", !reverse), NULL));
  return TRUE;
}

PARE_OPERATORS (cumsum) = {
  { .name = "CumSum", .since = 11, .infer = cumsum_infer, .forward = cumsum_forward, .backward = cumsum_backward },
  { NULL },
};
