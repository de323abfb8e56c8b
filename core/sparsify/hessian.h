/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What second-order methods know of a layer: its best dense weights, and what changes of them cost. Private to the
 * room.
 */
#pragma once
#include "sparsify/nm-algorithm.h"

G_BEGIN_DECLS

/**
 * PareHessian:
 * @n: columns
 * @order: column at each place; groups of a pattern are neighbours, position by position of the kernel
 * @factor: U, upper triangular, with U^T U = xx^-1 in that order
 * @weights: [outputs][n], the best dense weights in that order
 *
 * With all places before p given, the inverse of what is left of xx is that of the same block of U: U_p..^T U_p.. . And
 * when places p.. to q change from w to w', the best change of those behind is -e U_pq,q.. with e = (w - w') U_pq^-1.
 */
typedef struct
{
  gint64 n;
  gint64 *order;
  double *factor, *weights;
} PareHessian;

gboolean pare_hessian_init (PareHessian *hessian, const PareNmProblem *problem, GError **error);
void pare_hessian_clear (PareHessian *hessian);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareHessian, pare_hessian_clear)

/* Row @output: places @from to @to become @changed; those behind make up for it. */
void pare_hessian_change (PareHessian *hessian, gint64 output, gint64 from, gint64 to, const double *changed);
/* Puts the weights into the problem. */
void pare_hessian_finish (const PareHessian *hessian, const PareNmProblem *problem);

G_END_DECLS
