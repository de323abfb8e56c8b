/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GroupNormalization (Wu, He, Group Normalization, 2018; ONNX operator of that name): channels in groups,
 * y = scale (x - mean) / sqrt (variance + epsilon) + bias with mean and variance of a sample's group. Scale and bias
 * are per group in version 18 and per channel since 21. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/samples.h"
#include "ops/vector.h"
#include <math.h>

/* Rows of @n numbers: @channels channels of @inner each. */
typedef struct
{
  gint64 groups, channels, inner;
  gboolean by_group; /* of scale and bias */
  float epsilon;
  const float *x, *scale, *bias;
  float *y;
} Job;

static gboolean
group_infer (PareInfer *infer, GError **error)
{
  gint64 groups = pare_node_get_int (infer->node, "num_groups", 0), wanted;
  const PareShape *x;

  if (!pare_infer_counts (infer, 3, 3, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!pare_infer_require (infer, i, pare_types_widened, error))
      return FALSE;
  x = &infer->inputs[0].shape;
  if (x->rank < 2 || groups < 1 || x->dims[1] % groups)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its channels do not divide into %" G_GINT64_FORMAT " groups.", groups);
      return FALSE;
    }
  wanted = infer->opset < 21 ? groups : x->dims[1];
  if (pare_shape_elements (&infer->inputs[1].shape) != wanted
      || pare_shape_elements (&infer->inputs[2].shape) != wanted)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its scale or bias has not one number per %s.",
                       infer->opset < 21 ? "group" : "channel");
      return FALSE;
    }
  return pare_infer_same (infer, error);
}

static PARE_VECTOR void
normalize_groups (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  gint64 n = job->channels * job->inner;

  for (gint64 row = from; row < to; row++)
    {
      const float *restrict x = job->x + row * n;
      double sum = 0, squares = 0, mean, inverse;
      gint64 group = row % job->groups;
      for (gint64 i = 0; i < n; i++)
        sum += x[i];
      mean = sum / n;
      for (gint64 i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
      inverse = 1 / sqrt (squares / n + job->epsilon);
      for (gint64 c = 0; c < job->channels; c++)
        {
          gint64 at = job->by_group ? group : group * job->channels + c;
          float factor = inverse * job->scale[at], shift = job->bias[at] - mean * factor;
          float *restrict y = job->y + row * n + c * job->inner;
          for (gint64 i = 0; i < job->inner; i++)
            y[i] = x[c * job->inner + i] * factor + shift;
        }
    }
}

static gboolean
group_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  Job job = { .groups = pare_node_get_int (kernel->node, "num_groups", 1),
              .inner = pare_shape_span (&x->shape, 2, x->shape.rank),
              .by_group = kernel->opset < 21,
              .epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f) };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, group_forward, error);
  if (pare_view_elements (x) == 0)
    return TRUE;
  job.channels = x->shape.dims[1] / job.groups;
  job.x = x->data;
  job.scale = kernel->inputs[1].data;
  job.bias = kernel->inputs[2].data;
  job.y = kernel->outputs[0].data;
  pare_parallel (x->shape.dims[0] * job.groups, MAX (PARE_GRAIN / 2 / (job.channels * job.inner), 1), normalize_groups,
                 &job);
  return TRUE;
}

PARE_OPERATORS (groupnormalization) = {
  { .name = "GroupNormalization",
    .since = 18,
    .infer = group_infer,
    .forward = group_forward,
    .by_sample = pare_samples_alone,
    .quantize_note = "its mean and variance need more than 8 bits" },
  { NULL },
};
