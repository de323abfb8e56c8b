/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The checked-in list of models that do not run, and why. */
#include "expectations.h"
#include <string.h>

GHashTable *
expectations_load (const char *path)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    {
      char *colon = strstr (lines[i], ": ");
      if (*lines[i] == '#' || !*lines[i])
        continue;
      g_assert_nonnull (colon);
      g_assert_true (g_hash_table_insert (table, g_strndup (lines[i], colon - lines[i]), g_strdup (colon + 2)));
    }
  return table;
}

char *
expectations_reason (const char *problem)
{
  const char *op, *end;

  /* "Node 'label' (Operator): text" */
  if (!g_str_has_prefix (problem, "Node '") || !(op = strstr (problem, "' (")) || !(end = strstr (op, "): ")))
    return g_strdup (problem);
  if (strstr (end, "is unknown"))
    return g_strdup_printf ("%.*s is missing.", (int)(end - op - 3), op + 3);
  return g_strdup_printf ("%.*s: %s", (int)(end - op - 3), op + 3, end + 3);
}
