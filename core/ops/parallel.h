/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Splitting a loop over the threads. */
#pragma once
#include <glib.h>

/* Work items that are worth a thread, when an item costs about one element. */
#define PARE_GRAIN 65536

typedef void (*PareLoop) (gint64 from, gint64 to, gconstpointer data);

/* Calls @run for pieces of [0, n) of @grain items each (the last may be shorter), on all threads when there are several
 * pieces. Pieces do not depend on the number of threads. From any thread: it waits for the compute thread. */
void pare_parallel (gint64 n, gint64 grain, PareLoop run, gconstpointer data);
