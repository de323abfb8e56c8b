/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Files that users wrote. */
#include "graph/textfile.h"
#include "graph/error.h"
#include <string.h>

char *
pare_read_text (const char *path, const char *what, gsize largest, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GMappedFile) file = NULL;
  g_autofree char *text = NULL;

  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "Cannot read '%s': it is not a regular file.", path);
      return NULL;
    }
  file = g_mapped_file_new (path, FALSE, &problem);
  if (!file)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND, "Cannot read %s: %s.", what, problem->message);
      return NULL;
    }
  if (g_mapped_file_get_length (file) > largest)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is larger than %s can be: %" G_GSIZE_FORMAT " MiB.",
                   path, what, largest >> 20);
      return NULL;
    }
  /* An empty file has no contents to map. */
  text = g_mapped_file_get_length (file)
             ? g_strndup (g_mapped_file_get_contents (file), g_mapped_file_get_length (file))
             : g_strdup ("");
  if (strlen (text) == g_mapped_file_get_length (file) && g_utf8_validate (text, -1, NULL))
    return g_steal_pointer (&text);
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is no text in UTF-8, as %s must be.", path, what);
  return NULL;
}
