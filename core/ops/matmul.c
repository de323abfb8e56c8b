/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MatMul (NumPy's matmul) and Gemm (alpha A' B' + beta C). */
#include "ops/backward.h"
#include "ops/infer.h"
#include "ops/matmul.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
#include <string.h>

static const PareDataType float_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_BFLOAT16, PARE_FLOAT64, 0 };

static gboolean
refuse_shapes (const PareInfer *infer, GError **error)
{
  g_autofree char *a = pare_shape_to_string (&infer->inputs[0].shape);
  g_autofree char *b = pare_shape_to_string (&infer->inputs[1].shape);

  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "operands %s and %s do not fit.", a, b);
  return FALSE;
}

gboolean
pare_product_shapes (const PareShape *a, const PareShape *b, PareProduct *product)
{
  gboolean a_vector = a->rank == 1, b_vector = b->rank == 1;
  PareShape left = *a, right = *b, left_batch, right_batch, batch;
  gint64 m, n;

  if (!a->rank || !b->rank)
    return FALSE;
  if (a_vector)
    left = pare_shape (2, (gint64[]){ 1, a->dims[0] });
  if (b_vector)
    right = pare_shape (2, (gint64[]){ b->dims[0], 1 });
  m = left.dims[left.rank - 2];
  n = right.dims[right.rank - 1];
  left_batch = pare_shape (left.rank - 2, left.dims);
  right_batch = pare_shape (right.rank - 2, right.dims);
  if (left.dims[left.rank - 1] != right.dims[right.rank - 2]
      || !pare_shape_broadcast (&left_batch, &right_batch, &batch))
    return FALSE;
  product->result = batch;
  if (!a_vector)
    product->result.dims[product->result.rank++] = m;
  if (!b_vector)
    product->result.dims[product->result.rank++] = n;
  if (right_batch.rank == 0)
    {
      /* One matrix for all: the batch is more rows. */
      gint64 rows = pare_shape_span (&left, 0, left.rank - 1);
      product->a = pare_shape (2, (gint64[]){ rows, left.dims[left.rank - 1] });
      product->b = right;
      product->y = pare_shape (2, (gint64[]){ rows, n });
      return TRUE;
    }
  product->y = batch;
  product->y.dims[product->y.rank++] = m;
  product->y.dims[product->y.rank++] = n;
  for (guint side = 0; side < 2; side++)
    {
      const PareShape *from = side ? &right : &left;
      PareShape *to = side ? &product->b : &product->a;
      guint missing = product->y.rank - from->rank;
      to->rank = product->y.rank;
      for (guint i = 0; i < to->rank; i++)
        to->dims[i] = i < missing ? 1 : from->dims[i - missing];
    }
  return TRUE;
}

static gboolean
matmul_infer (PareInfer *infer, GError **error)
{
  PareProduct product;

  if (!pare_infer_require (infer, 0, float_types, error) || !pare_infer_require (infer, 1, float_types, error)
      || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  if (!pare_product_shapes (&infer->inputs[0].shape, &infer->inputs[1].shape, &product))
    return refuse_shapes (infer, error);
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, product.result };
  return TRUE;
}

gboolean
pare_product_compile (PareCompile *compile, const PareOperands *operands, const ParePostOps *post_ops, GError **error)
{
  const PareSpec *y = &operands->y;
  g_autoptr (PareLayout) y_layout = pare_layout_new_plain (y), wanted = NULL, bias_layout = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  PareSpec bias = { PARE_FLOAT32, { .rank = y->shape.rank } };
  gboolean has_bias = operands->bias || operands->bias_input;
  gboolean fixed = pare_compile_infer (compile)->constants[operands->b_input] != NULL;
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_WEIGHTS, PARE_ARG_DST, PARE_ARG_BIAS };
  PareSlot *slots[4] = { NULL };

  for (guint i = 0; i < y->shape.rank; i++)
    bias.shape.dims[i] = i + 1 < y->shape.rank ? 1 : y->shape.dims[i];
  /* A constant goes where oneDNN likes it. */
  primitive = pare_primitive_matmul (operands->a_stored, &operands->b, fixed ? NULL : operands->b_stored,
                                     has_bias ? &bias : NULL, y_layout, post_ops, error);
  if (!primitive)
    return FALSE;
  wanted = pare_primitive_layout (primitive, PARE_ARG_WEIGHTS);
  bias_layout = pare_layout_new_plain (&bias);
  if (!(slots[0] = pare_compile_input_from (compile, operands->a_input, operands->a_stored, operands->a_stored, error))
      || !(slots[1] = pare_compile_input_from (compile, operands->b_input, operands->b_stored, wanted, error))
      || (operands->bias_input
          && !(slots[3] = pare_compile_input_from (compile, operands->bias_input, bias_layout, bias_layout, error))))
    return FALSE;
  if (operands->bias)
    {
      g_autoptr (PareTensor) row = pare_tensor_reshape (operands->bias, &bias.shape);
      slots[3] = pare_compile_constant (compile, row);
    }
  if (!(slots[2] = pare_compile_output_as (compile, 0, y_layout, error)))
    return FALSE;
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 3 + has_bias, args, slots);
  return TRUE;
}

