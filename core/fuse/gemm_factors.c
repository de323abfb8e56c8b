/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gemm computes alpha A B + beta C: with B and C constant the factors go into them, and the layer is plain W x + b,
 * which all that reads weights expects. */
#include "fuse/fuse.h"
#include "fuse/numbers.h"

/* Constant input @index times @factor; NULL when that has no finite value. */
static PareTensor *
scaled (const PareNode *node, guint index, double factor)
{
  PareTensor *tensor = pare_node_constant (node, index);
  gint64 n = pare_tensor_elements (tensor);
  g_autofree double *numbers = pare_numbers_read (tensor);

  for (gint64 i = 0; i < n; i++)
    numbers[i] *= factor;
  return pare_numbers_tensor (tensor->type, &tensor->shape, numbers);
}

static gboolean
is_float_constant (const PareNode *node, guint index)
{
  const PareTensor *tensor = pare_node_constant (node, index);

  return tensor && pare_data_type_is_float (tensor->type);
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  double alpha = pare_node_get_float (node, "alpha", 1), beta = pare_node_get_float (node, "beta", 1);
  g_autoptr (PareTensor) weight = NULL, bias = NULL;
  gboolean has_bias = pare_node_input (node, 2) != NULL, copied = FALSE;

  if (!pare_node_is (node, "Gemm") || (alpha == 1 && beta == 1) || !is_float_constant (node, 1)
      || (has_bias && !is_float_constant (node, 2)))
    return FALSE;
  weight = scaled (node, 1, alpha);
  bias = has_bias ? scaled (node, 2, beta) : NULL;
  if (!weight || (has_bias && !bias))
    {
      pare_fuse_leave (fuse, node, "Scaled by alpha and beta, a number would be too large for its type.");
      return FALSE;
    }
  pare_numbers_write (node, 1, weight, &copied);
  if (has_bias)
    pare_numbers_write (node, 2, bias, &copied);
  pare_node_remove_attribute (node, "alpha");
  pare_node_remove_attribute (node, "beta");
  pare_record_add (pare_fuse_graph (fuse)->record, "graphfuser", pare_node_label (node), "fused alpha and beta",
                   copied ? "weights were shared: copied" : NULL, "alpha", alpha, "beta", beta, NULL);
  return TRUE;
}

PARE_FUSION (gemm_factors) = {
  .name = "gemm-factors",
  .description = "Moves the factors alpha and beta of Gemm into its weight and bias.",
  .apply = apply,
};
