/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Concat: the inputs one after the other along an axis. */
#include "ops/infer.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
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

/* The channels of the inputs one after the other; those that cannot shrink get numbers that nobody removes. */
static void
concat_along (PareChannelWalk *channels, guint axis)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint n = infer->outputs[0].shape.dims[axis], at = 0;
  g_autofree guint *all = g_new (guint, MAX (n, 1));
  gboolean any = FALSE;

  for (guint i = 0; i < infer->n_inputs; i++)
    any |= pare_channels_along (channels, i, axis) != NULL;
  for (guint i = 0; any && i < infer->n_inputs; i++)
    {
      guint size = infer->inputs[i].shape.dims[axis];
      const guint *along = pare_channels_along (channels, i, axis);
      memcpy (all + at, along ? along : pare_channels_create (channels, size), size * sizeof *all);
      at += size;
    }
  pare_channels_give (channels, 0, axis, any ? all : NULL);
}

static void
concat_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint rank = infer->outputs[0].shape.rank, axis = 0;

  pare_axis_normalize (pare_node_get_int (infer->node, "axis", 1), rank, &axis);
  concat_along (channels, axis);
  for (guint other = 0; other < rank; other++)
    if (other != axis)
      pare_channels_meet (channels, other);
}

static gboolean
concat_by_sample (const PareInfer *infer)
{
  gint64 axis = pare_node_get_int (infer->node, "axis", 1);

  return axis != 0 && axis != -(gint64)infer->outputs[0].shape.rank && pare_samples_joined (infer);
}

PARE_OPERATORS (concat) = {
  { .name = "Concat",
    .infer = concat_infer,
    .forward = concat_forward,
    .backward = concat_backward,
    .by_sample = concat_by_sample,
    .channels = concat_channels,
    .quantize = PARE_QUANTIZE_JOIN },
  { NULL },
};
