/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Expand (NumPy broadcasting to a shape) and Tile (whole repetitions along each axis). */
#include "ops/infer.h"
#include "ops/strided.h"
#include "train/gradient.h"

static gboolean
expand_infer (PareInfer *infer, GError **error)
{
  g_autofree gint64 *dims = NULL;
  PareShape shape;
  guint n;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, pare_types_index, error) || !pare_infer_ints (infer, 1, NULL, &dims, &n, error)
      || !pare_infer_rank (infer, n, error))
    return FALSE;
  shape = pare_shape (n, dims);
  infer->outputs[0].type = infer->inputs[0].type;
  if (pare_shape_is_fixed (&shape) && pare_shape_broadcast (&infer->inputs[0].shape, &shape, &infer->outputs[0].shape))
    return TRUE;
  g_autofree char *from = pare_shape_to_string (&infer->inputs[0].shape);
  g_autofree char *to = pare_shape_to_string (&shape);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "%s does not broadcast to %s.", from, to);
  return FALSE;
}

static gboolean
expand_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  guint missing = y->shape.rank - x->shape.rank;
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };
  gint64 strides[PARE_MAX_RANK];

  pare_shape_strides (&x->shape, strides);
  for (guint i = 0; i < y->shape.rank; i++)
    pare_box_add (&box, y->shape.dims[i], i < missing || x->shape.dims[i - missing] == 1 ? 0 : strides[i - missing], 0);
  pare_box_pack_target (&box);
  pare_box_copy (&box, x->data, y->data);
  return TRUE;
}

static gboolean
tile_infer (PareInfer *infer, GError **error)
{
  g_autofree gint64 *repeats = NULL;
  PareShape *to = &infer->outputs[0].shape;
  guint n;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_ints (infer, 1, NULL, &repeats, &n, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[0];
  for (guint i = 0; n == to->rank && i < n; i++)
    if (repeats[i] < 0 || __builtin_mul_overflow (to->dims[i], repeats[i], &to->dims[i]))
      n = G_MAXUINT;
  if (n == to->rank)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the repeats are not %u sensible numbers.", to->rank);
  return FALSE;
}

/* Each axis is two in the box: the repetition and the axis itself. */
static gboolean
tile_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };
  gint64 strides[PARE_MAX_RANK];

  if (pare_view_elements (y) == 0)
    return TRUE;
  pare_shape_strides (&x->shape, strides);
  for (guint i = 0; i < y->shape.rank; i++)
    {
      pare_box_add (&box, y->shape.dims[i] / x->shape.dims[i], 0, 0);
      pare_box_add (&box, x->shape.dims[i], strides[i], 0);
    }
  pare_box_pack_target (&box);
  pare_box_copy (&box, x->data, y->data);
  return TRUE;
}

static gboolean
expand_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  pare_gradient_add_reduced (gradient, 0, pare_gradient_of_output (gradient, 0));
  return TRUE;
}

/* TileGrad (dy, like): the sum of all repetitions. */
static gboolean
tile_grad_infer (PareInfer *infer, GError **error)
{
  const PareShape *from, *to;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require_float32 (infer, 0, error)
      || !pare_infer_require_float32 (infer, 1, error)
      || !pare_infer_require_rank (infer, 1, infer->inputs[0].shape.rank, error))
    return FALSE;
  from = &infer->inputs[0].shape;
  to = &infer->inputs[1].shape;
  infer->outputs[0] = infer->inputs[1];
  for (guint i = 0; i < to->rank; i++)
    if (to->dims[i] ? from->dims[i] % to->dims[i] : from->dims[i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "axis %u is no repetition.", i);
        return FALSE;
      }
  return TRUE;
}

static gboolean
tile_grad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dy = &kernel->inputs[0], *dx = &kernel->outputs[0];
  g_autofree double *sums = g_new0 (double, MAX (pare_view_elements (dx), 1));
  gint64 strides[PARE_MAX_RANK];

  pare_shape_strides (&dx->shape, strides);
  for (gint64 i = 0; i < pare_view_elements (dy); i++)
    {
      gint64 rest = i, at = 0;
      for (guint axis = dy->shape.rank; axis-- > 0; rest /= dy->shape.dims[axis])
        at += rest % dy->shape.dims[axis] % dx->shape.dims[axis] * strides[axis];
      sums[at] += ((const float *)dy->data)[i];
    }
  return pare_convert (PARE_FLOAT64, sums, PARE_FLOAT32, dx->data, pare_view_elements (dx));
}

static gboolean
tile_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 0) };

  pare_gradient_add (gradient, 0, pare_gradient_node (gradient, PARE_DOMAIN, "TileGrad", 2, inputs, NULL));
  return TRUE;
}

PARE_OPERATORS (expand) = {
  { .name = "Expand", .since = 8, .infer = expand_infer, .forward = expand_forward, .backward = expand_backward },
  { .name = "Tile", .since = 6, .infer = tile_infer, .forward = tile_forward, .backward = tile_backward },
  { .name = "TileGrad",
    .domain = PARE_DOMAIN,
    .infer = tile_grad_infer,
    .forward = tile_grad_forward,
    .shape_inputs = 1 << 1 },
  { NULL },
};
