/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Each weight to the nearest of its grid: w' = round (w / step) step. */
#include "rounding/rounding.h"

static gboolean
round_layer (PareRoundingWork *work, guint first, guint n, GError **error)
{
  const PareRoundingLayer *layer = pare_rounding_work_layer (work, first);
  g_autofree double *weights = pare_rounding_layer_read (layer);

  pare_rounding_layer_write (work->graph, layer, weights);
  return TRUE;
}

PARE_ROUNDING (nearest) = {
  .name = "nearest",
  .description = "Each weight to the nearest of its grid",
  .round = round_layer,
};
