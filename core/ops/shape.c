/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shape (a slice of it since opset 15) and Size: they look at the input's shape alone, never at its data. */
#include "ops/infer.h"

static void
bounds (const PareNode *node, gint64 rank, gint64 *start, gint64 *end)
{
  *start = pare_node_get_int (node, "start", 0);
  *end = pare_node_get_int (node, "end", rank);
  *start = CLAMP (*start < 0 ? *start + rank : *start, 0, rank);
  *end = CLAMP (*end < 0 ? *end + rank : *end, *start, rank);
}

static gboolean
shape_infer (PareInfer *infer, GError **error)
{
  gint64 start, end;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, NULL, error))
    return FALSE;
  bounds (infer->node, infer->inputs[0].shape.rank, &start, &end);
  infer->outputs[0] = (PareSpec){ PARE_INT64, pare_shape_of (1, (int)(end - start)) };
  return TRUE;
}

static gboolean
shape_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *shape = &kernel->inputs[0].shape;
  gint64 *y = kernel->outputs[0].data, start, end;

  bounds (kernel->node, shape->rank, &start, &end);
  for (gint64 i = start; i < end; i++)
    *y++ = shape->dims[i];
  return TRUE;
}

static gboolean
size_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, NULL, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_INT64, pare_shape_of (0) };
  return TRUE;
}

static gboolean
size_forward (const PareKernel *kernel, GError **error)
{
  *(gint64 *)kernel->outputs[0].data = pare_view_elements (&kernel->inputs[0]);
  return TRUE;
}

PARE_OPERATORS (shape) = {
  { .name = "Shape", .infer = shape_infer, .forward = shape_forward, .shape_inputs = 1 },
  { .name = "Size", .infer = size_infer, .forward = size_forward, .shape_inputs = 1 },
  { NULL },
};
