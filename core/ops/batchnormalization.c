/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BatchNormalization (ONNX operator BatchNormalization, versions 7 to 15):
 * y = scale (x - mean) / sqrt (variance + epsilon) + shift, per channel (axis 1). In the training form (version 14 on)
 * mean and population variance are the batch's, and outputs 1 and 2 are the running averages; outputs 3 and 4, which
 * the specification has not, are the batch's own mean and variance for the backward pass. */
#include "ops/backward.h"
#include "ops/batchnormalization.h"
#include "ops/channelwise.h"
#include "ops/infer.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
#include <math.h>
#include <string.h>

#define TRAINING_OUTPUTS 5

static const PareDataType float_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_BFLOAT16, PARE_FLOAT64, 0 };

static gboolean
is_training (const PareNode *node)
{
  return pare_node_get_int (node, "training_mode", 0) != 0;
}

static gboolean
batchnormalization_infer (PareInfer *infer, GError **error)
{
  gint64 channels;

  for (guint i = 0; i < 5; i++)
    if (!pare_infer_require (infer, i, float_types, error))
      return FALSE;
  if (!pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  if (!is_training (infer->node) && infer->n_outputs > 1 && infer->node->outputs->pdata[1])
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                       "statistics are asked for outside of training_mode: export the model for inference.");
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
  for (guint i = 1; i < MIN (infer->n_outputs, TRAINING_OUTPUTS); i++)
    infer->outputs[i] = infer->inputs[3];
  return TRUE;
}

/* Mean and population variance of channel @c, in double: the reference for the fast form. */
static void
channel_statistics (const float *x, gint64 outer, gint64 channels, gint64 inner, gint64 c, float *mean, float *variance)
{
  gint64 n = outer * inner;
  double sum = 0, squares = 0;

  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < inner; i++)
      sum += x[(o * channels + c) * inner + i];
  sum /= MAX (n, 1);
  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < inner; i++)
      squares += (x[(o * channels + c) * inner + i] - sum) * (x[(o * channels + c) * inner + i] - sum);
  *mean = sum;
  *variance = squares / MAX (n, 1);
}

/* running = momentum running + (1 - momentum) batch */
static void
update_running (gint64 channels, float momentum, const float *before, const float *batch, float *after)
{
  for (gint64 c = 0; c < channels; c++)
    after[c] = before[c] * momentum + batch[c] * (1 - momentum);
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
  float momentum = pare_node_get_float (kernel->node, "momentum", 0.9f);
  gboolean training = is_training (kernel->node);
  g_autofree float *batch = training ? g_new (float, 2 * channels + 1) : NULL;

  for (guint i = 0; i < 5; i++)
    if (!pare_kernel_require_float32 (kernel, i, error))
      return FALSE;
  for (gint64 c = 0; training && c < channels; c++)
    channel_statistics (x->data, planes / MAX (channels, 1), channels, inner, c, &batch[c], &batch[channels + c]);
  for (guint i = 1; training && i < TRAINING_OUTPUTS; i++)
    if (pare_kernel_wants (kernel, i))
      update_running (channels, i < 3 ? momentum : 0, kernel->inputs[i % 2 ? 3 : 4].data,
                      batch + (i % 2 ? 0 : channels), kernel->outputs[i].data);
  if (training)
    {
      mean = batch;
      variance = batch + channels;
    }
#pragma omp parallel for if (planes * inner > 1 << 16)
  for (gint64 p = 0; p < planes; p++)
    {
      gint64 c = p % channels;
      float factor = scale[c] / sqrtf (variance[c] + epsilon), offset = shift[c] - mean[c] * factor;
      const float *in = (const float *)x->data + p * inner;
      float *out = (float *)kernel->outputs[0].data + p * inner;
      for (gint64 i = 0; i < inner; i++)
        out[i] = in[i] * factor + offset;
    }
  return TRUE;
}

void
pare_batchnormalization_affine (gint64 channels, float epsilon, const float *scale, const float *shift,
                                const float *mean, const float *variance, float *factor, float *offset)
{
  for (gint64 c = 0; c < channels; c++)
    {
      factor[c] = scale[c] / sqrtf (variance[c] + epsilon);
      offset[c] = shift[c] - mean[c] * factor[c];
    }
}

