/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LRN (Krizhevsky et al. 2012): y = x / (bias + alpha / size * s)^beta, s the squares of @size neighbouring channels.
 */
#include "ops/infer.h"
#include "ops/parallel.h"
#include <math.h>

typedef struct
{
  gint64 channels, inner, before, after;
  float alpha, beta, bias;
  const float *x;
  float *y;
} Job;

static gboolean
lrn_infer (PareInfer *infer, GError **error)
{
  gint64 size = pare_node_get_int (infer->node, "size", 0);

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_widened, error))
    return FALSE;
  if (infer->inputs[0].shape.rank >= 2 && size >= 1 && size <= G_MAXINT16)
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its size is impossible, or its input has no channels.");
  return FALSE;
}

/* Planes [from, to) of [batch, channels]. */
static void
normalize_planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 plane = from; plane < to; plane++)
    {
      gint64 channel = plane % job->channels;
      gint64 low = -MIN (channel, job->before), high = MIN (job->channels - 1 - channel, job->after);
      const float *x = job->x + plane * job->inner;
      for (gint64 i = 0; i < job->inner; i++)
        {
          float squares = 0;
          for (gint64 c = low; c <= high; c++)
            squares += x[c * job->inner + i] * x[c * job->inner + i];
          job->y[plane * job->inner + i] = x[i] / powf (job->bias + job->alpha * squares, job->beta);
        }
    }
}

static gboolean
lrn_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gint64 size = pare_node_get_int (kernel->node, "size", 1);
  Job job = { x->shape.dims[1],
              pare_shape_span (&x->shape, 2, x->shape.rank),
              (size - 1) / 2,
              size / 2,
              pare_node_get_float (kernel->node, "alpha", 1e-4f) / size,
              pare_node_get_float (kernel->node, "beta", 0.75f),
              pare_node_get_float (kernel->node, "bias", 1) };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, lrn_forward, error);
  job.x = x->data;
  job.y = kernel->outputs[0].data;
  pare_parallel (x->shape.dims[0] * job.channels, PARE_GRAIN / 16 / MAX (job.inner, 1), normalize_planes, &job);
  return TRUE;
}

PARE_OPERATORS (lrn) = {
  { .name = "LRN",
    .infer = lrn_infer,
    .forward = lrn_forward,
    .quantize_note = "its sum of squares needs more than 8 bits" },
  { NULL },
};
