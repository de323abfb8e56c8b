/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rank of a matrix under noise. Private to the room. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Of a matrix [rows x columns] with these squared singular values, descending, min (rows, columns) of them: how many
 * stand out of the noise by the global analytic solution of empirical variational Bayesian matrix factorization, which
 * finds the noise's variance itself. 0 when all is noise. */
int pare_evbmf_rank (int rows, int columns, const double *energies);

G_END_DECLS
