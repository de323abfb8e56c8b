/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Add, Sub, Mul or Div by a constant before a layer goes into its weights and bias, where that is exact. */
#include "fuse/affine.h"
#include "fuse/composite.h"

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  g_autoptr (PareAffine) affine = pare_affine_read_arithmetic (node);

  return affine && !pare_composite_ended_by (node) && pare_absorb_before (fuse, node, affine);
}

PARE_FUSION (arithmetic_layer) = {
  .name = "arithmetic-layer",
  .description = "Moves Add, Sub, Mul and Div by constants into the weights of the layer behind them.",
  .apply = apply,
};
