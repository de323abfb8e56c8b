/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BatchNormalization before a layer goes into its weights, where no border sees padding in place of the shift. */
#include "fuse/affine.h"

static gboolean
is_behind_layer (const PareAffine *affine)
{
  PareWeightTrait trait;

  return affine->data->producer && pare_value_only_consumer (affine->data)
         && pare_node_weight (affine->data->producer, &trait);
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *reason;
  g_autoptr (PareAffine) affine = pare_affine_read_batchnorm (node, &reason);

  if (!affine)
    return FALSE;
  /* Who switches the other fusion off wants to keep it for training. */
  if (pare_fuse_skips (fuse, "layer-batchnorm") && is_behind_layer (affine))
    {
      pare_fuse_leave (fuse, node, "Kept: the layer before it could take it, but layer-batchnorm is switched off.");
      return FALSE;
    }
  if (pare_absorb_before (fuse, node, affine))
    return TRUE;
  if (!pare_fuse_was_left (fuse, node))
    pare_fuse_leave (fuse, node, "There is no layer before or behind it whose weights could take it.");
  return FALSE;
}

PARE_FUSION (batchnorm_layer) = {
  .name = "batchnorm-layer",
  .description = "Moves BatchNormalization into the weights of the layer behind it.",
  .apply = apply,
};
