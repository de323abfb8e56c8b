/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Two tensors of strings, element by element with NumPy broadcasting. Private to the operators. */
#pragma once
#include "exec/run.h"

typedef void (*PareStringPair) (GBytes *a, GBytes *b, gint64 at, gpointer result);

/* Checks inputs 0 and 1 of @run and finds the shape of the result. */
gboolean pare_string_pairs_check (const PareRun *run, PareShape *shape, GError **error);
/* Calls @pair for every element of the result, in order. */
void pare_string_pairs (const PareRun *run, const PareShape *shape, PareStringPair pair, gpointer result);
