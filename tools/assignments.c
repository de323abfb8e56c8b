/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NAME=VALUE words of the command line. */
#include "assignments.h"
#include "graph/named.h"
#include <string.h>

char *
pare_assignment_split (const char *word, const char **value)
{
  const char *equals = strchr (word, '=');

  if (!equals || equals == word)
    return NULL;
  *value = equals + 1;
  return g_strndup (word, equals - word);
}

static const PareAssignment *
find_known (const char *name, const PareAssignment *known, guint n, GError **error)
{
  g_autofree const char **names = g_new0 (const char *, n + 1);

  for (guint i = 0; i < n; i++)
    {
      if (strcmp (known[i].name, name) == 0)
        return &known[i];
      names[i] = known[i].name;
    }
  pare_set_error_unknown (error, "parameter", name, names, NULL);
  return NULL;
}

static gboolean
add (GHashTable *values, const char *word, const PareAssignment *known, guint n, GError **error)
{
  const char *value;
  g_autofree char *name = pare_assignment_split (word, &value);
  const PareAssignment *parameter;

  if (!name)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "'%s' is one word too many: parameters look like %s=VALUE.",
                   word, known[0].name);
      return FALSE;
    }
  parameter = find_known (name, known, n, error);
  if (!parameter)
    return FALSE;
  if (g_hash_table_insert (values, (gpointer)parameter->name, (gpointer)value))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Parameter '%s' is given twice: leave one out.", name);
  return FALSE;
}

GHashTable *
pare_assignments_parse (char *const *words, const PareAssignment *known, guint n, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);

  for (; *words; words++)
    if (!add (values, *words, known, n, error))
      return NULL;
  for (guint i = 0; i < n; i++)
    if (known[i].required && !g_hash_table_contains (values, known[i].name))
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Parameter '%s' is missing: write %s=VALUE.",
                     known[i].name, known[i].name);
        return NULL;
      }
  return g_steal_pointer (&values);
}

char *
pare_assignments_help (const PareAssignment *known, guint n)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "  %-14s %s%s\n", known[i].name, known[i].doc,
                            known[i].required ? " (required)" : "");
  return g_string_free (text, FALSE);
}