PareLayout *
pare_matrix_layout (const PareSpec *matrix, gboolean transposed)
{
  PareShape stored = matrix->shape;
  gint64 strides[PARE_MAX_RANK], step;
  guint last = stored.rank - 1;

  if (!transposed)
    return pare_layout_new_plain (matrix);
  stored.dims[last] = matrix->shape.dims[last - 1];
  stored.dims[last - 1] = matrix->shape.dims[last];
  pare_shape_strides (&stored, strides);
  step = strides[last];
  strides[last] = strides[last - 1];
  strides[last - 1] = step;
  return pare_layout_new_strided (matrix, strides);
}

void
pare_operands_clear (PareOperands *operands)
{
  g_clear_pointer (&operands->a_stored, pare_layout_free);
  g_clear_pointer (&operands->b_stored, pare_layout_free);
}

static gboolean
run_zero (gpointer state, PareSlot *const *slots, GError **error)
{
  memset (slots[0]->data, 0, slots[0]->size);
  return TRUE;
}

/* oneDNN does not write a sum of nothing. */
static gboolean
is_empty_sum (const PareInfer *infer)
{
  const PareShape *a = &infer->inputs[0].shape;

  return a->dims[a->rank - 1] == 0;
}

static gboolean
matmul_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  g_auto (PareOperands) operands = { .b_input = 1 };
  PareSpec a = { PARE_FLOAT32 };
  PareProduct product;

  if (!pare_infer_require_float32 (infer, 0, error))
    return FALSE;
  if (is_empty_sum (infer))
    {
      PareSlot *slot = pare_compile_output (compile, 0, NULL, error);
      if (slot)
        pare_compile_step (compile, run_zero, NULL, NULL, 1, &slot);
      return slot != NULL;
    }
  pare_product_shapes (&infer->inputs[0].shape, &infer->inputs[1].shape, &product);
  a.shape = product.a;
  operands.b = (PareSpec){ PARE_FLOAT32, product.b };
  operands.y = (PareSpec){ PARE_FLOAT32, product.y };
  operands.a_stored = pare_layout_new_plain (&a);
  operands.b_stored = pare_layout_new_plain (&operands.b);
  operands.bias = pare_compile_chain (compile)->bias;
  return pare_product_compile (compile, &operands, &pare_compile_chain (compile)->post_ops, error);
}

static gboolean
matmul_applies_chain (const PareInfer *infer)
{
  return !is_empty_sum (infer);
}

static guint64
matmul_macs (const PareInfer *infer)
{
  const PareShape *a = &infer->inputs[0].shape;

  return (guint64)pare_shape_elements (&infer->outputs[0].shape) * a->dims[a->rank - 1];
}

static gboolean
matmul_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  static const char *const names[] = { "MatMulGradA", "MatMulGradB" };
  PareValue *dy = pare_gradient_of_output (gradient, 0);

  for (guint i = 0; i < 2; i++)
    if (pare_gradient_wanted (gradient, i))
      pare_gradient_add_reduced (
          gradient, i,
          pare_gradient_node (gradient, PARE_DOMAIN, names[i], 3,
                              (PareValue *[]){ dy, pare_node_input (node, 1 - i), pare_node_input (node, i) }, NULL));
  return TRUE;
}

static gboolean
matmul_weight (const PareNode *node, PareWeightTrait *trait)
{
  PareTensor *weight = pare_node_constant (node, 1);

  *trait = (PareWeightTrait){ .input = 1, .out_axis = 1, .in_axis = 0, .groups = 1, .channels_last = TRUE };
  return weight && weight->shape.rank == 2;
}

/* Gemm */

static gboolean
gemm_infer (PareInfer *infer, GError **error)
{
  const PareShape *a, *b;
  gboolean trans_a = pare_node_get_int (infer->node, "transA", 0) != 0;
  gboolean trans_b = pare_node_get_int (infer->node, "transB", 0) != 0;
  PareShape y = { .rank = 2 }, sum;

  if (!pare_infer_require (infer, 0, float_types, error) || !pare_infer_require (infer, 1, float_types, error)
      || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  a = &infer->inputs[0].shape;
  b = &infer->inputs[1].shape;
  if (a->rank != 2 || b->rank != 2 || a->dims[!trans_a] != b->dims[trans_b])
    return refuse_shapes (infer, error);
  y.dims[0] = a->dims[trans_a];
  y.dims[1] = b->dims[!trans_b];
  if (infer->n_inputs > 2 && infer->inputs[2].type != PARE_UNDEFINED
      && (!pare_shape_broadcast (&y, &infer->inputs[2].shape, &sum) || !pare_shape_equal (&y, &sum)))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input 2 cannot be added to the product.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, y };
  return TRUE;
}

