/* SPDX-License-Identifier: LGPL-2.1-or-later
 * RMSNormalization (Zhang, Sennrich, Root Mean Square Layer Normalization, 2019; ONNX operator of that name): over all
 * axes from one on, y = scale x / sqrt (mean of x^2 + epsilon). */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include <math.h>

typedef struct
{
  gint64 n, n_scale;
  float epsilon;
  const float *x, *scale;
  float *y;
} Job;

static gboolean
rms_infer (PareInfer *infer, GError **error)
{
  guint axis;
  gint64 n, scales;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  n = pare_shape_span (&infer->inputs[0].shape, axis, infer->inputs[0].shape.rank);
  scales = pare_shape_elements (&infer->inputs[1].shape);
  if (scales == n || scales == 1)
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its scale is not as large as the normalised axes.");
  return FALSE;
}

static PARE_VECTOR void
normalize_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 row = from; row < to; row++)
    {
      const float *restrict x = job->x + row * job->n;
      float *restrict y = job->y + row * job->n;
      double sum = 0;
      float inverse;
      for (gint64 i = 0; i < job->n; i++)
        sum += (double)x[i] * x[i];
      inverse = 1 / sqrt (sum / job->n + job->epsilon);
      for (gint64 i = 0; i < job->n; i++)
        y[i] = x[i] * inverse * job->scale[job->n_scale == 1 ? 0 : i];
    }
}

static gboolean
rms_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  Job job = { .epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f) };
  guint axis = 0;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, rms_forward, error);
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), x->shape.rank, &axis);
  job.n = pare_shape_span (&x->shape, axis, x->shape.rank);
  job.n_scale = pare_view_elements (&kernel->inputs[1]);
  job.x = x->data;
  job.scale = kernel->inputs[1].data;
  job.y = kernel->outputs[0].data;
  pare_parallel (pare_shape_span (&x->shape, 0, axis), PARE_GRAIN / 2 / MAX (job.n, 1), normalize_rows, &job);
  return TRUE;
}

PARE_OPERATORS (rmsnormalization) = {
  { .name = "RMSNormalization",
    .since = 23,
    .infer = rms_infer,
    .forward = rms_forward,
    .quantize_note = "its mean needs more than 8 bits" },
  { NULL },
};
