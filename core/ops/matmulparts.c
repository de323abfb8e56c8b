/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Products over a long inner axis, as gradients by weights are: oneDNN would share that axis out by the number of
 * threads. Here it is cut by its length alone, and the products of the pieces are summed in order. */
#include "ops/matmul.h"
#include "ops/partsum.h"

#define MAX_PARTS 8
/* From there on oneDNN may cut the axis. */
#define LONG 1024

guint
pare_product_parts (gint64 k)
{
  guint parts = MAX_PARTS;

  if (k < LONG)
    return 1;
  while (k % parts)
    parts--;
  return parts;
}

/* A matrix with its axis @cut (the inner one) cut in @parts: [parts, rows, columns], on the same bytes. */
static PareLayout *
cut_matrix (gint64 rows, gint64 columns, gboolean transposed, guint cut, guint parts, PareSpec *spec)
{
  gint64 strides[3] = { 0, transposed ? 1 : columns, transposed ? rows : 1 };

  *spec = (PareSpec){ PARE_FLOAT32, { 3, { parts, rows, columns } } };
  spec->shape.dims[cut] /= parts;
  strides[0] = spec->shape.dims[cut] * strides[cut];
  return pare_layout_new_strided (spec, strides);
}

static gboolean
run_sum (gpointer state, PareSlot *const *slots, GError **error)
{
  gint64 elements = pare_shape_elements (&slots[1]->spec.shape);

  pare_sum_parts (slots[0]->data, slots[0]->spec.shape.dims[0], elements, elements, slots[1]->data);
  return TRUE;
}

gboolean
pare_product_compile_parts (PareCompile *compile, const PareCutProduct *product, GError **error)
{
  static const PareArg args[] = { PARE_ARG_SRC, PARE_ARG_WEIGHTS, PARE_ARG_DST };
  guint parts = pare_product_parts (product->k);
  PareSpec a, b, y = { PARE_FLOAT32, { 3, { parts, product->m, product->n } } };
  PareSpec whole = { PARE_FLOAT32, { 2, { product->m, product->n } } };
  g_autoptr (PareLayout) a_layout = cut_matrix (product->m, product->k, product->a_transposed, 2, parts, &a);
  g_autoptr (PareLayout) b_layout = cut_matrix (product->k, product->n, product->b_transposed, 1, parts, &b);
  g_autoptr (PareLayout) y_layout = pare_layout_new_plain (&y), whole_layout = pare_layout_new_plain (&whole);
  g_autoptr (ParePrimitive) primitive = pare_primitive_matmul (a_layout, &b, b_layout, NULL, y_layout, NULL, error);
  PareSlot *slots[3], *sum[2];

  if (!primitive || !(slots[0] = pare_compile_input_from (compile, product->a_input, a_layout, a_layout, error))
      || !(slots[1] = pare_compile_input_from (compile, product->b_input, b_layout, b_layout, error))
      || !(sum[1] = pare_compile_output_as (compile, 0, whole_layout, error)))
    return FALSE;
  sum[0] = slots[2] = pare_compile_temporary (compile, &y, NULL);
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 3, args, slots);
  pare_compile_step (compile, run_sum, NULL, NULL, 2, sum);
  return TRUE;
}