static gint64
stride_of (const PareView *view, guint axis, const PareShape *to)
{
  guint missing = to->rank - view->shape.rank;
  gint64 strides[PARE_MAX_RANK];

  if (axis < missing || view->shape.dims[axis - missing] == 1)
    return 0;
  pare_shape_strides (&view->shape, strides);
  return strides[axis - missing];
}

/* The general case, and the reference for the fast one. */
static gboolean
gemm_forward (const PareKernel *kernel, GError **error)
{
  const PareView *a = &kernel->inputs[0], *b = &kernel->inputs[1], *y = &kernel->outputs[0];
  const PareView *c = kernel->n_inputs > 2 && kernel->inputs[2].data ? &kernel->inputs[2] : NULL;
  gboolean trans_a = pare_node_get_int (kernel->node, "transA", 0) != 0;
  gboolean trans_b = pare_node_get_int (kernel->node, "transB", 0) != 0;
  float alpha = pare_node_get_float (kernel->node, "alpha", 1), beta = pare_node_get_float (kernel->node, "beta", 1);
  gint64 m = y->shape.dims[0], n = y->shape.dims[1], k = a->shape.dims[!trans_a];
  const float *x = a->data, *w = b->data, *z = c ? c->data : NULL;
  float *out = y->data;

  if (!pare_kernel_require_float32 (kernel, 0, error))
    return FALSE;
  for (gint64 i = 0; i < m; i++)
    for (gint64 j = 0; j < n; j++)
      {
        double sum = 0;
        for (gint64 l = 0; l < k; l++)
          sum += (double)x[trans_a ? l * m + i : i * k + l] * w[trans_b ? j * k + l : l * n + j];
        sum *= alpha;
        if (z)
          sum += (double)beta * z[i * stride_of (c, 0, &y->shape) + j * stride_of (c, 1, &y->shape)];
        out[i * n + j] = sum;
      }
  return TRUE;
}

/* What one oneDNN matrix product does: the rest is for gemm_forward(). */
static gboolean
gemm_is_plain_product (const PareInfer *infer)
{
  const PareShape *a = &infer->inputs[0].shape, *c = infer->n_inputs > 2 ? &infer->inputs[2].shape : NULL;
  gint64 n = infer->outputs[0].shape.dims[1];

  if (pare_shape_elements (&infer->outputs[0].shape) == 0 || a->dims[0] == 0 || a->dims[1] == 0)
    return FALSE;
  if (!pare_infer_has (infer, 2))
    return TRUE;
  return pare_node_get_float (infer->node, "alpha", 1) == 1 && pare_node_get_float (infer->node, "beta", 1) == 1
         && pare_shape_elements (c) == n && c->rank && c->dims[c->rank - 1] == n;
}

/* alpha stands before whatever the chain does. */
static gboolean
gemm_applies_chain (const PareInfer *infer)
{
  return gemm_is_plain_product (infer) && pare_node_get_float (infer->node, "alpha", 1) == 1;
}

static gboolean
gemm_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareShape *y = &infer->outputs[0].shape;
  gboolean trans_a = pare_node_get_int (infer->node, "transA", 0) != 0;
  gboolean trans_b = pare_node_get_int (infer->node, "transB", 0) != 0;
  float alpha = pare_node_get_float (infer->node, "alpha", 1);
  gint64 k = infer->inputs[0].shape.dims[!trans_a];
  PareSpec a = { PARE_FLOAT32, { 2, { y->dims[0], k } } };
  ParePostOps scale = { 1, { { .eltwise = { PARE_ELTWISE_LINEAR, alpha, 0 } } } };
  g_auto (PareOperands) operands = { .b_input = 1 };

  if (!pare_infer_require_float32 (infer, 0, error))
    return FALSE;
  if (!gemm_is_plain_product (infer))
    return pare_compile_forward (compile, error);
  if (trans_a && alpha == 1 && !pare_infer_has (infer, 2) && pare_product_parts (k) > 1
      && !pare_compile_chain (compile)->post_ops.n)
    return pare_product_compile_parts (compile, &(PareCutProduct){ y->dims[0], k, y->dims[1], 0, 1, trans_a, trans_b },
                                       error);
  operands.b = (PareSpec){ PARE_FLOAT32, { 2, { k, y->dims[1] } } };
  operands.y = infer->outputs[0];
  operands.a_stored = pare_matrix_layout (&a, trans_a);
  operands.b_stored = pare_matrix_layout (&operands.b, trans_b);
  if (pare_infer_has (infer, 2))
    {
      operands.bias = infer->constants[2];
      operands.bias_input = operands.bias ? 0 : 2;
    }
  return pare_product_compile (compile, &operands, alpha == 1 ? &pare_compile_chain (compile)->post_ops : &scale,
                               error);
}

