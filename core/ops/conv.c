/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Conv (ONNX operator Conv, versions 1 and 11). */
#include "ops/backward.h"
#include "ops/conv.h"
#include "ops/infer.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
#include "ops/winograd.h"

/* oneDNN slides over three axes at most. */
#define MAX_RANK 5

static const PareDataType float_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_BFLOAT16, PARE_FLOAT64, 0 };

static gboolean
conv_infer (PareInfer *infer, GError **error)
{
  const PareShape *x, *w;
  PareWindow window;
  PareShape y;
  gint64 groups = pare_node_get_int (infer->node, "group", 1);

  if (!pare_infer_require (infer, 0, float_types, error) || !pare_infer_require (infer, 1, float_types, error)
      || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  x = &infer->inputs[0].shape;
  w = &infer->inputs[1].shape;
  if (w->rank != x->rank || x->rank < 3 || x->rank > MAX_RANK || groups < 1 || w->dims[1] != x->dims[1] / groups
      || w->dims[0] % groups || x->dims[1] % groups || !x->dims[1])
    {
      g_autofree char *x_text = pare_shape_to_string (x), *w_text = pare_shape_to_string (w);
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "weight %s does not fit input %s with %" G_GINT64_FORMAT " groups.", w_text, x_text, groups);
      return FALSE;
    }
  if (!pare_window_read (infer->node, x, w->dims + 2, &window, error))
    return FALSE;
  if (infer->n_inputs > 2 && infer->inputs[2].type != PARE_UNDEFINED
      && pare_shape_elements (&infer->inputs[2].shape) != w->dims[0])
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the bias does not have one entry per output channel.");
      return FALSE;
    }
  y = *x;
  y.dims[1] = w->dims[0];
  for (guint i = 0; i < window.n; i++)
    if ((y.dims[2 + i] = pare_window_output (&window, i, x->dims[2 + i], FALSE)) == 0)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the kernel is larger than the padded input.");
        return FALSE;
      }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, y };
  return TRUE;
}

/* oneDNN wants an axis of its own for groups. */
static PareSpec
grouped_weights (const PareSpec *weights, gint64 groups)
{
  PareSpec grouped = *weights;

  if (groups == 1)
    return grouped;
  grouped.shape.rank++;
  grouped.shape.dims[0] = groups;
  grouped.shape.dims[1] = weights->shape.dims[0] / groups;
  for (guint i = 1; i < weights->shape.rank; i++)
    grouped.shape.dims[i + 1] = weights->shape.dims[i];
  return grouped;
}

void
pare_convolution_clear (PareConvolution *convolution)
{
  g_clear_pointer (&convolution->stored, pare_layout_free);
}

gboolean
pare_conv_describe (const PareNode *node, const PareSpec *x, const PareSpec *w, PareConvolution *convolution,
                    GError **error)
{
  convolution->transposed = FALSE;
  convolution->weights = grouped_weights (w, pare_node_get_int (node, "group", 1));
  if (!pare_window_read (node, &x->shape, w->shape.dims + 2, &convolution->window, error))
    return FALSE;
  convolution->stored = pare_layout_new_plain (&convolution->weights);
  return TRUE;
}

/* Whether the graph goes on with gradients of this convolution. */
static gboolean
is_differentiated (const PareNode *node)
{
  for (guint i = 0; i < 2; i++)
    {
      const GPtrArray *consumers = ((PareValue *)node->inputs->pdata[i])->consumers;
      for (guint c = 0; c < consumers->len; c++)
        if (g_strcmp0 (((PareNode *)consumers->pdata[c])->domain, PARE_DOMAIN) == 0
            && g_str_has_prefix (((PareNode *)consumers->pdata[c])->op_type, node->op_type))
          return TRUE;
    }
  return FALSE;
}

/* Weights are as the file has them and data does not come from integers: where they do, runtimes compute exactly, and
 * the last digits decide to which side a value is rounded next. */