static gboolean
run_update (gpointer state, PareSlot *const *slots, GError **error)
{
  const float *momentum = state;

  update_running (pare_shape_elements (&slots[0]->spec.shape), *momentum, slots[0]->data, slots[1]->data,
                  slots[2]->data);
  return TRUE;
}

/* @inputs: the running averages before, @batch: the batch's; mean and variance each. */
static gboolean
compile_updates (PareCompile *compile, PareSlot *const *inputs, PareSlot *const *batch, GError **error)
{
  const PareNode *node = pare_compile_infer (compile)->node;
  float momentum = pare_node_get_float (node, "momentum", 0.9f);

  for (guint i = 0; i < 2; i++)
    {
      PareSlot *slots[3] = { inputs[i], batch[i] };
      if (!pare_infer_wants (pare_compile_infer (compile), 1 + i))
        continue;
      if (!(slots[2] = pare_compile_output (compile, 1 + i, NULL, error)))
        return FALSE;
      pare_compile_step (compile, run_update, g_memdup2 (&momentum, sizeof momentum), g_free, 3, slots);
    }
  return TRUE;
}

typedef struct
{
  PareChannels channels;
  float epsilon;
  gboolean relu;
} Training;

/* Slots: x, scale, shift, mean, variance, y, sums, what is added. */
static gboolean
run_training (gpointer state, PareSlot *const *slots, GError **error)
{
  const Training *training = state;
  const float *scale = slots[1]->data, *shift = slots[2]->data;
  float *mean = slots[3]->data, *variance = slots[4]->data;
  gint64 padded = pare_channels_padded (&training->channels);
  g_autofree float *affine = g_new0 (float, 2 * padded);

  pare_channels_statistics (&training->channels, slots[0]->data, slots[6]->data, mean, variance);
  pare_batchnormalization_affine (training->channels.channels, training->epsilon, scale, shift, mean, variance, affine,
                                  affine + padded);
  pare_channels_apply (&training->channels, slots[0]->data,
                       &(PareAffine){ affine, affine + padded, training->relu, slots[7] ? slots[7]->data : NULL },
                       slots[5]->data);
  return TRUE;
}

static gboolean
compile_training (PareCompile *compile, PareSlot *x, const PareChannels *channels, GError **error)
{
  const PareChain *chain = pare_compile_chain (compile);
  const PareInfer *infer = pare_compile_infer (compile);
  PareSpec sums = { PARE_FLOAT32, { 1, { pare_channels_planes (channels) * PARE_CHANNEL_SUMS } } };
  PareSlot *slots[8] = { x }, *running[2];
  Training *training;

  for (guint i = 0; i < 2; i++)
    if (!(slots[1 + i] = pare_compile_input (compile, 1 + i, NULL, error))
        || !(running[i] = pare_compile_input (compile, 3 + i, NULL, error))
        || !(slots[3 + i] = pare_backward_output (compile, 3 + i, &infer->inputs[3], NULL, error)))
      return FALSE;
  if (chain && chain->sum && !(slots[7] = pare_compile_sum (compile, x->layout, error)))
    return FALSE;
  slots[5] = pare_compile_output_over (compile, 0, x);
  slots[6] = pare_compile_temporary (compile, &sums, NULL);
  training = g_new (Training, 1);
  *training = (Training){ *channels, pare_node_get_float (infer->node, "epsilon", 1e-5f),
                          chain && chain->post_ops.n && !chain->post_ops.ops[chain->post_ops.n - 1].is_sum };
  pare_compile_step (compile, run_training, training, g_free, 8, slots);
  return compile_updates (compile, running, slots + 3, error);
}

