/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The one-time setting of BLAS, and LAPACK's return codes as errors. */
#include "linalg/blas.h"

static gpointer
use_one_thread (gpointer unused)
{
  openblas_set_num_threads (1);
  return NULL;
}

void
pare_blas_init (void)
{
  static GOnce once = G_ONCE_INIT;

  g_once (&once, use_one_thread, NULL);
}

gboolean
pare_lapack_succeeded (const char *routine, int info, GError **error)
{
  if (info == 0)
    return TRUE;
  if (info == LAPACK_WORK_MEMORY_ERROR)
    g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY, "There is not enough memory for LAPACK's %s.", routine);
  else if (info < 0)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "A matrix for LAPACK's %s holds numbers that are not finite: check the weights and the samples.",
                 routine);
  else
    g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY, "LAPACK's %s did not converge (%d).", routine, info);
  return FALSE;
}
