/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AdaRound: each weight up or down, as its layer's output comes closest to the float one; what follows the layer up to
 * the next one, its activation above all, is part of it. (Nagel et al., Up or Down?, 2020.) */
#include "rounding/reconstruct.h"

static gboolean
round_layer (PareRoundingWork *work, guint first, guint n, GError **error)
{
  static const PareReconstruction how = { .iterations = 400, .learning_rate = 0.1, .penalty = 0.01 };

  return pare_rounding_reconstruct (work, first, n, &how, error);
}

PARE_ROUNDING (adaround) = {
  .name = "adaround",
  .description = "Each weight up or down, learnt layer by layer",
  .needs_samples = TRUE,
  .round = round_layer,
};
