/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MatMul (NumPy's matmul) and Gemm (alpha A' B' + beta C). */
#include "exec/compile.h"
#include "ops/infer.h"
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

static gboolean
require_float32 (const PareInfer *infer, GError **error)
{
  if (infer->inputs[0].type == PARE_FLOAT32)
    return TRUE;
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "only float32 can be executed, not %s.",
                   pare_data_type_name (infer->inputs[0].type));
  return FALSE;
}

/* Vectors become matrices, batch axes line up: the product as oneDNN sees it. */
typedef struct
{
  PareShape a, b, y;  /* equal ranks, at least 2 */
  PareShape result;   /* as ONNX sees it */
} Product;

static gboolean
product_shapes (const PareShape *a, const PareShape *b, Product *product)
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
  Product product;

  if (!pare_infer_require (infer, 0, float_types, error) || !pare_infer_require (infer, 1, float_types, error)
      || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  if (!product_shapes (&infer->inputs[0].shape, &infer->inputs[1].shape, &product))
    return refuse_shapes (infer, error);
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, product.result };
  return TRUE;
}

/* A [m, k] B [k, n] (+ bias) with B stored as @b_stored describes; a constant B goes where oneDNN likes it. */
static gboolean
compile_product (PareCompile *compile, const PareSpec *a, const PareSpec *b, const PareLayout *b_stored,
                 const PareSpec *y, PareTensor *bias, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareChain *chain = pare_compile_chain (compile);
  g_autoptr (PareLayout) a_layout = pare_layout_new_plain (a), y_layout = pare_layout_new_plain (y), wanted = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  PareSpec bias_spec = { PARE_FLOAT32, { .rank = y->shape.rank } };
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_WEIGHTS, PARE_ARG_DST, PARE_ARG_BIAS };
  PareSlot *slots[4] = { NULL };

  for (guint i = 0; i < y->shape.rank; i++)
    bias_spec.shape.dims[i] = i + 1 < y->shape.rank ? 1 : y->shape.dims[i];
  primitive = pare_primitive_matmul (a_layout, b, infer->constants[1] ? NULL : b_stored, bias ? &bias_spec : NULL,
                                     y_layout, &chain->post_ops, error);
  if (!primitive)
    return FALSE;
  wanted = pare_primitive_layout (primitive, PARE_ARG_WEIGHTS);
  if (!(slots[0] = pare_compile_input_from (compile, 0, a_layout, a_layout, error))
      || !(slots[1] = pare_compile_input_from (compile, 1, b_stored, wanted, error)))
    return FALSE;
  if (bias)
    {
      g_autoptr (PareTensor) row = pare_tensor_reshape (bias, &bias_spec.shape);
      slots[3] = pare_compile_constant (compile, row);
    }
  if (!(slots[2] = pare_compile_output_as (compile, 0, y_layout, error)))
    return FALSE;
  pare_compile_primitive (compile, g_steal_pointer (&primitive), bias ? 4 : 3, args, slots);
  return TRUE;
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
  g_autoptr (PareLayout) stored = NULL;
  PareSpec a = { PARE_FLOAT32 }, b = { PARE_FLOAT32 }, y = { PARE_FLOAT32 };
  Product product;

  if (!require_float32 (infer, error))
    return FALSE;
  if (is_empty_sum (infer))
    {
      PareSlot *slot = pare_compile_output (compile, 0, NULL, error);
      if (slot)
        pare_compile_step (compile, run_zero, NULL, NULL, 1, &slot);
      return slot != NULL;
    }
  product_shapes (&infer->inputs[0].shape, &infer->inputs[1].shape, &product);
  a.shape = product.a;
  b.shape = product.b;
  y.shape = product.y;
  stored = pare_layout_new_plain (&b);
  return compile_product (compile, &a, &b, stored, &y, pare_compile_chain (compile)->bias, error);
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

  return (guint64) pare_shape_elements (&infer->outputs[0].shape) * a->dims[a->rank - 1];
}

