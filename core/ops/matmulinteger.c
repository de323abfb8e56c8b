/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MatMulInteger and QLinearMatMul: products of 8-bit integers in 32 bits; the latter rounds them to 8 bits again. */
#include "ops/integer.h"
#include "ops/matmul.h"
#include "ops/zeropoint.h"
#include <math.h>
#include <string.h>

/* Where the zero points of a and b are. */
typedef struct
{
  guint b, a_zero, b_zero;
} Places;

static Places
places_of (const PareNode *node)
{
  return pare_node_is (node, "MatMulInteger") ? (Places){ 1, 2, 3 } : (Places){ 3, 2, 5 };
}

static gboolean
infer_product (PareInfer *infer, PareProduct *product, GError **error)
{
  Places at = places_of (infer->node);
  gint64 m, n;

  if (!pare_infer_require (infer, 0, pare_types_byte, error)
      || !pare_infer_require (infer, at.b, pare_types_byte, error))
    return FALSE;
  if (!pare_product_shapes (&infer->inputs[0].shape, &infer->inputs[at.b].shape, product))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its operands do not fit each other.");
      return FALSE;
    }
  m = product->y.dims[product->y.rank - 2];
  n = product->y.dims[product->y.rank - 1];
  return pare_infer_one_or (infer, at.a_zero, m, pare_types_byte, error)
         && pare_infer_one_or (infer, at.b_zero, n, pare_types_byte, error);
}

static gboolean
matmulinteger_infer (PareInfer *infer, GError **error)
{
  PareProduct product;

  if (!pare_infer_counts (infer, 2, 4, error) || !infer_product (infer, &product, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_INT32, product.result };
  return TRUE;
}

static gboolean
qlinearmatmul_infer (PareInfer *infer, GError **error)
{
  PareProduct product;

  if (!pare_infer_counts (infer, 8, 8, error) || !infer_product (infer, &product, error)
      || !pare_infer_require (infer, 7, pare_types_byte, error))
    return FALSE;
  for (guint i = 1; i <= 6; i += i == 1 ? 3 : 2)
    if (!pare_infer_require (infer, i, pare_types_widened, error)
        || !pare_infer_one_or (infer, i, i == 4 ? product.y.dims[product.y.rank - 1] : 1, pare_types_widened, error))
      return FALSE;
  infer->outputs[0] = (PareSpec){ infer->inputs[7].type, product.result };
  return TRUE;
}

/* Without its zero points, which are one per line of axis @axis from the end. */
static gint32 *
centred (const PareKernel *kernel, guint input, guint zero, const PareShape *shape, guint axis)
{
  gint64 n = pare_shape_elements (shape), columns = shape->dims[shape->rank - 1], rows = shape->dims[shape->rank - 2];
  gint32 *values = g_new (gint32, MAX (n, 1));

  pare_convert (kernel->inputs[input].type, kernel->inputs[input].data, PARE_INT32, values, n);
  for (gint64 i = 0; i < n; i++)
    values[i] -= pare_kernel_zero_point (kernel, zero, axis == 1 ? i % columns : i / columns % rows);
  return values;
}

/* Elements before matrix @batch of the result in an operand that may be broadcast. */
static gint64
operand_offset (const PareShape *operand, const PareShape *y, gint64 batch)
{
  gint64 offset = 0, step = pare_shape_span (operand, operand->rank - 2, operand->rank);

  for (guint i = y->rank - 2; i-- > 0;)
    {
      offset += operand->dims[i] == 1 ? 0 : batch % y->dims[i] * step;
      step *= operand->dims[i];
      batch /= y->dims[i];
    }
  return offset;
}

/* All sums, in 32 bits that wrap around. */
static gint32 *
multiply (const PareKernel *kernel, PareProduct *product)
{
  Places at = places_of (kernel->node);
  g_autofree gint32 *a = NULL, *b = NULL;
  gint32 *y;
  gint64 m, n, k;

  pare_product_shapes (&kernel->inputs[0].shape, &kernel->inputs[at.b].shape, product);
  m = product->y.dims[product->y.rank - 2];
  n = product->y.dims[product->y.rank - 1];
  k = product->a.dims[product->a.rank - 1];
  a = centred (kernel, 0, at.a_zero, &product->a, 0);
  b = centred (kernel, at.b, at.b_zero, &product->b, 1);
  y = g_new0 (gint32, MAX (pare_shape_elements (&product->y), 1));
  for (gint64 batch = 0; batch < pare_shape_span (&product->y, 0, product->y.rank - 2); batch++)
    {
      const gint32 *left = a + operand_offset (&product->a, &product->y, batch);
      const gint32 *right = b + operand_offset (&product->b, &product->y, batch);
      for (gint64 i = 0; i < m; i++)
        for (gint64 l = 0; l < k; l++)
          for (gint64 j = 0; j < n; j++)
            y[(batch * m + i) * n + j] += left[i * k + l] * right[l * n + j];
    }
  return y;
}

static gboolean
matmulinteger_forward (const PareKernel *kernel, GError **error)
{
  PareProduct product;
  g_autofree gint32 *sums = multiply (kernel, &product);

  memcpy (kernel->outputs[0].data, sums, pare_shape_elements (&product.y) * sizeof *sums);
  return TRUE;
}

static gboolean
qlinearmatmul_forward (const PareKernel *kernel, GError **error)
{
  PareProduct product;
  g_autofree gint32 *sums = NULL;
  const float *b_scale = kernel->inputs[4].data;
  gint64 lowest, highest, n;
  gboolean single = pare_view_elements (&kernel->inputs[4]) == 1;
  float factor;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, qlinearmatmul_forward, error);
  sums = multiply (kernel, &product);
  n = product.y.dims[product.y.rank - 1];
  factor = *(const float *)kernel->inputs[1].data / *(const float *)kernel->inputs[6].data;
  pare_data_type_limits (kernel->outputs[0].type, &lowest, &highest);
  for (gint64 i = 0; i < pare_shape_elements (&product.y); i++)
    {
      float y = nearbyintf (sums[i] * (factor * b_scale[single ? 0 : i % n])) + pare_kernel_zero_point (kernel, 7, 0);
      ((guint8 *)kernel->outputs[0].data)[i] = (guint8)(gint32)CLAMP (y, lowest, highest);
    }
  return TRUE;
}

PARE_OPERATORS (matmulinteger) = {
  { .name = "MatMulInteger", .since = 10, .infer = matmulinteger_infer, .forward = matmulinteger_forward },
  { .name = "QLinearMatMul", .since = 10, .infer = qlinearmatmul_infer, .forward = qlinearmatmul_forward },
  { NULL },
};
