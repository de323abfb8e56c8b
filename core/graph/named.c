/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Looking up by name what users choose: losses, optimizers, schedules. */
#include "graph/named.h"
#include <string.h>

void
pare_set_error_unknown (GError **error, const char *what, const char *name, const char *const *names,
                        const char *advice)
{
  const char *nearest = pare_nearest_name (name, names);
  g_autofree char *all = NULL;

  if (nearest)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "There is no %s '%s': did you mean '%s'?", what, name,
                   nearest);
      return;
    }
  all = g_strjoinv (", ", (char **)names);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "There is no %s '%s': %s%s.", what, name,
               advice ? advice : "choose one of ", advice ? "" : all);
}

gconstpointer
pare_find_named (const char *what, const char *name, const void *const *table, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; table[i]; i++)
    {
      const char *const *entry = table[i];
      if (g_strcmp0 (*entry, name) == 0)
        return entry;
      g_ptr_array_add (names, (gpointer)*entry);
    }
  g_ptr_array_add (names, NULL);
  pare_set_error_unknown (error, what, name ? name : "", (const char *const *)names->pdata, NULL);
  return NULL;
}

const char **
pare_names_of (const void *const *table)
{
  GPtrArray *names = g_ptr_array_new ();

  for (; *table; table++)
    g_ptr_array_add (names, *(gpointer *)*table);
  g_ptr_array_add (names, NULL);
  return (const char **)g_ptr_array_free (names, FALSE);
}
