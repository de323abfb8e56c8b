/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareError:
 * @PARE_ERROR_NOT_FOUND: a file is missing
 * @PARE_ERROR_WRITE: a file cannot be written
 * @PARE_ERROR_NO_SPACE: the disk is full
 * @PARE_ERROR_DECODE: a file is corrupt, truncated or of another format
 * @PARE_ERROR_NOT_IMPLEMENTED: an operator or a type that nothing here executes
 * @PARE_ERROR_FORMAT: shapes or types that do not fit each other
 * @PARE_ERROR_LIBRARY: oneDNN, LAPACK or another library failed
 * @PARE_ERROR_SETTINGS: a setting that is impossible or names something that does not exist
 * @PARE_ERROR_DATA_DEPENDENT: a shape that is not known before the network runs; the executor finds its way round it
 * @PARE_ERROR_NO_DATA: samples were needed and none, or too few, came
 *
 * The error codes of libpare. Elements translate each to one GStreamer domain and code.
 */
typedef enum
{
  PARE_ERROR_NOT_FOUND,
  PARE_ERROR_WRITE,
  PARE_ERROR_NO_SPACE,
  PARE_ERROR_DECODE,
  PARE_ERROR_NOT_IMPLEMENTED,
  PARE_ERROR_FORMAT,
  PARE_ERROR_LIBRARY,
  PARE_ERROR_SETTINGS,
  PARE_ERROR_NO_DATA,
  PARE_ERROR_DATA_DEPENDENT,
} PareError;

#define PARE_ERROR (pare_error_quark ())
GQuark pare_error_quark (void);

/* Sets @error from the present errno: "<doing> <path>: <reason>." with the fitting code. */
void pare_set_error_errno (GError **error, const char *doing, const char *path);

/* The entry of @names (NULL-terminated) nearest to @word by edit distance, or NULL when none is near. */
const char *pare_nearest_name (const char *word, const char *const *names);

G_END_DECLS
