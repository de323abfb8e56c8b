/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BatchNormalization behind Conv, ConvTranspose, Gemm or MatMul goes into the weights (Jacob et al. 2018, section 3.2).
 */
#include "fuse/affine.h"

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *reason;
  g_autoptr (PareAffine) affine = pare_affine_read_batchnorm (node, &reason);

  if (!affine && reason)
    pare_fuse_leave (fuse, node, "BatchNormalization cannot be fused: %s.", reason);
  return affine && pare_absorb_behind (fuse, node, affine);
}

PARE_FUSION (layer_batchnorm) = {
  .name = "layer-batchnorm",
  .description = "Moves BatchNormalization into the weights of the layer before it.",
  .for_execution = TRUE,
  .apply = apply,
};
