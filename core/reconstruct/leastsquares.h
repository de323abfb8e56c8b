/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Weights that make a layer compute what is wanted as closely as it can. */
#pragma once
#include "reconstruct/moments.h"

G_BEGIN_DECLS

/* Covariances of one group in place of sums: @xx [columns][columns] and @yx [outputs][columns], newly allocated,
 * divided by the rows. @centred: about the means, for a layer with a bias. */
void pare_moments_covariance (const PareMoments *moments, gint64 group, gboolean centred, double **xx, double **yx);

/**
 * pare_least_squares:
 * @n: how many @columns of each group may be used; the weights of the others become 0
 * @columns: their indices; NULL: the first @n
 * @ridge: pulls weights towards zero where the data say little, in units of the mean square of a column; 1e-6 or so
 * @weights: receives [groups * outputs][columns]
 * @bias: receives one per output; NULL: the layer has none
 *
 * min over W and b of the sum over rows of |y - W x - b|^2, plus the ridge.
 */
gboolean pare_least_squares (const PareMoments *moments, gint64 n, const gint64 *columns, double ridge, double *weights,
                             double *bias, GError **error);

/* Given the weights, the bias that makes the mean error zero. */
void pare_moments_fit_bias (const PareMoments *moments, const double *weights, double *bias);

/* Sum over rows and outputs of |y - W x - b|^2, relative to that of y about its mean. @bias NULL: none. */
double pare_moments_error (const PareMoments *moments, const double *weights, const double *bias);

G_END_DECLS
