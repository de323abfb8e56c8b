/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A kernel of two axes as its slices along the second factor's axis. Private to the room. */
#pragma once
#include "decompose/target.h"

G_BEGIN_DECLS

/**
 * PareUnfolding:
 * @outputs: o, channels of the result
 * @rows: q, input channels times positions along the first factor's axis
 * @slices: k, positions along the second's
 * @wanted: the weights by slices, [k][o x q]
 * @metric: in blocks, [k][k][q x q], or NULL for the identity
 * @block: the metric of one slice, the mean of the diagonal blocks [q x q], or NULL
 *
 * The first factor is H [r x q], the second V_j [o x r] for each slice j, and together they are V_j H.
 */
typedef struct
{
  int outputs, rows, slices;
  double *wanted, *metric, *block;
} PareUnfolding;

PareUnfolding *pare_unfolding_new (const PareTarget *target, int first_axis);
void pare_unfolding_free (PareUnfolding *unfolding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareUnfolding, pare_unfolding_free)

/* @v and @h [r x q] that cost less than those given, by alternating least squares. @v: [k][o x r]. With a metric. */
gboolean pare_unfolding_refine (const PareUnfolding *unfolding, int rank, double *h, double *v, GError **error);

G_END_DECLS
