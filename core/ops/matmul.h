/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Matrix products as oneDNN sees them. Private to the operators. */
#pragma once
#include "exec/compile.h"

/* Vectors become matrices, batch axes line up. */
typedef struct
{
  PareShape a, b, y; /* equal ranks, at least 2 */
  PareShape result;  /* as ONNX sees it */
} PareProduct;

/* The shapes of NumPy's matmul of @a and @b; FALSE when they do not fit. */
gboolean pare_product_shapes (const PareShape *a, const PareShape *b, PareProduct *product);

/* Which inputs of the node a product takes, and how their row-major bytes are to be seen. */
typedef struct
{
  guint a_input, b_input;
  guint bias_input; /* an input that is added to each row, 0: none */
  PareTensor *bias; /* or a constant, NULL: none */
  PareSpec b, y;
  PareLayout *a_stored, *b_stored;
} PareOperands;

void pare_operands_clear (PareOperands *operands);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareOperands, pare_operands_clear)

/* The layout of a (batch of) @matrix that is stored row-major, or row-major after swapping its last two axes. */
PareLayout *pare_matrix_layout (const PareSpec *matrix, gboolean transposed);
/* Adds the step that computes output 0, [.., m, k] x [.., k, n] (+ bias). */
gboolean
pare_product_compile (PareCompile *compile, const PareOperands *operands, const ParePostOps *post_ops, GError **error);

/* Output 0 = [m, k] x [k, n], of which a long k is cut in parts; an operand that is transposed lies row-major before. */
typedef struct
{
  gint64 m, k, n;
  guint a_input, b_input;
  gboolean a_transposed, b_transposed;
} PareCutProduct;

/* In how many parts an inner axis of @k is cut, 1: not at all. */
guint pare_product_parts (gint64 k);
/* Adds the steps that compute the parts and their sum. */
gboolean pare_product_compile_parts (PareCompile *compile, const PareCutProduct *product, GError **error);
