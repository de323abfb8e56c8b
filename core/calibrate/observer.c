/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up of observers; the table is generated from the list in meson.build. */
#include "calibrate/observer.h"
#include <string.h>

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
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *nearest;

  for (guint i = 0; pare_observer_table[i]; i++)
    {
      if (strcmp (pare_observer_table[i]->name, name) == 0)
        return pare_observer_table[i];
      g_ptr_array_add (names, (gpointer) pare_observer_table[i]->name);
    }
  g_ptr_array_add (names, NULL);
  nearest = pare_nearest_name (name, (const char *const *) names->pdata);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "There is no calibration algorithm '%s': did you mean '%s'?",
               name, nearest ? nearest : (const char *) names->pdata[0]);
  return NULL;
}
