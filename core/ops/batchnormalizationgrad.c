/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of BatchNormalization by input, scale and shift: pare.BatchNormalizationGrad (dy, x, scale, mean,
 * variance), with the forward node's attributes. In training mode mean and variance are the batch's own and depend on x
 * (Ioffe and Szegedy, Batch Normalization, 2015, section 3). */
#include "ops/backward.h"
#include "ops/infer.h"
#include <math.h>

static gboolean
batchnormalizationgrad_infer (PareInfer *infer, GError **error)
{
  if (!pare_backward_require (infer, 5, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[1];
  for (guint i = 1; i < 3; i++)
    if (pare_infer_wants (infer, i))
      infer->outputs[i] = infer->inputs[2];
  return TRUE;
}

/* By the formulas, for ranks that oneDNN does not take, and the reference for it. */
static gboolean
batchnormalizationgrad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[1];
  const float *dy = kernel->inputs[0].data, *in = x->data, *scale = kernel->inputs[2].data;
  const float *mean = kernel->inputs[3].data, *variance = kernel->inputs[4].data;
  float epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f);
  gboolean training = pare_node_get_int (kernel->node, "training_mode", 0) != 0;
  gint64 channels = x->shape.rank > 1 ? x->shape.dims[1] : 1;
  gint64 inner = x->shape.rank > 2 ? pare_shape_span (&x->shape, 2, x->shape.rank) : 1;
  gint64 n = pare_view_elements (x) / MAX (channels, 1);
  float *dx = kernel->outputs[0].data;

  for (gint64 c = 0; c < channels; c++)
    {
      double inverse = 1 / sqrt ((double)variance[c] + epsilon), by_scale = 0, by_shift = 0;
      for (gint64 i = 0; i < n; i++)
        {
          gint64 at = (i / inner * channels + c) * inner + i % inner;
          by_scale += dy[at] * (in[at] - mean[c]) * inverse;
          by_shift += dy[at];
        }
      for (gint64 i = 0; i < n; i++)
        {
          gint64 at = (i / inner * channels + c) * inner + i % inner;
          double centred = training ? dy[at] - (by_shift + (in[at] - mean[c]) * inverse * by_scale) / n : dy[at];
          dx[at] = scale[c] * inverse * centred;
        }
      if (pare_kernel_wants (kernel, 1))
        ((float *)kernel->outputs[1].data)[c] = by_scale;
      if (pare_kernel_wants (kernel, 2))
        ((float *)kernel->outputs[2].data)[c] = by_shift;
    }
  return TRUE;
}

/* In whatever layout the forward's input lies. */
static gboolean
batchnormalizationgrad_compile (PareCompile *compile, GError **error)
{
  static const PareArg args[]
      = { PARE_ARG_DIFF_DST, PARE_ARG_SRC,        PARE_ARG_SCALE,      PARE_ARG_MEAN, PARE_ARG_VARIANCE,
          PARE_ARG_DIFF_SRC, PARE_ARG_DIFF_SCALE, PARE_ARG_DIFF_SHIFT, PARE_ARG_SHIFT };
  const PareInfer *infer = pare_compile_infer (compile);
  gboolean frozen = pare_node_get_int (infer->node, "training_mode", 0) == 0;
  guint rank = infer->inputs[1].shape.rank;
  PareSlot *slots[9] = { NULL, pare_compile_input_as_is (compile, 1) };
  ParePrimitive *primitive;

  if (!slots[1]->layout || rank < 2 || rank > 5)
    return pare_compile_forward (compile, error);
  if (!(slots[0] = pare_compile_input (compile, 0, slots[1]->layout, error)))
    return FALSE;
  for (guint i = 2; i < 5; i++)
    if (!(slots[i] = pare_compile_input (compile, i, NULL, error)))
      return FALSE;
  primitive = pare_primitive_batch_normalization_backward (
      slots[1]->layout, pare_node_get_float (infer->node, "epsilon", 1e-5f), frozen, error);
  if (!primitive)
    return FALSE;
  slots[5] = pare_compile_output_over (compile, 0, slots[0]);
  for (guint i = 1; i < 3; i++)
    if (!(slots[5 + i] = pare_backward_output (compile, i, &infer->inputs[2], NULL, error)))
      {
        pare_primitive_free (primitive);
        return FALSE;
      }
  slots[8] = slots[2]; /* oneDNN wants a shift to be there and does not read it */
  pare_compile_primitive (compile, primitive, 9, args, slots);
  return TRUE;
}

PARE_OPERATORS (batchnormalizationgrad) = {
  { .name = "BatchNormalizationGrad",
    .domain = PARE_DOMAIN,
    .infer = batchnormalizationgrad_infer,
    .forward = batchnormalizationgrad_forward,
    .compile = batchnormalizationgrad_compile },
  { NULL },
};
