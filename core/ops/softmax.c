/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Softmax and LogSoftmax. Since opset 13 along one axis; before, over all axes from the given one on. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

/* The input as [outer, n, inner]; along n is normalised. */
typedef struct
{
  gint64 n, inner;
  gboolean log;
  const float *x;
  float *y;
} Job;

static gint64
default_axis (gint64 opset)
{
  return opset < 13 ? 1 : -1;
}

static gboolean
softmax_infer (PareInfer *infer, GError **error)
{
  guint axis;

  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_float, error)
         && pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", default_axis (infer->opset)),
                             infer->inputs[0].shape.rank, &axis, error)
         && pare_infer_same (infer, error);
}

#define LANES 16

PARE_INLINE float
row_max (const float *x, gint64 n)
{
  float lanes[LANES], largest;
  gint64 i = 0;

  for (int lane = 0; lane < LANES; lane++)
    lanes[lane] = -INFINITY;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  largest = lanes[0];
  for (int lane = 1; lane < LANES; lane++)
    largest = MAX (largest, lanes[lane]);
  for (; i < n; i++)
    largest = MAX (largest, x[i]);
  return largest;
}

PARE_INLINE float
row_sum (const float *x, gint64 n)
{
  float lanes[LANES] = { 0 }, sum = 0;
  gint64 i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] += x[i + lane];
  for (int lane = 0; lane < LANES; lane++)
    sum += lanes[lane];
  for (; i < n; i++)
    sum += x[i];
  return sum;
}

/* Rows [from, to) with inner 1. */
static PARE_VECTOR void
dense_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 k = from; k < to; k++)
    {
      const float *restrict x = job->x + k * job->n;
      float *restrict y = job->y + k * job->n;
      float largest = row_max (x, job->n), sum, shift;
      for (gint64 i = 0; i < job->n; i++)
        y[i] = pare_expf (x[i] - largest);
      sum = row_sum (y, job->n);
      shift = job->log ? largest + logf (sum) : 1 / sum;
      for (gint64 i = 0; i < job->n; i++)
        y[i] = job->log ? x[i] - shift : y[i] * shift;
    }
}

/* So many columns of a plane at once: their sums stay near. */
#define COLUMNS 256

PARE_INLINE void
columns (const Job *job, const float *restrict x, float *restrict y, gint64 count)
{
  gint64 n = job->n, inner = job->inner;
  float largest[COLUMNS], sum[COLUMNS];

  for (gint64 i = 0; i < count; i++)
    {
      largest[i] = -INFINITY;
      sum[i] = 0;
    }
  for (gint64 r = 0; r < n; r++)
    for (gint64 i = 0; i < count; i++)
      largest[i] = x[r * inner + i] > largest[i] ? x[r * inner + i] : largest[i];
  for (gint64 r = 0; r < n; r++)
    for (gint64 i = 0; i < count; i++)
      {
        y[r * inner + i] = pare_expf (x[r * inner + i] - largest[i]);
        sum[i] += y[r * inner + i];
      }
  for (gint64 i = 0; i < count; i++)
    sum[i] = job->log ? largest[i] + logf (sum[i]) : 1 / sum[i];
  for (gint64 r = 0; r < n; r++)
    for (gint64 i = 0; i < count; i++)
      y[r * inner + i] = job->log ? x[r * inner + i] - sum[i] : y[r * inner + i] * sum[i];
}

/* Planes [from, to) of [n, inner]; column by column would jump through the memory, so rows of columns. */
static PARE_VECTOR void
planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  gint64 size = job->n * job->inner;

  for (gint64 k = from; k < to; k++)
    for (gint64 i = 0; i < job->inner; i += COLUMNS)
      columns (job, job->x + k * size + i, job->y + k * size + i, MIN (COLUMNS, job->inner - i));
}

/* float64 is rare: one element after the other. */
static void
softmax_double (const PareKernel *kernel, gint64 outer, gint64 n, gint64 inner, gboolean in_log)
{
  for (gint64 k = 0; k < outer * inner; k++)
    {
      const double *x = (const double *)kernel->inputs[0].data + k / inner * n * inner + k % inner;
      double *y = (double *)kernel->outputs[0].data + k / inner * n * inner + k % inner;
      double largest = -INFINITY, sum = 0;
      for (gint64 i = 0; i < n; i++)
        largest = MAX (largest, x[i * inner]);
      for (gint64 i = 0; i < n; i++)
        sum += exp (x[i * inner] - largest);
      for (gint64 i = 0; i < n; i++)
        y[i * inner] = in_log ? x[i * inner] - largest - log (sum) : exp (x[i * inner] - largest) / sum;
    }
}

static gboolean
softmax_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  Job job = { .log = pare_node_is (kernel->node, "LogSoftmax"), .x = x->data, .y = kernel->outputs[0].data };
  gint64 outer;
  guint axis = 0;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, softmax_forward, error);
  if (pare_view_elements (x) == 0)
    return TRUE;
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", default_axis (kernel->opset)), x->shape.rank, &axis);
  outer = pare_shape_span (&x->shape, 0, axis);
  job.n = kernel->opset < 13 ? pare_shape_span (&x->shape, axis, x->shape.rank) : x->shape.dims[axis];
  job.inner = kernel->opset < 13 ? 1 : pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  if (x->type == PARE_FLOAT64)
    softmax_double (kernel, outer, job.n, job.inner, job.log);
  else
    pare_parallel (outer, PARE_GRAIN / 8 / (job.n * job.inner), job.inner == 1 ? dense_rows : planes, &job);
  return TRUE;
}

static gboolean
softmax_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  const char *op_type = pare_node_is (node, "LogSoftmax") ? "LogSoftmaxGrad" : "SoftmaxGrad";
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_output (node, 0) };

  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, PARE_DOMAIN, op_type, 2, inputs,
                                         pare_attribute_new_int ("axis", pare_node_get_int (node, "axis", -1)), NULL));
  return TRUE;
}

#define NOTE "8 bits for its output cost much accuracy"

PARE_OPERATORS (softmax) = {
  { .name = "Softmax",
    .infer = softmax_infer,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .quantize_note = NOTE },
  { .name = "LogSoftmax",
    .infer = softmax_infer,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .quantize_note = NOTE },
  { NULL },
};
