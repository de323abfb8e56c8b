/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IntegerConv (x, w, scales, bias): Conv between QuantizeLinear and DequantizeLinear, on integers (ops/integer.h), with
 * the attributes of Conv. */
#include "ops/conv.h"
#include "ops/infer.h"
#include "ops/integer.h"
#include "train/gradient.h"

#define MAX_RANK 5

static gboolean
fits (const PareShape *x, const PareShape *w, gint64 groups)
{
  return w->rank == x->rank && pare_shape_span (x, 2, x->rank) > 0 && x->rank >= 3 && x->rank <= MAX_RANK && groups >= 1
         && x->dims[1] > 0 && x->dims[1] % groups == 0 && w->dims[0] % groups == 0 && w->dims[1] == x->dims[1] / groups;
}

static gboolean
integerconv_infer (PareInfer *infer, GError **error)
{
  const PareShape *x, *w;
  PareDataType type;
  PareWindow window;
  PareShape y;

  if (!pare_infer_counts (infer, 2, 4, error) || !pare_infer_require (infer, 0, NULL, error)
      || !pare_infer_require (infer, 1, NULL, error))
    return FALSE;
  x = &infer->inputs[0].shape;
  w = &infer->inputs[1].shape;
  if (!fits (x, w, pare_node_get_int (infer->node, "group", 1)))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its weight does not fit its input.");
      return FALSE;
    }
  if (!pare_integer_infer (infer, w->dims[0], &type, error)
      || !pare_window_read (infer->node, x, w->dims + 2, &window, error))
    return FALSE;
  y = *x;
  y.dims[1] = w->dims[0];
  for (guint i = 0; i < window.n; i++)
    if ((y.dims[2 + i] = pare_window_output (&window, i, x->dims[2 + i], FALSE)) == 0)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the kernel is larger than the padded input.");
        return FALSE;
      }
  infer->outputs[0] = (PareSpec){ type, y };
  return TRUE;
}

static gboolean
integerconv_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareSpec *inputs = infer->inputs;
  const PareChain *chain = pare_compile_chain (compile);
  gboolean has_bias = pare_infer_has (infer, 3);
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_WEIGHTS, PARE_ARG_DST, PARE_ARG_BIAS };
  PareSlot *slots[4] = { NULL };
  g_auto (PareConvolution) convolution = { 0 };
  g_autoptr (PareLayout) src = NULL, dst = NULL, wanted = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  PareRequantize requantize;

  if (!pare_conv_describe (infer->node, &inputs[0], &inputs[1], &convolution, error)
      || !pare_integer_requantize (infer, &requantize, error))
    return FALSE;
  primitive = pare_primitive_convolution_integer (&inputs[0], &convolution.weights, has_bias ? &inputs[3] : NULL,
                                                  &infer->outputs[0], &convolution.window, &requantize,
                                                  chain ? &chain->post_ops : NULL, error);
  if (!primitive)
    return FALSE;
  src = pare_primitive_layout (primitive, PARE_ARG_SRC);
  dst = pare_primitive_layout (primitive, PARE_ARG_DST);
  wanted = pare_primitive_layout (primitive, PARE_ARG_WEIGHTS);
  if (!(slots[0] = pare_compile_input (compile, 0, src, error))
      || !(slots[1] = pare_compile_input_from (compile, 1, convolution.stored, wanted, error))
      || (has_bias && !(slots[3] = pare_compile_input (compile, 3, NULL, error)))
      || !(slots[2] = pare_compile_output (compile, 0, dst, error)))
    return FALSE;
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 3 + has_bias, args, slots);
  return TRUE;
}

PARE_OPERATORS (integerconv) = {
  { .name = "IntegerConv",
    .domain = PARE_DOMAIN,
    .infer = integerconv_infer,
    .compile = integerconv_compile,
    .applies_chain = pare_integer_applies_chain },
  { NULL },
};
