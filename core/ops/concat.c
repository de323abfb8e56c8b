/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Concat: the inputs one after the other along an axis. */
#include "ops/infer.h"
#include "train/gradient.h"
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

/* The size of @value along @axis, as a vector of one number. */
static PareValue *
size_along (PareGradient *gradient, PareValue *value, gint64 axis)
{
  return pare_gradient_call (gradient, "Gather", pare_gradient_call (gradient, "Shape", value, NULL),
                             pare_gradient_int64s (gradient, 1, &axis));
}

static gboolean
concat_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  guint n = node->inputs->len;
  gint64 axis = pare_node_get_int (node, "axis", 1);
  g_autofree PareValue **sizes = g_new (PareValue *, n);
  PareValue *parts[2] = { pare_gradient_of_output (gradient, 0) }, *part;

  for (guint i = 0; i < n; i++)
    sizes[i] = size_along (gradient, node->inputs->pdata[i], axis);
  parts[1] = pare_gradient_node (gradient, "", "Concat", n, sizes, pare_attribute_new_int ("axis", 0), NULL);
  part = pare_gradient_node (gradient, "", "Split", 2, parts, pare_attribute_new_int ("axis", axis), NULL);
  parts[0] = part;
  for (guint i = 0; i < n; i++, part = i < n ? pare_gradient_add_output (gradient, parts[0]) : NULL)
    pare_gradient_add (gradient, i, part);
  return TRUE;
}

PARE_OPERATORS (concat) = {
  { .name = "Concat",
    .infer = concat_infer,
    .forward = concat_forward,
    .backward = concat_backward,
    .quantize = PARE_QUANTIZE_JOIN },
  { NULL },
};
