/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of Conv and ConvTranspose, and that by their input: pare.ConvGradInput (dy, w, x), where x only lends its
 * shape. Attributes are those of the forward node. */
#include "ops/backward.h"
#include "ops/conv.h"
#include "ops/infer.h"
#include "ops/winograd.h"

gboolean
pare_convolution_is_transposed (const PareNode *node)
{
  return g_str_has_prefix (node->op_type, "ConvTranspose");
}

gboolean
pare_convolution_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);
  PareValue *x = node->inputs->pdata[0], *w = node->inputs->pdata[1];
  gboolean by_bias = pare_node_input (node, 2) && pare_gradient_wanted (gradient, 2);
  gboolean transposed = pare_convolution_is_transposed (node);
  PareNode *made;

  if (pare_gradient_wanted (gradient, 1) || by_bias)
    {
      made = pare_backward_node (gradient, transposed ? "ConvTransposeGradWeight" : "ConvGradWeight", node, 3,
                                 (PareValue *[]){ dy, x, w }, 1 + by_bias);
      if (pare_gradient_wanted (gradient, 1))
        pare_gradient_add (gradient, 1, pare_node_output (made, 0));
      if (by_bias)
        pare_gradient_add (gradient, 2, pare_node_output (made, 1));
    }
  if (pare_gradient_wanted (gradient, 0))
    {
      made = pare_backward_node (gradient, transposed ? "ConvTransposeGradInput" : "ConvGradInput", node, 3,
                                 (PareValue *[]){ dy, w, x }, 1);
      pare_gradient_add (gradient, 0, pare_node_output (made, 0));
    }
  return TRUE;
}

gboolean
pare_convolution_describe (const PareNode *node, const PareSpec *x, const PareSpec *w, PareConvolution *convolution,
                           GError **error)
{
  return pare_convolution_is_transposed (node) ? pare_convtranspose_describe (node, x, w, convolution, error)
                                               : pare_conv_describe (node, x, w, convolution, error);
}

gboolean
pare_convolution_gradient_fits (const PareInfer *infer, const PareSpec *x, const PareSpec *w, GError **error)
{
  const PareOperator *forward
      = pare_convolution_is_transposed (infer->node) ? pare_operators_convtranspose : pare_operators_conv;

  return pare_backward_fits (infer, forward->infer, 2, (PareSpec[]){ *x, *w }, &infer->inputs[0], error);
}

static gboolean
gradinput_infer (PareInfer *infer, GError **error)
{
  if (!pare_backward_require (infer, 3, error)
      || !pare_convolution_gradient_fits (infer, &infer->inputs[2], &infer->inputs[1], error))
    return FALSE;
  infer->outputs[0] = infer->inputs[2];
  return TRUE;
}

static gboolean
gradinput_compile (PareCompile *compile, GError **error)
{
  static const PareArg args[] = { PARE_ARG_DIFF_DST, PARE_ARG_WEIGHTS, PARE_ARG_DIFF_SRC };
  const PareInfer *infer = pare_compile_infer (compile);
  const PareSpec *dy = &infer->inputs[0], *x = &infer->inputs[2];
  g_auto (PareConvolution) convolution = { 0 };
  g_autoptr (ParePrimitive) primitive = NULL;
  g_autoptr (PareLayout) dy_layout = NULL, w_layout = NULL, dx_layout = NULL;
  PareSlot *slots[3];
  PareWinograd winograd;

  if (!pare_convolution_describe (infer->node, x, &infer->inputs[1], &convolution, error))
    return FALSE;
  if (pare_winograd_describe (&convolution, x, dy, NULL, &winograd))
    {
      winograd = pare_winograd_by_data (&winograd);
      return pare_winograd_compile (compile, &winograd, FALSE, error);
    }
  if (!(primitive = pare_primitive_convolution_backward_data (x, &convolution.weights, dy, &convolution.window,
                                                              convolution.transposed, error)))
    return FALSE;
  dy_layout = pare_primitive_layout (primitive, PARE_ARG_DIFF_DST);
  w_layout = pare_primitive_layout (primitive, PARE_ARG_WEIGHTS);
  dx_layout = pare_primitive_layout (primitive, PARE_ARG_DIFF_SRC);
  if (!(slots[0] = pare_compile_input (compile, 0, dy_layout, error))
      || !(slots[1] = pare_compile_input_from (compile, 1, convolution.stored, w_layout, error))
      || !(slots[2] = pare_compile_output (compile, 0, dx_layout, error)))
    return FALSE;
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 3, args, slots);
  return TRUE;
}

static guint64
gradinput_macs (const PareInfer *infer)
{
  const PareShape *w = &infer->inputs[1].shape;
  const PareShape *positions = &infer->inputs[pare_convolution_is_transposed (infer->node) ? 2 : 0].shape;

  return (guint64)pare_shape_elements (positions) * pare_shape_span (w, 1, w->rank);
}

PARE_OPERATORS (convgrad) = {
  { .name = "ConvGradInput",
    .domain = PARE_DOMAIN,
    .infer = gradinput_infer,
    .compile = gradinput_compile,
    .macs = gradinput_macs },
  { .name = "ConvTransposeGradInput",
    .domain = PARE_DOMAIN,
    .infer = gradinput_infer,
    .compile = gradinput_compile,
    .macs = gradinput_macs },
  { NULL },
};
