/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What second-order methods know of a layer: its best weights, what changes of them cost, and which changes of others
 * make up for them. */
#pragma once
#include "reconstruct/layermatrix.h"

G_BEGIN_DECLS

/**
 * PareHessianProblem:
 * @xx: [columns][columns], means of the products of the columns' data; positive definite
 * @yx: [outputs][columns], the same of what is wanted with the columns
 *
 * For each row w of the weights: minimise w xx w^T - 2 w yx^T. The best ones are yx xx^-1.
 */
typedef struct
{
  gint64 outputs, columns;
  const double *xx, *yx;
} PareHessianProblem;

/**
 * PareHessian:
 * @n: columns
 * @order: column at each place
 * @factor: U, upper triangular, with U^T U = xx^-1 in that order
 * @weights: [outputs][n], the best weights in that order
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

/* Takes @order (g_malloc). Called on the compute thread. */
gboolean pare_hessian_init (PareHessian *hessian, const PareHessianProblem *problem, gint64 *order, GError **error);
void pare_hessian_clear (PareHessian *hessian);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareHessian, pare_hessian_clear)

/* Row @output: places @from to @to become @changed; those behind make up for it. */
void pare_hessian_change (PareHessian *hessian, gint64 output, gint64 from, gint64 to, const double *changed);
/* The weights of @outputs rows, in the usual order. */
void pare_hessian_read (const PareHessian *hessian, gint64 outputs, double *weights);

/**
 * pare_hessian_regularize:
 * @weights: [outputs][columns], what the layer computes with so far
 * @ridge: in units of the mean of the diagonal
 *
 * Pulls the best weights towards @weights where the data say little: the same as adding rows to the data, on which the
 * layer should go on computing what it did. Returns FALSE when there are no data at all: @xx is zero.
 */
gboolean
pare_hessian_regularize (gint64 outputs, gint64 columns, const double *weights, double ridge, double *xx, double *yx);

/* Bytes that a second-order method takes for a layer: its moments, and of one group covariances, their inverse and its
 * factor. */
double pare_hessian_memory (const PareLayerMatrix *matrix);

G_END_DECLS
