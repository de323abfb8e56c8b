/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of single layers in a file, one layer in a line, in a section for each stage:
 *
 *   [graphquantizer]
 *   conv1: bits=4, per-channel=false    # what is behind a space and a number sign is a comment */
#include "graph/overridesfile.h"
#include "graph/error.h"
#include "graph/textfile.h"
#include <string.h>

#define LARGEST (1 << 20) /* bytes */

/* Names of layers may hold number signs. */
static void
cut_comment (char *line)
{
  for (char *at = line; (at = strchr (at, '#')); at++)
    if (at == line || g_ascii_isspace (at[-1]))
      {
        *at = '\0';
        return;
      }
}

/* The name in "[name]", else NULL. */
static char *
section_name (char *line)
{
  gsize length = strlen (line);

  if (length < 2 || line[0] != '[' || line[length - 1] != ']')
    return NULL;
  line[length - 1] = '\0';
  return g_strstrip (line + 1);
}

/* The lines of section @wanted; NULL: those in front of the first one. @sections: names of all. */
static char *
collect (const char *text, const char *wanted, GPtrArray *sections)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  gboolean within = !wanted;

  for (char **line = lines; *line; line++)
    {
      char *name;
      cut_comment (*line);
      name = section_name (g_strstrip (*line));
      if (name)
        {
          within = g_strcmp0 (name, wanted) == 0;
          g_ptr_array_add (sections, g_strdup (name));
        }
      else if (within && **line)
        g_ptr_array_add (found, *line);
    }
  g_ptr_array_add (found, NULL);
  g_ptr_array_add (sections, NULL);
  return g_strjoinv (";", (char **)found->pdata);
}

/* A section that is not there may be misspelt: who has nothing to say writes an empty one. */
static gboolean
check_section (const char *path, const char *wanted, const GPtrArray *sections, GError **error)
{
  g_autofree char *all = g_strjoinv (", ", (char **)sections->pdata);

  if (wanted ? g_strv_contains ((const char *const *)sections->pdata, wanted) : !*all)
    return TRUE;
  if (!wanted)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "'%s' has sections (%s): write @%s#SECTION.", path, all, path);
  else
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "'%s' has no section [%s]%s%s: write an empty one when there is nothing to say.", path, wanted,
                 *all ? ", but " : "", all);
  return FALSE;
}

char *
pare_overrides_read_file (const char *reference, GError **error)
{
  g_autofree char *path = g_strdup (reference), *text = NULL, *lines = NULL;
  g_autoptr (GPtrArray) sections = g_ptr_array_new_with_free_func (g_free);
  char *sign = strrchr (path, '#');

  if (sign)
    *sign++ = '\0';
  text = pare_read_text (path, "settings of layers", LARGEST, error);
  if (!text)
    return NULL;
  lines = collect (text, sign, sections);
  return check_section (path, sign, sections, error) ? g_steal_pointer (&lines) : NULL;
}
