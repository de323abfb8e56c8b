/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One row of weights as a least-squares problem that variables enter and leave.
 *
 * The sweep operator (Goodnight, A Tutorial on the SWEEP Operator, 1979) on [xx yx; yx^T 0]: with the set S swept in,
 * the tableau holds -xx_SS^-1, the weights xx_SS^-1 yx_S, the Schur complement of xx in the rest, and how the error
 * still varies with what is outside. So the cost of any variable's leaving or entering can be read off. Private to the
 * room. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareTableau:
 * @n: variables
 * @cells: [n + 1][n + 1], of which the upper triangle counts; the last column belongs to yx
 * @inside: whether a variable is in S
 */
typedef struct
{
  gint64 n;
  double *cells;
  guint8 *inside;
  double *column; /* working space */
} PareTableau;

void pare_tableau_init (PareTableau *tableau, gint64 n);
void pare_tableau_clear (PareTableau *tableau);

/* All are inside: @inverse is xx^-1, and @weights yx xx^-1. */
void pare_tableau_fill (PareTableau *tableau, const double *inverse, const double *weights);
/* Variable @k enters if it is outside, and leaves if it is inside. */
void pare_tableau_sweep (PareTableau *tableau, gint64 k);
/* Weight of a variable that is inside. */
double pare_tableau_weight (const PareTableau *tableau, gint64 k);
/* The squared error, above that of all variables inside. */
double pare_tableau_error (const PareTableau *tableau);
/* What the squared error grows by when @k, which is inside, leaves. */
double pare_tableau_cost (const PareTableau *tableau, gint64 k);
/* What it grows by (mostly it shrinks, below zero) when @out leaves and @in enters. */
double pare_tableau_swap_cost (const PareTableau *tableau, gint64 out, gint64 in);

G_END_DECLS
