/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of MatMul: pare.MatMulGradA (dy, b, a) = dy b^T and pare.MatMulGradB (dy, a, b) = a^T dy, without moving
 * anything. The last input only lends its shape. Where that operand was broadcast, the result has the broadcast batch
 * axes still. */
#include "ops/backward.h"
#include "ops/matmul.h"
#include <string.h>

static gboolean
is_by_a (const PareNode *node)
{
  return node->op_type[strlen (node->op_type) - 1] == 'A';
}

static gboolean
read_product (const PareInfer *infer, PareProduct *product)
{
  gboolean by_a = is_by_a (infer->node);

  return pare_product_shapes (&infer->inputs[by_a ? 2 : 1].shape, &infer->inputs[by_a ? 1 : 2].shape, product);
}

/* The gradient with all batch axes of the result: matrices once more where vectors were. */
static PareShape
canonical_result (const PareProduct *product, gboolean by_a)
{
  PareShape shape = product->y;
  const PareShape *like = by_a ? &product->a : &product->b;

  for (guint i = shape.rank - 2; i < shape.rank; i++)
    shape.dims[i] = like->dims[i];
  return shape;
}

static gboolean
matmulgrad_infer (PareInfer *infer, GError **error)
{
  PareShape *to = &infer->outputs[0].shape;
  const PareShape *like;
  PareProduct product;

  if (!pare_backward_require (infer, 3, error))
    return FALSE;
  if (!read_product (infer, &product) || !pare_shape_equal (&product.result, &infer->inputs[0].shape))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the gradient does not have the shape of the product.");
      return FALSE;
    }
  infer->outputs[0].type = PARE_FLOAT32;
  like = &infer->inputs[2].shape;
  *to = canonical_result (&product, is_by_a (infer->node));
  if (pare_shape_elements (to) == pare_shape_elements (like))
    *to = *like;
  else if (like->rank == 1)
    {
      /* A vector that was broadcast: [.., 1, k] or [.., k, 1]. */
      to->dims[to->rank - 2] = like->dims[0];
      to->rank--;
    }
  return TRUE;
}

static gboolean
matmulgrad_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  gboolean by_a = is_by_a (infer->node);
  g_auto (PareOperands) operands = { .a_input = by_a ? 0 : 1, .b_input = by_a ? 1 : 0 };
  PareSpec a = { PARE_FLOAT32 };
  PareProduct product;
  guint last;

  read_product (infer, &product);
  last = product.y.rank - 1;
  if (!by_a && last == 1 && pare_product_parts (product.a.dims[0]) > 1)
    return pare_product_compile_parts (
        compile, &(PareCutProduct){ product.a.dims[1], product.a.dims[0], product.y.dims[1], 1, 0, TRUE, FALSE },
        error);
  operands.y = (PareSpec){ PARE_FLOAT32, canonical_result (&product, by_a) };
  a.shape = by_a ? product.y : product.a;
  operands.b = (PareSpec){ PARE_FLOAT32, by_a ? product.b : product.y };
  /* The factor that is transposed. */
  PareShape *turned = by_a ? &operands.b.shape : &a.shape;
  gint64 rows = turned->dims[last - 1];
  turned->dims[last - 1] = turned->dims[last];
  turned->dims[last] = rows;
  operands.a_stored = pare_matrix_layout (&a, !by_a);
  operands.b_stored = pare_matrix_layout (&operands.b, by_a);
  return pare_product_compile (compile, &operands, NULL, error);
}

static guint64
matmulgrad_macs (const PareInfer *infer)
{
  PareProduct product;

  read_product (infer, &product);
  return (guint64)pare_shape_elements (&product.y) * product.a.dims[product.a.rank - 1];
}

PARE_OPERATORS (matmulgrad) = {
  { .name = "MatMulGradA",
    .domain = PARE_DOMAIN,
    .infer = matmulgrad_infer,
    .compile = matmulgrad_compile,
    .macs = matmulgrad_macs },
  { .name = "MatMulGradB",
    .domain = PARE_DOMAIN,
    .infer = matmulgrad_infer,
    .compile = matmulgrad_compile,
    .macs = matmulgrad_macs },
  { NULL },
};
