/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AffineGrid (Jaderberg et al., Spatial Transformer Networks, 2015; ONNX operator of that name): the places that an
 * image or volume is to be read at, those of a regular grid in [-1, 1] times an affine map. For GridSample. */
#include "ops/infer.h"

static gboolean
grid_infer (PareInfer *infer, GError **error)
{
  const PareShape *theta = &infer->inputs[0].shape;
  g_autofree gint64 *sizes = NULL;
  PareShape *y = &infer->outputs[0].shape;
  guint n;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require_rank (infer, 0, 3, error) || !pare_infer_require_rank (infer, 1, 1, error)
      || !pare_infer_ints (infer, 1, NULL, &sizes, &n, error))
    return FALSE;
  if ((n != 4 && n != 5) || theta->dims[0] != sizes[0] || theta->dims[1] != n - 2 || theta->dims[2] != n - 1)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its maps do not fit the %u sizes asked for.", n);
      return FALSE;
    }
  infer->outputs[0].type = infer->inputs[0].type;
  *y = (PareShape){ .rank = n, .dims = { sizes[0] } };
  for (guint i = 2; i < n; i++)
    y->dims[i - 1] = sizes[i];
  y->dims[n - 1] = n - 2;
  if (pare_shape_elements (y) >= 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the sizes asked for are impossible.");
  return FALSE;
}

/* Place @at of @n: the middles of pixels, or with @aligned from the first to the last. */
static double
place (gint64 at, gint64 n, gboolean aligned)
{
  if (aligned)
    return n > 1 ? 2.0 * at / (n - 1) - 1 : 0;
  return (2.0 * at + 1) / n - 1;
}

static gboolean
grid_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *y = &kernel->outputs[0].shape;
  guint n = y->rank - 2; /* spatial axes; the map takes the last one first */
  gboolean aligned = pare_node_get_int (kernel->node, "align_corners", 0) != 0;
  gint64 places = pare_shape_span (y, 1, n + 1);
  const float *theta = kernel->inputs[0].data;
  float *out = kernel->outputs[0].data;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, grid_forward, error);
  for (gint64 i = 0; i < y->dims[0] * places; i++)
    {
      const float *map = theta + i / places * n * (n + 1);
      double at[3];
      gint64 rest = i % places;
      for (guint axis = 0; axis < n; rest /= y->dims[n - axis], axis++)
        at[axis] = place (rest % y->dims[n - axis], y->dims[n - axis], aligned);
      for (guint row = 0; row < n; row++)
        {
          double sum = map[row * (n + 1) + n];
          for (guint axis = 0; axis < n; axis++)
            sum += map[row * (n + 1) + axis] * at[axis];
          out[i * n + row] = sum;
        }
    }
  return TRUE;
}

PARE_OPERATORS (affinegrid) = {
  { .name = "AffineGrid", .since = 20, .infer = grid_infer, .forward = grid_forward },
  { NULL },
};
