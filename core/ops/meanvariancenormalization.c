/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MeanVarianceNormalization: (x - mean) / (standard deviation + 1e-9) over the given axes. */
#include "ops/infer.h"
#include <math.h>

static const gint64 default_axes[] = { 0, 2, 3 };

static const gint64 *
axes_of (const PareNode *node, guint *n)
{
  const gint64 *axes = pare_node_get_ints (node, "axes", n);

  if (axes)
    return axes;
  *n = G_N_ELEMENTS (default_axes);
  return default_axes;
}

static gboolean
meanvariance_infer (PareInfer *infer, GError **error)
{
  gboolean marks[PARE_MAX_RANK];
  guint n;
  const gint64 *axes = axes_of (infer->node, &n);

  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_widened, error)
         && pare_infer_axes (infer, axes, n, infer->inputs[0].shape.rank, marks, error)
         && pare_infer_same (infer, error);
}

/* Which group of numbers with one mean an element belongs to. */
static gint64
group_of (const PareShape *shape, const gint64 *strides, const gboolean *joined, gint64 element)
{
  gint64 group = 0;

  for (guint axis = 0; axis < shape->rank; axis++)
    if (!joined[axis])
      group = group * shape->dims[axis] + element / strides[axis] % shape->dims[axis];
  return group;
}

static gboolean
meanvariance_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *shape = &kernel->inputs[0].shape;
  const float *x = kernel->inputs[0].data;
  float *y = kernel->outputs[0].data;
  gint64 strides[PARE_MAX_RANK], n = pare_shape_elements (shape), groups = 1;
  gboolean joined[PARE_MAX_RANK] = { FALSE };
  g_autofree double *means = NULL, *squares = NULL;
  guint n_axes, axis = 0;
  const gint64 *axes = axes_of (kernel->node, &n_axes);

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, meanvariance_forward, error);
  if (n == 0)
    return TRUE;
  pare_shape_strides (shape, strides);
  for (guint i = 0; i < n_axes; i++)
    if (pare_axis_normalize (axes[i], shape->rank, &axis))
      joined[axis] = TRUE;
  for (guint i = 0; i < shape->rank; i++)
    groups *= joined[i] ? 1 : shape->dims[i];
  means = g_new0 (double, MAX (groups, 1));
  squares = g_new0 (double, MAX (groups, 1));
  for (gint64 i = 0; i < n; i++)
    means[group_of (shape, strides, joined, i)] += (double)x[i] * groups / n;
  for (gint64 i = 0; i < n; i++)
    {
      gint64 group = group_of (shape, strides, joined, i);
      squares[group] += (x[i] - means[group]) * (x[i] - means[group]) * groups / n;
    }
  for (gint64 i = 0; i < n; i++)
    {
      gint64 group = group_of (shape, strides, joined, i);
      y[i] = (x[i] - means[group]) / (sqrt (squares[group]) + 1e-9);
    }
  return TRUE;
}

PARE_OPERATORS (meanvariancenormalization) = {
  { .name = "MeanVarianceNormalization",
    .since = 9,
    .infer = meanvariance_infer,
    .forward = meanvariance_forward,
    .quantize_note = "its mean and variance need more than 8 bits" },
  { NULL },
};
