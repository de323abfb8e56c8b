/* SPDX-License-Identifier: LGPL-2.1-or-later
 * CenterCropPad (ONNX operator of that name): axes get the sizes asked for, by cutting off both ends or by zeros at
 * both; an odd one is cut or added at the end. */
#include "ops/infer.h"
#include "ops/strided.h"
#include <string.h>

static gboolean
crop_infer (PareInfer *infer, GError **error)
{
  const PareNode *node = infer->node;
  gboolean marks[PARE_MAX_RANK];
  g_autofree gint64 *sizes = NULL;
  const gint64 *axes;
  guint n, n_axes, axis;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require_rank (infer, 1, 1, error) || !pare_infer_ints (infer, 1, NULL, &sizes, &n, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[0];
  axes = pare_node_get_ints (node, "axes", &n_axes);
  if (axes && !pare_infer_axes (infer, axes, n_axes, infer->inputs[0].shape.rank, marks, error))
    return FALSE;
  if (n != (axes ? n_axes : infer->inputs[0].shape.rank))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "it has %u sizes for %u axes.", n,
                       axes ? n_axes : infer->inputs[0].shape.rank);
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      pare_axis_normalize (axes ? axes[i] : i, infer->inputs[0].shape.rank, &axis);
      infer->outputs[0].shape.dims[axis] = sizes[i];
      if (sizes[i] < 0)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, node, "size %" G_GINT64_FORMAT " is impossible.", sizes[i]);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
crop_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };
  gint64 from[PARE_MAX_RANK], to[PARE_MAX_RANK], source = 0, target = 0;

  memset (y->data, 0, pare_data_size (y->type, pare_view_elements (y)));
  if (pare_view_elements (x) == 0 || pare_view_elements (y) == 0)
    return TRUE;
  pare_shape_strides (&x->shape, from);
  pare_shape_strides (&y->shape, to);
  for (guint i = 0; i < x->shape.rank; i++)
    {
      gint64 more = y->shape.dims[i] - x->shape.dims[i];
      pare_box_add (&box, MIN (x->shape.dims[i], y->shape.dims[i]), from[i], to[i]);
      source += more < 0 ? -more / 2 * from[i] : 0;
      target += more > 0 ? more / 2 * to[i] : 0;
    }
  pare_box_copy (&box, (const guint8 *)x->data + source * box.size, (guint8 *)y->data + target * box.size);
  return TRUE;
}

PARE_OPERATORS (centercroppad) = {
  { .name = "CenterCropPad", .since = 18, .infer = crop_infer, .forward = crop_forward },
  { NULL },
};