static gboolean
is_float (const PareNode *node)
{
  const PareNode *producer = ((PareValue *)node->inputs->pdata[0])->producer;

  return pare_node_constant (node, 1) && !(producer && pare_node_is (producer, "DequantizeLinear"));
}

gboolean
pare_convolution_compile (PareCompile *compile, const PareConvolution *convolution, const ParePostOps *post_ops,
                          GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareSpec *inputs = infer->inputs;
  gboolean has_bias = infer->n_inputs > 2 && inputs[2].type != PARE_UNDEFINED;
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_WEIGHTS, PARE_ARG_DST, PARE_ARG_BIAS };
  PareSlot *slots[4] = { NULL };
  g_autoptr (PareLayout) src = NULL, dst = NULL, wanted = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  gboolean training = is_differentiated (infer->node);
  PareWinograd winograd;

  if ((training || is_float (infer->node))
      && pare_winograd_describe (convolution, &inputs[0], &infer->outputs[0], post_ops, &winograd)
      && (training || pare_winograd_pays (&winograd)))
    {
      if (!training)
        pare_winograd_follow (&winograd, pare_compile_input_as_is (compile, 0)->layout);
      return pare_winograd_compile (compile, &winograd, has_bias, error);
    }
  primitive = (training ? pare_primitive_convolution_training : pare_primitive_convolution) (
      &inputs[0], &convolution->weights, has_bias ? &inputs[2] : NULL, &infer->outputs[0], &convolution->window,
      convolution->transposed, post_ops, error);
  if (!primitive)
    return FALSE;
  src = pare_primitive_layout (primitive, PARE_ARG_SRC);
  dst = pare_primitive_layout (primitive, PARE_ARG_DST);
  wanted = pare_primitive_layout (primitive, PARE_ARG_WEIGHTS);
  if (!(slots[0] = pare_compile_input (compile, 0, src, error))
      || !(slots[1] = pare_compile_input_from (compile, 1, convolution->stored, wanted, error))
      || (has_bias && !(slots[3] = pare_compile_input (compile, 2, NULL, error)))
      || !(slots[2] = pare_compile_output (compile, 0, dst, error)))
    return FALSE;
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 3 + has_bias, args, slots);
  return TRUE;
}

static gboolean
conv_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  g_auto (PareConvolution) convolution = { 0 };

  return pare_infer_require_float32 (infer, 0, error)
         && pare_conv_describe (infer->node, &infer->inputs[0], &infer->inputs[1], &convolution, error)
         && pare_convolution_compile (compile, &convolution, &pare_compile_chain (compile)->post_ops, error);
}

static gboolean
conv_applies_chain (const PareInfer *infer)
{
  return TRUE;
}

static guint64
conv_macs (const PareInfer *infer)
{
  const PareShape *w = &infer->inputs[1].shape;

  return (guint64)pare_shape_elements (&infer->outputs[0].shape) * pare_shape_span (w, 1, w->rank);
}

static gboolean
conv_weight (const PareNode *node, PareWeightTrait *trait)
{
  *trait = (PareWeightTrait){
    .input = 1, .bias = 2, .has_bias = TRUE, .out_axis = 0, .in_axis = 1, .groups = pare_node_get_int (node, "group", 1)
  };
  return TRUE;
}

static void
conv_channels (PareChannelWalk *channels)
{
  pare_channels_weighted (channels, 1);
}

PARE_OPERATORS (conv) = {
  { .name = "Conv",
    .infer = conv_infer,
    .compile = conv_compile,
    .backward = pare_convolution_backward,
    .applies_chain = conv_applies_chain,
    .by_sample = pare_samples_alone,
    .macs = conv_macs,
    .weight = conv_weight,
    .taps = pare_convolution_taps,
    .channels = conv_channels,
    .quantize = PARE_QUANTIZE_WEIGHTED },
  { NULL },
};
