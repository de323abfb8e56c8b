/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* What weight @column of a row is rounded to. */
typedef double (*PareRoundWeight) (gint64 column, double weight, gconstpointer data);

/**
 * pare_coordinate_descent:
 * @n: columns
 * @xx: [n][n], positive definite
 * @best: [n], the row without rounding
 * @row: [n], rounded; becomes better
 *
 * Lowers (row - best) xx (row - best)^T by rounding one weight after the other anew, as the others stand, until none
 * changes any more or many sweeps are done.
 */
void pare_coordinate_descent (gint64 n, const double *xx, const double *best, PareRoundWeight round, gconstpointer data,
                              double *row);

G_END_DECLS
