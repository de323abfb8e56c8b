/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LayerNormalization (over all axes from one on) and InstanceNormalization (over the spatial axes):
 * y = scale (x - mean) / sqrt (variance + epsilon) + shift. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>

/* Rows of @n numbers. A row's scale and shift are an array of @n, or with @channels one number per row, in turns. */
typedef struct
{
  gint64 n, channels;
  float epsilon;
  const float *x, *scale, *shift;
  float *y, *means, *deviations; /* mean and 1 / standard deviation of each row, or NULL */
} Job;

#define LANES 8

/* Sum of (x - center)^power over a row, power 1 or 2. */
PARE_INLINE double
row_sum (const float *x, gint64 n, double center, gboolean squared)
{
  double lanes[LANES] = { 0 }, sum = 0;
  gint64 i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] += (x[i + lane] - center) * (squared ? x[i + lane] - center : 1);
  for (; i < n; i++)
    sum += (x[i] - center) * (squared ? x[i] - center : 1);
  for (int lane = 0; lane < LANES; lane++)
    sum += lanes[lane];
  return sum;
}

static PARE_VECTOR void
normalize_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 row = from; row < to; row++)
    {
      const float *restrict x = job->x + row * job->n;
      float *restrict y = job->y + row * job->n;
      float mean = row_sum (x, job->n, 0, FALSE) / job->n;
      float inverse = 1 / sqrt (row_sum (x, job->n, mean, TRUE) / job->n + job->epsilon);
      gint64 channel = job->channels ? row % job->channels : 0;
      if (job->channels)
        for (gint64 i = 0; i < job->n; i++)
          y[i] = (x[i] - mean) * (inverse * job->scale[channel]) + job->shift[channel];
      else
        for (gint64 i = 0; i < job->n; i++)
          y[i] = (x[i] - mean) * inverse * job->scale[i] + (job->shift ? job->shift[i] : 0);
      if (job->means)
        job->means[row] = mean;
      if (job->deviations)
        job->deviations[row] = inverse;
    }
}

static gboolean
layer_infer (PareInfer *infer, GError **error)
{
  const PareShape *x;
  guint axis, n_inputs = infer->n_inputs;

  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), infer->inputs[0].shape.rank, &axis,
                           error))
    return FALSE;
  x = &infer->inputs[0].shape;
  for (guint i = 1; i < n_inputs; i++)
    {
      PareShape row = pare_shape (x->rank - axis, x->dims + axis);
      if (i == 2 && !pare_infer_has (infer, 2))
        continue;
      if (!pare_infer_require (infer, i, pare_types_widened, error))
        return FALSE;
      if (pare_shape_elements (&infer->inputs[i].shape) == pare_shape_elements (&row))
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u is not as large as the normalised axes.", i);
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  for (guint i = 1; i <= 2; i++)
    if (pare_infer_wants (infer, i))
      {
        infer->outputs[i] = (PareSpec){ PARE_FLOAT32, *x };
        for (guint d = axis; d < x->rank; d++)
          infer->outputs[i].shape.dims[d] = 1;
      }
  return TRUE;
}

static gboolean
layer_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  Job job = { .epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f), .x = x->data };
  guint axis = 0;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, layer_forward, error);
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), x->shape.rank, &axis);
  job.n = pare_shape_span (&x->shape, axis, x->shape.rank);
  job.scale = kernel->inputs[1].data;
  job.shift = pare_kernel_has (kernel, 2) ? kernel->inputs[2].data : NULL;
  job.y = kernel->outputs[0].data;
  job.means = pare_kernel_wants (kernel, 1) ? kernel->outputs[1].data : NULL;
  job.deviations = pare_kernel_wants (kernel, 2) ? kernel->outputs[2].data : NULL;
  pare_parallel (pare_shape_span (&x->shape, 0, axis), PARE_GRAIN / 2 / MAX (job.n, 1), normalize_rows, &job);
  return TRUE;
}

static gboolean
instance_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 3, 3, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!pare_infer_require (infer, i, pare_types_widened, error))
      return FALSE;
  if (infer->inputs[0].shape.rank < 2 || pare_shape_elements (&infer->inputs[1].shape) != infer->inputs[0].shape.dims[1]
      || pare_shape_elements (&infer->inputs[2].shape) != infer->inputs[0].shape.dims[1])
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has not one scale and one shift per channel.");
      return FALSE;
    }
  return pare_infer_same (infer, error);
}

static gboolean
instance_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  Job job = { pare_shape_span (&x->shape, 2, x->shape.rank), x->shape.dims[1],
              pare_node_get_float (kernel->node, "epsilon", 1e-5f), x->data };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, instance_forward, error);
  job.scale = kernel->inputs[1].data;
  job.shift = kernel->inputs[2].data;
  job.y = kernel->outputs[0].data;
  pare_parallel (pare_shape_span (&x->shape, 0, 2), PARE_GRAIN / 2 / MAX (job.n, 1), normalize_rows, &job);
  return TRUE;
}

static gboolean
normalization_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  const char *op_type
      = pare_node_is (node, "LayerNormalization") ? "LayerNormalizationGrad" : "InstanceNormalizationGrad";
  PareValue *dx = pare_gradient_node (
      gradient, PARE_DOMAIN, op_type, 3,
      (PareValue *[]){ pare_gradient_of_output (gradient, 0), pare_node_input (node, 0), pare_node_input (node, 1) },
      pare_attribute_new_float ("epsilon", pare_node_get_float (node, "epsilon", 1e-5f)),
      pare_attribute_new_int ("axis", pare_node_get_int (node, "axis", -1)), NULL);
  PareValue *dscale = pare_gradient_add_output (gradient, dx), *dshift = pare_gradient_add_output (gradient, dx);

  pare_gradient_add (gradient, 0, dx);
  pare_gradient_add (gradient, 1, dscale);
  pare_gradient_add (gradient, 2, dshift);
  return TRUE;
}

#define NOTE "its mean and variance need more than 8 bits"

/* An instance normalizes each channel by itself. */
static void
instance_channels (PareChannelWalk *channels)
{
  pare_channels_carry (channels, 1, 2);
  pare_channels_window (channels);
}

static gboolean
layer_affine (const PareNode *node, PareAffineTrait *trait)
{
  const PareTensor *scale = pare_node_constant (node, 1);

  *trait = (PareAffineTrait){ .scale = 1, .shift = 2, .axis = -1 };
  return scale && scale->shape.rank == 1;
}

static gboolean
instance_affine (const PareNode *node, PareAffineTrait *trait)
{
  *trait = (PareAffineTrait){ .scale = 1, .shift = 2, .axis = 1 };
  return TRUE;
}

#define LAYER                                                                                                          \
  .name = "LayerNormalization", .infer = layer_infer, .forward = layer_forward, .backward = normalization_backward,    \
  .affine = layer_affine, .quantize_note = NOTE

PARE_OPERATORS (layernormalization) = {
  { .since = 17, LAYER },
  /* Stands for a spelled out one in networks whose opset is older. */
  { .domain = PARE_DOMAIN, LAYER },
  { .name = "InstanceNormalization",
    .since = 6,
    .infer = instance_infer,
    .forward = instance_forward,
    .backward = normalization_backward,
    .affine = instance_affine,
    .channels = instance_channels,
    .quantize_note = NOTE },
  { NULL },
};
