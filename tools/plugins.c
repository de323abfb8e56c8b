/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where the elements come from: GST_PLUGIN_PATH, GStreamer's own folder, or the folder that Pare was installed to. */
#include "plugins.h"
#include "graph/error.h"
#include <string.h>

static gboolean
have_element (const char *name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  return factory != NULL;
}

gboolean
pare_plugins_init (GError **error)
{
  if (!gst_init_check (NULL, NULL, error))
    return FALSE;
  if (have_element ("onnxloader"))
    return TRUE;
  /* A prefix that GStreamer does not search. */
  if (g_file_test (PLUGIN_DIR, G_FILE_TEST_IS_DIR))
    gst_registry_scan_path (gst_registry_get (), PLUGIN_DIR);
  if (have_element ("onnxloader"))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND,
               "Pare's elements are not installed in '%s': set GST_PLUGIN_PATH to the folder that holds them.",
               PLUGIN_DIR);
  return FALSE;
}

static gboolean
is_ours (GstPluginFeature *feature, gpointer user_data)
{
  g_autoptr (GstPlugin) plugin = NULL;

  if (!GST_IS_ELEMENT_FACTORY (feature))
    return FALSE;
  plugin = gst_plugin_feature_get_plugin (feature);
  return plugin && g_strcmp0 (gst_plugin_get_source (plugin), "pare") == 0;
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (GST_OBJECT_NAME (a), GST_OBJECT_NAME (b));
}

GList *
pare_plugins_factories (void)
{
  GList *factories = gst_registry_feature_filter (gst_registry_get (), is_ours, FALSE, NULL);

  return g_list_sort (factories, by_name);
}
