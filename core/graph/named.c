/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Looking up by name what users choose: losses, optimizers, schedules. */
#include "graph/named.h"
#include <string.h>

gconstpointer
pare_find_named (const char *what, const char *name, const void *const *table, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *all = NULL;
  const char *nearest;

  for (guint i = 0; table[i]; i++)
    {
      const char *const *entry = table[i];
      if (g_strcmp0 (*entry, name) == 0)
        return entry;
      g_ptr_array_add (names, (gpointer)*entry);
    }
  g_ptr_array_add (names, NULL);
  all = g_strjoinv (", ", (char **)names->pdata);
  nearest = pare_nearest_name (name ? name : "", (const char *const *)names->pdata);
  if (nearest)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "There is no %s '%s': did you mean '%s'?", what, name,
                 nearest);
  else
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "There is no %s '%s': choose one of %s.", what,
                 name ? name : "", all);
  return NULL;
}
