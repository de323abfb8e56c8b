/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Finds recipes: the pipeline descriptions in the folders of $PARE_RECIPES and in the installed one. */
#include "graph/error.h"
#include "gst/pipeline-document.h"
#include "gst/pipeline.h"
#include <string.h>

static GStrv
list_folders (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *variable = g_getenv ("PARE_RECIPES");
  g_auto (GStrv) extra = g_strsplit (variable ? variable : "", G_SEARCHPATH_SEPARATOR_S, -1);

  for (guint i = 0; extra[i]; i++)
    if (*extra[i])
      g_strv_builder_add (builder, extra[i]);
  g_strv_builder_add (builder, RECIPE_DIR);
  return g_strv_builder_end (builder);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

GStrv
gst_pare_recipes_list (void)
{
  g_auto (GStrv) folders = list_folders ();
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; folders[i]; i++)
    {
      g_autoptr (GDir) folder = g_dir_open (folders[i], 0, NULL);
      const char *file;
      while (folder && (file = g_dir_read_name (folder)))
        {
          g_autofree char *name = g_str_has_suffix (file, ".xml") ? g_strndup (file, strlen (file) - 4) : NULL;
          if (name && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, g_steal_pointer (&name));
        }
    }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (GStrv)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

char *
gst_pare_recipe_find (const char *name_or_path, GError **error)
{
  g_auto (GStrv) folders = list_folders ();

  if (strchr (name_or_path, G_DIR_SEPARATOR) || g_str_has_suffix (name_or_path, ".xml"))
    {
      if (g_file_test (name_or_path, G_FILE_TEST_EXISTS))
        return g_strdup (name_or_path);
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND, "There is no file '%s'; check the path.", name_or_path);
      return NULL;
    }
  for (guint i = 0; folders[i]; i++)
    {
      g_autofree char *file = g_strconcat (name_or_path, ".xml", NULL);
      g_autofree char *path = g_build_filename (folders[i], file, NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  g_auto (GStrv) names = gst_pare_recipes_list ();
  g_autofree char *hint = gst_pare_did_you_mean (name_or_path, (const char *const *)names);
  g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND, "There is no recipe '%s'%s", name_or_path, hint);
  return NULL;
}
