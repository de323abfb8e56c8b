/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The recipes follow the schema, explain their parameters, and are found by name. */
#include "graph/error.h"
#include "gst/pipeline.h"
#include <glib/gstdio.h>
#include <libxml/relaxng.h>

static void
assert_valid (xmlRelaxNGPtr grammar, const char *path)
{
  xmlDocPtr document = xmlReadFile (path, NULL, XML_PARSE_NONET);
  xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt (grammar);

  g_test_message ("%s", path);
  g_assert_nonnull (document);
  g_assert_cmpint (xmlRelaxNGValidateDoc (context, document), ==, 0);
  xmlRelaxNGFreeValidCtxt (context);
  xmlFreeDoc (document);
}

static guint
assert_folder_valid (xmlRelaxNGPtr grammar, const char *folder)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (entries);
  while ((name = g_dir_read_name (entries)))
    if (g_str_has_suffix (name, ".xml"))
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);
        assert_valid (grammar, path);
        n++;
      }
  return n;
}

static void
test_recipes_follow_the_schema (void)
{
  g_autofree char *schema = g_test_build_filename (G_TEST_DIST, "..", "gst", "pipeline.rng", NULL);
  g_autofree char *recipes = g_test_build_filename (G_TEST_DIST, "..", "pipelines", NULL);
  g_autofree char *fragments = g_build_filename (recipes, "fragments", NULL);
  xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt (schema);
  xmlRelaxNGPtr grammar = xmlRelaxNGParse (parser);

  g_assert_nonnull (grammar);
  g_assert_cmpuint (assert_folder_valid (grammar, recipes), >=, 3);
  g_assert_cmpuint (assert_folder_valid (grammar, fragments), >=, 3);
  xmlRelaxNGFree (grammar);
  xmlRelaxNGFreeParserCtxt (parser);
}

static void
test_recipes_explain_themselves (void)
{
  g_auto (GStrv) names = gst_pare_recipes_list ();

  g_assert_cmpuint (g_strv_length (names), >=, 3);
  for (guint i = 0; names[i]; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *doc = NULL;
      g_autofree char *path = gst_pare_recipe_find (names[i], &error);
      g_assert_no_error (error);
      g_autoptr (GArray) parameters = gst_pare_pipeline_parameters (path, &doc, &error);
      g_assert_no_error (error);
      g_test_message ("%s", names[i]);
      g_assert_true (doc && g_str_has_suffix (doc, "."));
      for (guint p = 0; p < parameters->len; p++)
        {
          const GstPareParameter *parameter = &g_array_index (parameters, GstPareParameter, p);
          g_test_message ("%s", parameter->name);
          g_assert_cmpstr (parameter->doc, !=, "");
        }
    }
}

static void
test_unknown_recipe_gets_the_nearest_name (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (gst_pare_recipe_find ("ptq-int9", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "did you mean 'ptq-int8'?"));
}

static void
test_first_folder_wins (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("pare-recipes-XXXXXX", NULL);
  g_autofree char *mine = g_build_filename (folder, "fuse.xml", NULL);
  g_autofree char *before = g_strdup (g_getenv ("PARE_RECIPES"));
  g_autofree char *both = g_strjoin (":", folder, before, NULL);

  g_assert_true (g_file_set_contents (mine, "<a/>", -1, NULL));
  g_setenv ("PARE_RECIPES", both, TRUE);
  g_autofree char *fuse = gst_pare_recipe_find ("fuse", &error);
  g_autofree char *other = gst_pare_recipe_find ("ptq-int8", &error);
  g_autofree char *as_path = gst_pare_recipe_find (mine, &error);
  g_setenv ("PARE_RECIPES", before, TRUE);
  g_unlink (mine);
  g_rmdir (folder);

  g_assert_no_error (error);
  g_assert_cmpstr (fuse, ==, mine);
  g_assert_cmpstr (as_path, ==, mine);
  g_assert_true (g_str_has_prefix (other, before));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recipes/follow-the-schema", test_recipes_follow_the_schema);
  g_test_add_func ("/recipes/explain-themselves", test_recipes_explain_themselves);
  g_test_add_func ("/recipes/unknown-one-gets-the-nearest-name", test_unknown_recipe_gets_the_nearest_name);
  g_test_add_func ("/recipes/first-folder-wins", test_first_folder_wins);
  return g_test_run ();
}
