/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MaxUnpool: numbers go back to the places that MaxPool took them from; the rest is zero. */
#include "ops/infer.h"
#include "ops/window.h"
#include <string.h>

static const PareDataType int64_types[] = { PARE_INT64, 0 };

/* The shape that @x was pooled from, as far as the window tells. */
static gboolean
pooled_from (const PareNode *node, const PareShape *x, PareShape *shape, GError **error)
{
  PareWindow window;

  if (!pare_window_read (node, x, NULL, &window, error))
    return FALSE;
  *shape = *x;
  for (guint i = 0; i < window.n; i++)
    shape->dims[2 + i]
        = (x->dims[2 + i] - 1) * window.strides[i] + window.kernel[i] - window.pads_begin[i] - window.pads_end[i];
  return TRUE;
}

static gboolean
maxunpool_infer (PareInfer *infer, GError **error)
{
  PareShape shape;
  gint64 n;

  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require (infer, 1, int64_types, error)
      || !pooled_from (infer->node, &infer->inputs[0].shape, &shape, error))
    return FALSE;
  if (pare_infer_has (infer, 2))
    {
      if (!pare_infer_require (infer, 2, int64_types, error) || !pare_infer_require_constant (infer, 2, error))
        return FALSE;
      n = pare_tensor_elements (infer->constants[2]);
      for (guint i = 0; n == shape.rank && i < shape.rank; i++)
        shape.dims[i] = pare_tensor_get_int (infer->constants[2], i);
    }
  if (!pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape) || pare_shape_elements (&shape) < 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its indices or its output's shape do not fit its input.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, shape };
  return TRUE;
}

/* A place counts through the tensor that was pooled; in a larger output, all but the first axes stay where they were.
 */
static gint64
place_in (const PareShape *from, const PareShape *to, gint64 place)
{
  gint64 result = 0, step = 1;

  for (guint i = from->rank; i-- > 0;)
    {
      gint64 at = place % from->dims[i];
      if (at >= to->dims[i])
        return -1;
      result += at * step;
      place /= from->dims[i];
      step *= to->dims[i];
    }
  return place ? -1 : result;
}

static gboolean
maxunpool_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *y = &kernel->outputs[0].shape;
  const float *x = kernel->inputs[0].data;
  const gint64 *places = kernel->inputs[1].data;
  PareShape from;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, maxunpool_forward, error);
  if (!pooled_from (kernel->node, &kernel->inputs[0].shape, &from, error))
    return FALSE;
  memset (kernel->outputs[0].data, 0, pare_shape_elements (y) * sizeof (float));
  for (gint64 i = 0; i < pare_view_elements (&kernel->inputs[0]); i++)
    {
      gint64 place = places[i] < 0 || pare_shape_elements (&from) <= 0 ? -1 : place_in (&from, y, places[i]);
      if (place < 0)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node, "index %" G_GINT64_FORMAT " is not in its output.",
                           places[i]);
          return FALSE;
        }
      ((float *)kernel->outputs[0].data)[place] = x[i];
    }
  return TRUE;
}

PARE_OPERATORS (maxunpool) = {
  { .name = "MaxUnpool", .since = 9, .infer = maxunpool_infer, .forward = maxunpool_forward },
  { NULL },
};
