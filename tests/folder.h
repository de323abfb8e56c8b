/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A new folder for the files of a test, and its removal. */
#pragma once
#include <glib.h>
#include <glib/gstdio.h>

static inline char *
folder_create (void)
{
  char *path = g_dir_make_tmp ("pare-XXXXXX", NULL);

  g_assert_nonnull (path);
  return path;
}

/* With the files in it; frees @path. */
static inline void
folder_remove (char *path)
{
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)))
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_assert_cmpint (g_unlink (file), ==, 0);
    }
  g_assert_cmpint (g_rmdir (path), ==, 0);
  g_free (path);
}
