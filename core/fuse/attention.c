/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Attention written out: MatMul (Softmax (scale MatMul (Q, K) + mask), V), where the scale stands behind the first
 * product, on Q, on K (as K comes transposed) or on both. Vaswani et al., "Attention is all you need", 2017,
 * section 3.2.1. Runtimes know the written form, which files keep. */
#include "fuse/primitives.h"

/* Takes a factor off @value, into @scale. */
static PareValue *
unscaled (PareValue *value, double *scale)
{
  double number;
  PareValue *inner = value ? pare_number_operand (value->producer, "Mul", &number) : NULL;

  if (inner)
    {
      *scale *= number;
      return inner;
    }
  inner = value ? pare_number_operand (value->producer, "Div", &number) : NULL;
  if (!inner || number == 0)
    return value;
  *scale /= number;
  return inner;
}

/* Whether all have as many axes as queries, keys and values have: vectors and single matrices for many heads do not. */
static gboolean
ranks_fit (PareFuse *fuse, PareValue *const *operands, guint n)
{
  PareShape shape;
  guint rank = 0;

  for (guint i = 0; i < n; i++)
    {
      if (!operands[i] || !pare_fuse_shape (fuse, operands[i], &shape) || shape.rank < 2 || (i && shape.rank != rank))
        return FALSE;
      rank = shape.rank;
    }
  return TRUE;
}

static gboolean
is_over_last_axis (PareFuse *fuse, const PareNode *softmax)
{
  gint64 axis = pare_node_get_int (softmax, "axis", pare_graph_opset (softmax->graph, "") < 13 ? 1 : -1);
  PareShape shape;

  return axis == -1
         || (pare_node_input (softmax, 0) && pare_fuse_shape (fuse, pare_node_input (softmax, 0), &shape)
             && axis == (gint64)shape.rank - 1);
}

/* The product behind @value and the factor between, when nobody else reads any of it. */
static PareNode *
scores_of (PareValue *value, double *scale)
{
  PareValue *product;

  if (!value || !pare_value_only_consumer (value))
    return NULL;
  product = unscaled (value, scale);
  return product->producer && pare_node_is (product->producer, "MatMul") && pare_value_only_consumer (product)
             ? product->producer
             : NULL;
}

static gboolean
broadcasts_into (const PareShape *from, const PareShape *to)
{
  if (from->rank > to->rank)
    return FALSE;
  for (guint i = 1; i <= from->rank; i++)
    if (from->dims[from->rank - i] != 1 && from->dims[from->rank - i] != to->dims[to->rank - i])
      return FALSE;
  return TRUE;
}

/* Whether the sum of both is as large as @scores, for any batch. */
static gboolean
mask_fits (PareFuse *fuse, const PareValue *mask, const PareValue *scores)
{
  PareShape from[2], to[2];
  gboolean any_batch = pare_fuse_shapes (fuse, mask, from) && pare_fuse_shapes (fuse, scores, to);

  if (!any_batch && !(pare_fuse_shape (fuse, mask, &from[0]) && pare_fuse_shape (fuse, scores, &to[0])))
    return FALSE;
  return broadcasts_into (&from[0], &to[0]) && (!any_batch || broadcasts_into (&from[1], &to[1]));
}

/* Finds the product and the mask, if any, that are the input of @softmax. */
static PareNode *
read_scores (PareFuse *fuse, const PareNode *softmax, PareValue **mask, double *scale)
{
  PareValue *input = pare_node_input (softmax, 0);
  PareNode *product = scores_of (input, scale), *add = input ? input->producer : NULL;

  if (product || !add || !pare_node_is (add, "Add") || pare_node_attribute (add, "axis")
      || !pare_value_only_consumer (input))
    return product;
  for (guint i = 0; i < 2 && !product; i++)
    {
      *mask = pare_node_input (add, !i);
      *scale = 1;
      product = scores_of (pare_node_input (add, i), scale);
    }
  return product && *mask && mask_fits (fuse, *mask, pare_node_output (product, 0)) ? product : NULL;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *domain = pare_fuse_domain (fuse, 0);
  PareNode *softmax, *product;
  PareValue *operands[4] = { NULL };
  double scale = 1;

  if (!domain || !pare_node_is (node, "MatMul"))
    return FALSE;
  softmax = pare_node_above (node, 0, "Softmax");
  if (!softmax || !pare_value_only_consumer (pare_node_output (softmax, 0)) || !is_over_last_axis (fuse, softmax))
    return FALSE;
  product = read_scores (fuse, softmax, &operands[3], &scale);
  if (!product)
    return FALSE;
  operands[0] = unscaled (pare_node_input (product, 0), &scale);
  operands[1] = unscaled (pare_node_input (product, 1), &scale);
  operands[2] = pare_node_input (node, 1);
  if (!ranks_fit (fuse, operands, 3))
    return FALSE;
  node = pare_fuse_become (fuse, node, domain, "Attention", operands[3] ? 4 : 3, operands);
  pare_node_set_attribute (node, pare_attribute_new_float ("scale", scale));
  return TRUE;
}

PARE_FUSION (attention) = {
  .name = "attention",
  .description = "Executes two products with a Softmax between as one operator.",
  .for_execution = TRUE,
  .apply = apply,
};
