/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How the files of this room see BLAS and LAPACK. */
#pragma once
#include "graph/error.h"
#include "linalg/linalg.h"
#include <cblas.h>
#include <lapacke.h>

/* Makes OpenBLAS work on the calling thread alone: the order of its sums must not depend on the machine's threads. */
void pare_blas_init (void);

/* FALSE and an error when a LAPACK routine did not return 0. */
gboolean pare_lapack_succeeded (const char *routine, int info, GError **error);
