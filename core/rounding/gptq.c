/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GPTQ (Frantar et al., GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers, 2023): each
 * weight to the nearest, after those before it were made up for. */
#include "reconstruct/hessian.h"
#include "rounding/feedback.h"

static gint32
nearest (const PareWeightGrids *grids, gint64 index, double weight, gconstpointer data)
{
  return pare_weight_grids_round (grids, index, weight);
}

static gboolean
round_layer (PareRoundingWork *work, guint first, guint n, GError **error)
{
  const PareRoundingLayer *layer = pare_rounding_work_layer (work, first);
  g_autoptr (PareMoments) moments = pare_rounding_moments (work, layer, error);

  return moments && pare_rounding_feed_back (work, layer, moments, nearest, NULL, error);
}

PARE_ROUNDING (gptq) = {
  .name = "gptq",
  .description = "Column by column, weights that follow make up for the error of those before",
  .needs_samples = TRUE,
  .memory = pare_hessian_memory,
  .round = round_layer,
};
