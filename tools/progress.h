/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareProgress:
 *
 * Bars on standard error, one line for each thing that goes on. Draws nothing unless standard error is a terminal.
 */
typedef struct _PareProgress PareProgress;

PareProgress *pare_progress_new (void);
void pare_progress_free (PareProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareProgress, pare_progress_free)

/* @name has done @current of @total; @total 0 when nobody knows. */
void pare_progress_update (PareProgress *progress, const char *name, gint64 current, gint64 total);

G_END_DECLS
