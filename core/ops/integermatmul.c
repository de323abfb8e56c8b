/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IntegerMatMul (x, w, scales, bias): MatMul or Gemm between QuantizeLinear and DequantizeLinear, on integers
 * (ops/integer.h); w is one matrix. */
#include "ops/infer.h"
#include "ops/integer.h"
#include "ops/matmul.h"
#include "train/gradient.h"

static gboolean
integermatmul_infer (PareInfer *infer, GError **error)
{
  PareProduct product;
  PareDataType type;

  if (!pare_infer_counts (infer, 2, 4, error) || !pare_infer_require (infer, 0, NULL, error)
      || !pare_infer_require_rank (infer, 1, 2, error))
    return FALSE;
  if (!pare_product_shapes (&infer->inputs[0].shape, &infer->inputs[1].shape, &product) || product.b.dims[0] == 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its operands do not fit each other.");
      return FALSE;
    }
  if (!pare_integer_infer (infer, product.b.dims[1], &type, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ type, product.result };
  return TRUE;
}

/* What the result gets added: the node's integers, and the vector that follows it in the chain, which is a float and so
 * makes floats of all. In steps of the sums. */
static PareTensor *
read_bias (const PareInfer *infer, const PareChain *chain, const PareRequantize *requantize)
{
  gint64 n = infer->inputs[1].shape.dims[1];
  PareShape shape = pare_shape (2, (gint64[]){ 1, n });
  const gint32 *integers = pare_infer_has (infer, 3) ? pare_tensor_data (infer->constants[3]) : NULL;
  const float *floats = chain && chain->bias ? pare_tensor_data (chain->bias) : NULL;
  g_autofree float *sums = g_new (float, MAX (n, 1));

  if (!floats)
    return integers ? pare_tensor_new_copy (PARE_INT32, &shape, integers) : NULL;
  for (gint64 i = 0; i < n; i++)
    sums[i] = (integers ? integers[i] : 0) + floats[i] / requantize->scales[requantize->n > 1 ? i : 0];
  return pare_tensor_new_floats (&shape, sums);
}

static gboolean
integermatmul_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareChain *chain = pare_compile_chain (compile);
  g_autoptr (PareTensor) bias = NULL;
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_WEIGHTS, PARE_ARG_DST, PARE_ARG_BIAS };
  PareSlot *slots[4] = { NULL };
  g_autoptr (PareLayout) x_layout = NULL, w_layout = NULL, y_layout = NULL, wanted = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  PareRequantize requantize;
  PareProduct product;
  PareSpec x = { infer->inputs[0].type }, w = infer->inputs[1], y = { infer->outputs[0].type };
  PareSpec bias_spec;

  pare_product_shapes (&infer->inputs[0].shape, &w.shape, &product);
  x.shape = product.a;
  y.shape = product.y;
  x_layout = pare_layout_new_plain (&x);
  w_layout = pare_layout_new_plain (&w);
  y_layout = pare_layout_new_plain (&y);
  if (!pare_integer_requantize (infer, &requantize, error))
    return FALSE;
  bias = read_bias (infer, chain, &requantize);
  if (bias)
    bias_spec = (PareSpec){ bias->type, bias->shape };
  primitive = pare_primitive_matmul_integer (x_layout, &w, bias ? &bias_spec : NULL, y_layout, &requantize,
                                             chain ? &chain->post_ops : NULL, error);
  if (!primitive)
    return FALSE;
  wanted = pare_primitive_layout (primitive, PARE_ARG_WEIGHTS);
  if (!(slots[0] = pare_compile_input_from (compile, 0, x_layout, x_layout, error))
      || !(slots[1] = pare_compile_input_from (compile, 1, w_layout, wanted, error))
      || !(slots[2] = pare_compile_output_as (compile, 0, y_layout, error)))
    return FALSE;
  if (bias)
    slots[3] = pare_compile_constant (compile, bias);
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 3 + (bias != NULL), args, slots);
  return TRUE;
}

PARE_OPERATORS (integermatmul) = {
  { .name = "IntegerMatMul",
    .domain = PARE_DOMAIN,
    .infer = integermatmul_infer,
    .compile = integermatmul_compile,
    .applies_chain = pare_integer_applies_chain },
  { NULL },
};