/* Y = alpha A' B' + beta C; with G = dY: dA' = alpha G B'^T, dB' = alpha A'^T G. */
static gboolean
gemm_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0), *a = pare_node_input (node, 0), *b = pare_node_input (node, 1);
  gboolean trans_a = pare_node_get_int (node, "transA", 0) != 0;
  gboolean trans_b = pare_node_get_int (node, "transB", 0) != 0;
  float alpha = pare_node_get_float (node, "alpha", 1), beta = pare_node_get_float (node, "beta", 1);
  const struct
  {
    PareValue *left, *right;
    gboolean trans_left, trans_right;
  } products[] = {
    trans_a ? (typeof (products[0])){ b, dy, trans_b, TRUE } : (typeof (products[0])){ dy, b, FALSE, !trans_b },
    trans_b ? (typeof (products[0])){ dy, a, TRUE, trans_a } : (typeof (products[0])){ a, dy, !trans_a, FALSE },
  };

  for (guint i = 0; i < 2; i++)
    if (pare_gradient_wanted (gradient, i))
      pare_gradient_add (gradient, i,
                         pare_gradient_node (gradient, "", "Gemm", 2,
                                             (PareValue *[]){ products[i].left, products[i].right },
                                             pare_attribute_new_float ("alpha", alpha),
                                             pare_attribute_new_int ("transA", products[i].trans_left),
                                             pare_attribute_new_int ("transB", products[i].trans_right), NULL));
  if (pare_node_input (node, 2) && pare_gradient_wanted (gradient, 2))
    pare_gradient_add_reduced (
        gradient, 2, beta == 1 ? dy : pare_gradient_call (gradient, "Mul", dy, pare_gradient_scalar (gradient, beta)));
  return TRUE;
}

static guint64
gemm_macs (const PareInfer *infer)
{
  const PareShape *a = &infer->inputs[0].shape;
  gboolean trans_a = pare_node_get_int (infer->node, "transA", 0) != 0;

  return (guint64)pare_shape_elements (&infer->outputs[0].shape) * a->dims[!trans_a];
}

static gboolean
gemm_weight (const PareNode *node, PareWeightTrait *trait)
{
  gboolean trans_b = pare_node_get_int (node, "transB", 0) != 0;

  *trait = (PareWeightTrait){ .input = 1,
                              .bias = 2,
                              .has_bias = TRUE,
                              .out_axis = !trans_b,
                              .in_axis = trans_b,
                              .groups = 1,
                              .channels_last = TRUE };
  return !pare_node_get_int (node, "transA", 0) && pare_node_get_float (node, "alpha", 1) == 1
         && pare_node_get_float (node, "beta", 1) == 1;
}

/* A product with a vector has no axis of channels on one side. */
static void
product_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint rank = infer->outputs[0].shape.rank;

  if (rank > 0 && rank == infer->inputs[0].shape.rank)
    pare_channels_weighted (channels, rank - 1);
  else
    for (guint i = 0; i < infer->n_inputs; i++)
      pare_channels_block (channels, i, "");
}

static gboolean
gemm_by_sample (const PareInfer *infer)
{
  const PareSpec *c = infer->n_inputs > 2 ? &infer->inputs[2] : NULL;
  gboolean same_for_all = !c || c->type == PARE_UNDEFINED || c->shape.rank < 2 || c->shape.dims[0] == 1;

  return same_for_all && !pare_node_get_int (infer->node, "transA", 0) && pare_samples_alone (infer);
}

PARE_OPERATORS (matmul) = {
  { .name = "MatMul",
    .infer = matmul_infer,
    .compile = matmul_compile,
    .backward = matmul_backward,
    .applies_chain = matmul_applies_chain,
    .macs = matmul_macs,
    .weight = matmul_weight,
    .channels = product_channels,
    .quantize = PARE_QUANTIZE_WEIGHTED },
  { .name = "Gemm",
    .infer = gemm_infer,
    .forward = gemm_forward,
    .compile = gemm_compile,
    .backward = gemm_backward,
    .applies_chain = gemm_applies_chain,
    .by_sample = gemm_by_sample,
    .macs = gemm_macs,
    .weight = gemm_weight,
    .channels = product_channels,
    .quantize = PARE_QUANTIZE_WEIGHTED },
  { NULL },
};
