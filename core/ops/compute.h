/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

typedef gboolean (*PareWork) (gpointer data, GError **error);

/* Runs @work on the process's one compute thread and waits for it. All heavy computing goes through here: OpenMP keeps
 * a pool of workers per calling thread, and stages live on many threads. Called from within @work it runs at once. */
gboolean pare_compute (PareWork work, gpointer data, GError **error);

/* The number of threads that all computing uses; 0 (the default) is OpenMP's choice. */
void pare_set_threads (guint threads);

G_END_DECLS