static gboolean
matmul_weight (const PareNode *node, PareWeightTrait *trait)
{
  PareTensor *weight = pare_node_constant (node, 1);

  *trait = (PareWeightTrait){ .input = 1, .out_axis = 1, .in_axis = 0, .groups = 1 };
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

  if (a->type != PARE_FLOAT32)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, kernel->node, "only float32 can be executed.");
      return FALSE;
    }
  for (gint64 i = 0; i < m; i++)
    for (gint64 j = 0; j < n; j++)
      {
        double sum = 0;
        for (gint64 l = 0; l < k; l++)
          sum += (double) x[trans_a ? l * m + i : i * k + l] * w[trans_b ? j * k + l : l * n + j];
        sum *= alpha;
        if (z)
          sum += (double) beta * z[i * stride_of (c, 0, &y->shape) + j * stride_of (c, 1, &y->shape)];
        out[i * n + j] = sum;
      }
  return TRUE;
}

/* What one oneDNN matrix product does: the rest is for gemm_forward(). */
static gboolean
gemm_is_plain_product (const PareInfer *infer)
{
  PareTensor *bias = infer->n_inputs > 2 ? infer->constants[2] : NULL;
  gboolean has_c = infer->n_inputs > 2 && infer->inputs[2].type != PARE_UNDEFINED;
  gint64 n = infer->outputs[0].shape.dims[1];

  if (pare_node_get_int (infer->node, "transA", 0) || pare_node_get_float (infer->node, "alpha", 1) != 1
      || pare_shape_elements (&infer->outputs[0].shape) == 0 || infer->inputs[0].shape.dims[1] == 0)
    return FALSE;
  return !has_c || (bias && pare_node_get_float (infer->node, "beta", 1) == 1 && pare_tensor_elements (bias) == n
                    && bias->shape.rank && bias->shape.dims[bias->shape.rank - 1] == n);
}

static gboolean
gemm_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareShape *y = &infer->outputs[0].shape;
  PareTensor *bias = infer->n_inputs > 2 ? infer->constants[2] : NULL;
  gboolean trans_b = pare_node_get_int (infer->node, "transB", 0) != 0;
  PareSpec b = { PARE_FLOAT32, { 2, { infer->inputs[0].shape.dims[1], y->dims[1] } } };
  gint64 strides[] = { trans_b ? 1 : y->dims[1], trans_b ? b.shape.dims[0] : 1 };
  g_autoptr (PareLayout) stored = NULL;

  if (!require_float32 (infer, error))
    return FALSE;
  if (!gemm_is_plain_product (infer))
    return pare_compile_forward (compile, error);
  stored = pare_layout_new_strided (&b, strides);
  return compile_product (compile, &infer->inputs[0], &b, stored, &infer->outputs[0], bias, error);
}

static guint64
gemm_macs (const PareInfer *infer)
{
  const PareShape *a = &infer->inputs[0].shape;
  gboolean trans_a = pare_node_get_int (infer->node, "transA", 0) != 0;

  return (guint64) pare_shape_elements (&infer->outputs[0].shape) * a->dims[!trans_a];
}

static gboolean
gemm_weight (const PareNode *node, PareWeightTrait *trait)
{
  gboolean trans_b = pare_node_get_int (node, "transB", 0) != 0;

  *trait = (PareWeightTrait){ .input = 1, .bias = 2, .has_bias = TRUE, .out_axis = !trans_b, .in_axis = trans_b,
                              .groups = 1 };
  return !pare_node_get_int (node, "transA", 0) && pare_node_get_float (node, "alpha", 1) == 1
         && pare_node_get_float (node, "beta", 1) == 1;
}

PARE_OPERATORS (matmul) = {
  { .name = "MatMul", .infer = matmul_infer, .compile = matmul_compile, .applies_chain = matmul_applies_chain, .macs = matmul_macs,
    .weight = matmul_weight, .quantize = PARE_QUANTIZE_WEIGHTED },
  { .name = "Gemm", .infer = gemm_infer, .forward = gemm_forward, .compile = gemm_compile, .applies_chain = gemm_is_plain_product,
    .macs = gemm_macs, .weight = gemm_weight, .quantize = PARE_QUANTIZE_WEIGHTED },
  { NULL },
};
