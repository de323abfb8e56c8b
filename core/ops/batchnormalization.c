/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BatchNormalization, inference form (ONNX operator BatchNormalization, versions 7 to 15):
 * y = scale (x - mean) / sqrt (variance + epsilon) + shift, per channel (axis 1). */
#include "exec/compile.h"
#include "ops/infer.h"
#include <math.h>

static const PareDataType float_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_BFLOAT16, PARE_FLOAT64, 0 };

static gboolean
batchnormalization_infer (PareInfer *infer, GError **error)
{
  gint64 channels;

  for (guint i = 0; i < 5; i++)
    if (!pare_infer_require (infer, i, float_types, error))
      return FALSE;
  if (!pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  if (pare_node_get_int (infer->node, "training_mode", 0)
      || (infer->n_outputs > 1 && infer->opset < 14 && infer->node->outputs->pdata[1]))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                       "the training form cannot be executed: export the model for inference.");
      return FALSE;
    }
  channels = infer->inputs[0].shape.rank > 1 ? infer->inputs[0].shape.dims[1] : 1;
  for (guint i = 1; i < 5; i++)
    if (pare_shape_elements (&infer->inputs[i].shape) != channels)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                         "input %u does not have one entry per channel (%" G_GINT64_FORMAT ").", i, channels);
        return FALSE;
      }
  infer->outputs[0] = infer->inputs[0];
  return TRUE;
}

static gboolean
batchnormalization_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  float epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f);
  gint64 channels = x->shape.rank > 1 ? x->shape.dims[1] : 1;
  gint64 inner = x->shape.rank > 2 ? pare_shape_span (&x->shape, 2, x->shape.rank) : 1;
  gint64 planes = inner ? pare_shape_elements (&x->shape) / inner : 0;
  const float *scale = kernel->inputs[1].data, *shift = kernel->inputs[2].data;
  const float *mean = kernel->inputs[3].data, *variance = kernel->inputs[4].data;

  for (guint i = 0; i < 5; i++)
    if (kernel->inputs[i].type != PARE_FLOAT32)
      {
        pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, kernel->node, "only float32 can be executed.");
        return FALSE;
      }
#pragma omp parallel for if (planes * inner > 1 << 16)
  for (gint64 p = 0; p < planes; p++)
    {
      gint64 c = p % channels;
      float factor = scale[c] / sqrtf (variance[c] + epsilon), offset = shift[c] - mean[c] * factor;
      const float *in = (const float *) x->data + p * inner;
      float *out = (float *) kernel->outputs[0].data + p * inner;
      for (gint64 i = 0; i < inner; i++)
        out[i] = in[i] * factor + offset;
    }
  return TRUE;
}

/* In whatever layout the input lies. */
static gboolean
batchnormalization_compile (PareCompile *compile, GError **error)
{
  static const PareArg args[] = { PARE_ARG_SRC, PARE_ARG_SCALE, PARE_ARG_SHIFT, PARE_ARG_MEAN, PARE_ARG_VARIANCE,
                                  PARE_ARG_DST };
  const PareInfer *infer = pare_compile_infer (compile);
  PareSlot *slots[6] = { pare_compile_input_as_is (compile, 0) };
  ParePrimitive *primitive;

  if (infer->inputs[0].type != PARE_FLOAT32 || !slots[0]->layout || pare_layout_is_plain (slots[0]->layout))
    return pare_compile_forward (compile, error);
  for (guint i = 1; i < 5; i++)
    if (!(slots[i] = pare_compile_input (compile, i, NULL, error)))
      return FALSE;
  primitive = pare_primitive_batch_normalization (slots[0]->layout,
                                                  pare_node_get_float (infer->node, "epsilon", 1e-5f), error);
  if (!primitive)
    return FALSE;
  slots[5] = pare_compile_output_over (compile, 0, slots[0]);
  pare_compile_primitive (compile, primitive, 6, args, slots);
  return TRUE;
}

PARE_OPERATORS (batchnormalization) = {
  { .name = "BatchNormalization", .infer = batchnormalization_infer, .forward = batchnormalization_forward,
    .compile = batchnormalization_compile, .in_place = TRUE,
    .quantize_note = "a BatchNormalization that could not be fused has no int8 kernel" },
  { NULL },
};
