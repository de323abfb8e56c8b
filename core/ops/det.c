/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Det: determinants of square matrices, by elimination with row pivots. */
#include "ops/infer.h"
#include <math.h>

static gboolean
det_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_widened, error))
    return FALSE;
  if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2])
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its input is no square matrix.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, pare_shape (x->rank - 2, x->dims) };
  return TRUE;
}

/* Destroys the matrix @a. */
static double
determinant (gint64 n, double *a)
{
  double product = 1;

  for (gint64 k = 0; k < n; k++)
    {
      gint64 pivot = k;
      for (gint64 i = k + 1; i < n; i++)
        if (fabs (a[i * n + k]) > fabs (a[pivot * n + k]))
          pivot = i;
      if (a[pivot * n + k] == 0)
        return 0;
      for (gint64 j = 0; pivot != k && j < n; j++)
        {
          double kept = a[k * n + j];
          a[k * n + j] = a[pivot * n + j];
          a[pivot * n + j] = kept;
        }
      product *= pivot == k ? a[k * n + k] : -a[k * n + k];
      for (gint64 i = k + 1; i < n; i++)
        for (gint64 j = n - 1; j >= k; j--)
          a[i * n + j] -= a[k * n + j] * (a[i * n + k] / a[k * n + k]);
    }
  return product;
}

static gboolean
det_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *shape = &kernel->inputs[0].shape;
  gint64 n = shape->dims[shape->rank - 1];
  const float *x = kernel->inputs[0].data;
  g_autofree double *matrix = g_new (double, pare_view_elements (&kernel->inputs[0]) ? n *n : 1);

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, det_forward, error);
  for (gint64 k = 0; k < pare_view_elements (&kernel->outputs[0]); k++)
    {
      for (gint64 i = 0; i < n * n; i++)
        matrix[i] = x[k * n * n + i];
      ((float *)kernel->outputs[0].data)[k] = determinant (n, matrix);
    }
  return TRUE;
}

PARE_OPERATORS (det) = {
  { .name = "Det", .since = 11, .infer = det_infer, .forward = det_forward },
  { NULL },
};
