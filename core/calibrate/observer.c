/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up of observers; the table is generated from the list in meson.build. */
#include "calibrate/observer.h"
#include "graph/named.h"

extern const PareObserver *const pare_observer_table[];

const PareObserver *const *
pare_observers (guint *n)
{
  for (*n = 0; pare_observer_table[*n];)
    ++*n;
  return pare_observer_table;
}

const PareObserver *
pare_observer_find (const char *name, GError **error)
{
  return pare_find_named ("calibration algorithm", name, (const void *const *)pare_observer_table, error);
}
