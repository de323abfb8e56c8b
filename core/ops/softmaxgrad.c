/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SoftmaxGrad and LogSoftmaxGrad (dy, y): dx = y (dy - sum (dy y)), and dx = dy - e^y sum (dy), along one axis. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"

/* All as [outer, n, inner]. */
typedef struct
{
  gint64 n, inner;
  gboolean log;
  const float *dy, *y;
  float *dx;
} Job;

#define LANES 16

PARE_INLINE float
row_sum (const float *dy, const float *y, gint64 n, gboolean weighted)
{
  float lanes[LANES] = { 0 }, sum = 0;
  gint64 i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] += weighted ? dy[i + lane] * y[i + lane] : dy[i + lane];
  for (; i < n; i++)
    sum += weighted ? dy[i] * y[i] : dy[i];
  for (int lane = 0; lane < LANES; lane++)
    sum += lanes[lane];
  return sum;
}

/* Rows [from, to) with inner 1. */
static PARE_VECTOR void
dense_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 k = from; k < to; k++)
    {
      const float *dy = job->dy + k * job->n, *y = job->y + k * job->n;
      float *dx = job->dx + k * job->n, sum = row_sum (dy, y, job->n, !job->log);
      if (job->log)
        {
          PARE_INDEPENDENT for (gint64 i = 0; i < job->n; i++) dx[i] = dy[i] - pare_expf (y[i]) * sum;
        }
      else
        {
          PARE_INDEPENDENT for (gint64 i = 0; i < job->n; i++) dx[i] = y[i] * (dy[i] - sum);
        }
    }
}

/* Planes [from, to) of [n, inner]: rows of columns. */
static PARE_VECTOR void
planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  gint64 n = job->n, inner = job->inner;
  float *restrict sums = g_new (float, inner);

  for (gint64 k = from; k < to; k++)
    {
      const float *dy = job->dy + k * n * inner, *y = job->y + k * n * inner;
      float *dx = job->dx + k * n * inner;
      for (gint64 i = 0; i < inner; i++)
        sums[i] = 0;
      for (gint64 r = 0; r < n; r++)
        for (gint64 i = 0; i < inner; i++)
          sums[i] += job->log ? dy[r * inner + i] : dy[r * inner + i] * y[r * inner + i];
      for (gint64 r = 0; r < n; r++)
        {
          PARE_INDEPENDENT for (gint64 i = 0; i < inner; i++)
          {
            const float g = dy[r * inner + i], v = y[r * inner + i];
            dx[r * inner + i] = job->log ? g - pare_expf (v) * sums[i] : v * (g - sums[i]);
          }
        }
    }
  g_free (sums);
}

static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  guint axis;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require_float32 (infer, 0, error)
      || !pare_infer_require_float32 (infer, 1, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  if (pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape))
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its two inputs have different shapes.");
  return FALSE;
}

static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *shape = &kernel->inputs[1].shape;
  Job job = { .log = g_str_equal (kernel->node->op_type, "LogSoftmaxGrad"),
              .dy = kernel->inputs[0].data,
              .y = kernel->inputs[1].data,
              .dx = kernel->outputs[0].data };
  guint axis = 0;

  if (pare_shape_elements (shape) == 0)
    return TRUE;
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), shape->rank, &axis);
  job.n = shape->dims[axis];
  job.inner = pare_shape_span (shape, axis + 1, shape->rank);
  pare_parallel (pare_shape_span (shape, 0, axis), PARE_GRAIN / 8 / (job.n * job.inner),
                 job.inner == 1 ? dense_rows : planes, &job);
  return TRUE;
}

PARE_OPERATORS (softmaxgrad) = {
  { .name = "SoftmaxGrad",
    .domain = PARE_DOMAIN,
    .infer = gradient_infer,
    .forward = gradient_forward,
    .in_place = TRUE },
  { .name = "LogSoftmaxGrad",
    .domain = PARE_DOMAIN,
    .infer = gradient_infer,
    .forward = gradient_forward,
    .in_place = TRUE },
  { NULL },
};
