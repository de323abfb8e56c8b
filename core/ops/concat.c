/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Concat: the inputs one after the other along an axis. */
#include "ops/infer.h"
#include <string.h>

static gboolean
fits (const PareSpec *a, const PareSpec *b, guint axis)
{
  if (a->type != b->type || a->shape.rank != b->shape.rank)
    return FALSE;
  for (guint i = 0; i < a->shape.rank; i++)
    if (i != axis && a->shape.dims[i] != b->shape.dims[i])
      return FALSE;
  return TRUE;
}

static gboolean
concat_infer (PareInfer *infer, GError **error)
{
  gint64 total = 0, fallback = infer->opset < 4 ? 1 : G_MAXINT64;
  guint axis;

  if (!pare_infer_counts (infer, 1, G_MAXUINT, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", fallback), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    {
      if (!pare_infer_require (infer, i, pare_types_plain, error))
        return FALSE;
      if (!fits (&infer->inputs[0], &infer->inputs[i], axis)
          || __builtin_add_overflow (total, infer->inputs[i].shape.dims[axis], &total))
        {
          g_autofree char *a = pare_shape_to_string (&infer->inputs[0].shape);
          g_autofree char *b = pare_shape_to_string (&infer->inputs[i].shape);
          pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "%s and %s cannot be joined along axis %u.", a, b,
                           axis);
          return FALSE;
        }
    }
  infer->outputs[0] = infer->inputs[0];
  infer->outputs[0].shape.dims[axis] = total;
  return TRUE;
}

static gboolean
concat_forward (const PareKernel *kernel, GError **error)
{
  const PareView *y = &kernel->outputs[0];
  gsize size = pare_data_type_bits (y->type) / 8, row;
  guint8 *target = y->data;
  gint64 outer;
  guint axis = 0;

  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 1), y->shape.rank, &axis);
  outer = pare_shape_span (&y->shape, 0, axis);
  row = pare_shape_span (&y->shape, axis, y->shape.rank) * size;
  for (guint i = 0; i < kernel->n_inputs; i++)
    {
      const PareView *x = &kernel->inputs[i];
      gsize length = pare_shape_span (&x->shape, axis, x->shape.rank) * size;
      for (gint64 k = 0; length && k < outer; k++)
        memcpy (target + k * row, (const guint8 *)x->data + k * length, length);
      target += length;
    }
  return TRUE;
}

PARE_OPERATORS (concat) = {
  { .name = "Concat", .infer = concat_infer, .forward = concat_forward, .quantize = PARE_QUANTIZE_JOIN },
  { NULL },
};
