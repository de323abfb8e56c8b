/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Add, Sub, Mul or Div by a constant, one number or one per channel, behind a layer goes into its weights and bias. */
#include "fuse/affine.h"

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  g_autoptr (PareAffine) affine = pare_affine_read_arithmetic (node);

  return affine && pare_absorb_behind (fuse, node, affine);
}

PARE_FUSION (layer_arithmetic) = {
  .name = "layer-arithmetic",
  .description = "Moves Add, Sub, Mul and Div by constants into the weights of the layer before them.",
  .apply = apply,
};
