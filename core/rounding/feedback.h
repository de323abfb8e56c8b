/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rounding one weight after the other, with the error of each made up for by those that follow. */
#pragma once
#include "rounding/rounding.h"

G_BEGIN_DECLS

/**
 * PareIntegerChoice:
 *
 * Returns: the integer that weight @index of the layer, by now @weight, is rounded to
 */
typedef gint32 (*PareIntegerChoice) (const PareWeightGrids *grids, gint64 index, double weight, gconstpointer data);

/* Moments of the layer's input and of its wanted output; the walks stand before the layer then. */
PareMoments *pare_rounding_moments (PareRoundingWork *work, const PareRoundingLayer *layer, GError **error);

/**
 * pare_rounding_feed_back:
 * @moments: of the layer
 * @choose: rounds one weight
 *
 * Gives @layer weights that @choose chose, column by column, the ones with the largest inputs first; after each, the
 * weights of the columns to come make up for its error as well as they can. Then weights are rounded anew one by one
 * while that lowers the error.
 */
gboolean pare_rounding_feed_back (PareRoundingWork *work, const PareRoundingLayer *layer, const PareMoments *moments,
                                  PareIntegerChoice choose, gconstpointer data, GError **error);

G_END_DECLS
