/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Error domain of libpare, and the wording that its rooms share. */
#include "graph/error.h"
#include <errno.h>
#include <string.h>

G_DEFINE_QUARK (pare - error - quark, pare_error)

void
pare_set_error_errno (GError **error, const char *doing, const char *path)
{
  int saved = errno;
  PareError code = saved == ENOENT                                        ? PARE_ERROR_NOT_FOUND
                   : saved == ENOSPC || saved == EDQUOT || saved == EFBIG ? PARE_ERROR_NO_SPACE
                                                                          : PARE_ERROR_WRITE;

  g_set_error (error, PARE_ERROR, code, "%s '%s': %s.", doing, path, g_strerror (saved));
}

/* Levenshtein distance with one row. */
static guint
edit_distance (const char *a, const char *b)
{
  gsize n = strlen (b);
  g_autofree guint *row = g_new (guint, n + 1);

  for (gsize j = 0; j <= n; j++)
    row[j] = j;
  for (gsize i = 0; a[i]; i++)
    {
      guint diagonal = row[0];
      row[0] = i + 1;
      for (gsize j = 1; j <= n; j++)
        {
          guint substitute = diagonal + (a[i] != b[j - 1]);
          diagonal = row[j];
          row[j] = MIN (substitute, 1 + MIN (row[j], row[j - 1]));
        }
    }
  return row[n];
}

const char *
pare_nearest_name (const char *word, const char *const *names)
{
  const char *best = NULL;
  guint least = MAX (strlen (word) / 2, 2) + 1;

  for (; *names; names++)
    {
      guint distance = edit_distance (word, *names);
      if (distance < least)
        {
          least = distance;
          best = *names;
        }
    }
  return best;
}