/* In whatever layout the input lies. */
static gboolean
batchnormalization_compile (PareCompile *compile, GError **error)
{
  static const PareArg args[]
      = { PARE_ARG_SRC, PARE_ARG_SCALE, PARE_ARG_SHIFT, PARE_ARG_MEAN, PARE_ARG_VARIANCE, PARE_ARG_DST };
  const PareInfer *infer = pare_compile_infer (compile);
  PareSlot *slots[6] = { pare_compile_input_as_is (compile, 0) };
  PareChannels channels;
  ParePrimitive *primitive;

  if (infer->inputs[0].type != PARE_FLOAT32 || !slots[0]->layout)
    return pare_compile_forward (compile, error);
  if (is_training (infer->node))
    {
      if (!pare_layout_channels (slots[0]->layout, &channels)
          && (!(slots[0] = pare_compile_input (compile, 0, NULL, error))
              || !pare_layout_channels (slots[0]->layout, &channels)))
        return pare_compile_forward (compile, error);
      return compile_training (compile, slots[0], &channels, error);
    }
  if (pare_layout_is_plain (slots[0]->layout))
    return pare_compile_forward (compile, error);
  for (guint i = 1; i < 5; i++)
    if (!(slots[i] = pare_compile_input (compile, i, NULL, error)))
      return FALSE;
  primitive = pare_primitive_batch_normalization (slots[0]->layout, pare_node_get_float (infer->node, "epsilon", 1e-5f),
                                                  error);
  if (!primitive)
    return FALSE;
  slots[5] = pare_compile_output_over (compile, 0, slots[0]);
  pare_compile_primitive (compile, primitive, 6, args, slots);
  return TRUE;
}

/* In training. What else it computes is read by nothing that may stand between it and the end of the chain. */
static gboolean
batchnormalization_applies_chain (const PareInfer *infer)
{
  if (!is_training (infer->node) || infer->inputs[0].type != PARE_FLOAT32 || infer->inputs[0].shape.rank < 2)
    return FALSE;
  for (guint i = 1; i < infer->node->outputs->len; i++)
    {
      const PareValue *value = infer->node->outputs->pdata[i];
      for (guint c = 0; value && c < value->consumers->len; c++)
        if (g_strcmp0 (((PareNode *)value->consumers->pdata[c])->domain, PARE_DOMAIN))
          return FALSE;
    }
  return TRUE;
}

/* When all that follows is a Relu, its gradient is computed on the way: @dy becomes the gradient by the Relu's output.
 */
static gboolean
absorb_relu (const PareNode *node, PareValue **dy)
{
  const PareNode *gradient = (*dy)->producer, *relu;
  PareValue *output;

  if (!gradient || g_strcmp0 (gradient->domain, PARE_DOMAIN) || strcmp (gradient->op_type, "ReluGrad"))
    return FALSE;
  output = pare_node_input (gradient, 1);
  relu = output->producer;
  if (!relu || !pare_node_is (relu, "Relu") || pare_node_input (relu, 0) != pare_node_output (node, 0))
    return FALSE;
  *dy = pare_node_input (gradient, 0);
  return TRUE;
}

static gboolean
batchnormalization_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0),
                          pare_node_input (node, 0),
                          pare_node_input (node, 1),
                          pare_node_input (node, 3),
                          pare_node_input (node, 4),
                          pare_node_input (node, 2) };
  gboolean relu;
  PareNode *made;

  if (!inputs[0])
    return TRUE;
  if (is_training (node))
    {
      inputs[3] = pare_gradient_saved_output (gradient, 3);
      inputs[4] = pare_gradient_saved_output (gradient, 4);
    }
  relu = absorb_relu (node, &inputs[0]);
  made = pare_backward_node (gradient, "BatchNormalizationGrad", node, relu ? 6 : 5, inputs, 3);
  for (guint i = 0; i < 3; i++)
    if (pare_gradient_wanted (gradient, i))
      pare_gradient_add (gradient, i, pare_node_output (made, i));
  return TRUE;
}

static void
batchnormalization_channels (PareChannelWalk *channels)
{
  pare_channels_carry (channels, 1, 4);
  pare_channels_window (channels);
}

static gboolean
batchnormalization_by_sample (const PareInfer *infer)
{
  return !is_training (infer->node) && pare_samples_alone (infer);
}

static gboolean
batchnormalization_affine (const PareNode *node, PareAffineTrait *trait)
{
  *trait = (PareAffineTrait){ .scale = 1, .shift = 2, .axis = 1 };
  return TRUE;
}

PARE_OPERATORS (batchnormalization) = {
  { .name = "BatchNormalization",
    .infer = batchnormalization_infer,
    .forward = batchnormalization_forward,
    .compile = batchnormalization_compile,
    .backward = batchnormalization_backward,
    .applies_chain = batchnormalization_applies_chain,
    .by_sample = batchnormalization_by_sample,
    .in_place = TRUE,
    .affine = batchnormalization_affine,
    .quantize = PARE_QUANTIZE_NORMALIZE,
    .channels = batchnormalization_channels,
    .quantize_note = "a BatchNormalization that could not be fused has no int8 kernel" },
  { NULL },
};
