/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LayerNormalization written out: d = x - mean (x), y = w d / sqrt (mean (d^2) + epsilon) + b. Ba et al., "Layer
 * normalization", 2016. The operator exists from opset 17; before that the runtimes know the written form, which stays.
 */
#include "fuse/primitives.h"

/* The one axis that @mean averages, and keeps, counted from the end: -1 for the last; 0 when it is none or several. */
static gint64
mean_axis (PareFuse *fuse, const PareNode *mean)
{
  PareTensor *tensor = pare_node_literal (mean, 1);
  guint n;
  const gint64 *axes = pare_node_get_ints (mean, "axes", &n);
  PareShape shape;
  gint64 axis;

  if (!pare_node_input (mean, 0) || !pare_node_get_int (mean, "keepdims", 1)
      || !(axes ? n == 1 : tensor && pare_tensor_elements (tensor) == 1))
    return 0;
  axis = axes ? axes[0] : pare_tensor_get_int (tensor, 0);
  if (axis < 0)
    return axis;
  return pare_fuse_shape (fuse, pare_node_input (mean, 0), &shape) ? axis - shape.rank : 0;
}

/* x when @value is x - mean (x) along the last axis. */
static PareValue *
read_centered (PareFuse *fuse, const PareValue *value)
{
  const PareNode *sub = value ? value->producer : NULL, *mean;
  PareValue *x;

  if (!sub || !pare_node_is (sub, "Sub"))
    return NULL;
  x = pare_node_input (sub, 0);
  mean = pare_node_above (sub, 1, "ReduceMean");
  return x && mean && pare_node_input (mean, 0) == x && mean_axis (fuse, mean) == -1 ? x : NULL;
}

/* Whether @value is sqrt (mean (d^2) + epsilon) of d = x - mean (x). */
static gboolean
read_deviation (PareFuse *fuse, const PareValue *value, const PareValue *x, double *epsilon)
{
  const PareNode *root = value ? value->producer : NULL, *mean;
  PareValue *variance = NULL;
  PareProduct square;

  if (root && pare_node_is (root, "Sqrt"))
    variance = pare_number_operand (pare_node_above (root, 0, NULL), "Add", epsilon);
  mean = variance ? variance->producer : NULL;
  return mean && pare_node_is (mean, "ReduceMean") && mean_axis (fuse, mean) == -1
         && pare_product_read (pare_node_input (mean, 0), NULL, &square) && square.n == 2 && square.number == 1
         && square.leaves[0] == square.leaves[1] && read_centered (fuse, square.leaves[0]) == x;
}

/* The operand of @node, @op_type, that is a constant vector as long as the last axis of @x; the other goes to @other.
 */
static PareValue *
vector_operand (PareFuse *fuse, PareNode *node, const char *op_type, const PareValue *x, PareValue **other)
{
  PareShape shape;

  if (!node || !pare_node_is (node, op_type) || !pare_fuse_shape (fuse, x, &shape) || shape.rank < 2)
    return NULL;
  for (guint i = 0; i < 2; i++)
    {
      const PareTensor *tensor = pare_node_literal (node, i);
      if (tensor && tensor->shape.rank == 1 && tensor->shape.dims[0] == shape.dims[shape.rank - 1])
        {
          *other = pare_node_input (node, !i);
          return pare_node_input (node, i);
        }
    }
  return NULL;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *domain = pare_fuse_domain (fuse, 17);
  PareNode *div = NULL, *last = node;
  PareValue *inputs[3] = { NULL }, *other;
  double epsilon;

  if (!pare_node_is (node, "Mul") || !domain)
    return FALSE;
  for (guint i = 0; i < 2 && !div; i++)
    div = pare_node_above (node, i, "Div");
  inputs[0] = div ? read_centered (fuse, pare_node_input (div, 0)) : NULL;
  if (!inputs[0] || !read_deviation (fuse, pare_node_input (div, 1), inputs[0], &epsilon))
    return FALSE;
  inputs[1] = vector_operand (fuse, node, "Mul", inputs[0], &other);
  if (!inputs[1])
    return FALSE;
  last = pare_value_only_consumer (pare_node_output (node, 0));
  inputs[2] = last ? vector_operand (fuse, last, "Add", inputs[0], &other) : NULL;
  last = inputs[2] && pare_fuse_may_touch (fuse, last) ? last : node;
  node = pare_fuse_become (fuse, last, domain, "LayerNormalization", last == node ? 2 : 3, inputs);
  pare_node_set_attribute (node, pare_attribute_new_int ("axis", -1));
  pare_node_set_attribute (node, pare_attribute_new_float ("epsilon", epsilon));
  return TRUE;
}

PARE_FUSION (layernormalization) = {
  .name = "layernormalization",
  .description = "Recognises LayerNormalization written out in arithmetic, from opset 17 on.",
  .for_execution = TRUE,
  .apply = apply,
};
