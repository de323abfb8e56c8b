/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pipelines described in XML (docs/pipelines.md): loading, converting to and from gst-launch, finding recipes. */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_pare_pipeline_load:
 * @path: an XML pipeline description
 * @assignments: (nullable) (array zero-terminated=1): "parameter=value" or "element.property=value"
 * @error: PARE_ERROR_NOT_FOUND for a missing file, PARE_ERROR_SETTINGS otherwise, both as "FILE:LINE: what is wrong."
 *
 * Builds the pipeline that @path describes, linked and in state NULL.
 *
 * Returns: (transfer floating): a GstPipeline, or %NULL
 */
GstElement *gst_pare_pipeline_load (const char *path, const char *const *assignments, GError **error);

/**
 * gst_pare_pipeline_to_launch:
 *
 * The same pipeline as one line for gst_parse_launch(), parameters filled in. The pipeline is built first, so that
 * what converts also runs. Bins are printed as their contents.
 *
 * Returns: (transfer full): the gst-launch string, or %NULL
 */
char *gst_pare_pipeline_to_launch (const char *path, const char *const *assignments, GError **error);

/**
 * gst_pare_pipeline_from_launch:
 * @launch: a gst-launch string
 *
 * Rewrites @launch as an XML description. It is read as text: no element is created, so nothing needs to be installed.
 *
 * Returns: (transfer full): XML text, or %NULL
 */
char *gst_pare_pipeline_from_launch (const char *launch, GError **error);

/**
 * GstPareParameter:
 * @name: the name, as in name=value
 * @type: string, int, number, boolean, path or list
 * @fallback: (nullable): the value without an assignment; %NULL when one is required
 * @doc: one sentence on what it is
 */
typedef struct
{
  char *name;
  char *type;
  char *fallback;
  char *doc;
} GstPareParameter;

/**
 * gst_pare_pipeline_parameters:
 * @path: an XML pipeline description
 * @doc: (out) (optional) (transfer full): what the pipeline does, in one sentence
 *
 * Returns: (transfer full) (element-type GstPareParameter): the parameters in the order of the file, or %NULL;
 * g_array_unref() frees the entries too
 */
GArray *gst_pare_pipeline_parameters (const char *path, char **doc, GError **error);

/**
 * gst_pare_recipe_find:
 * @name_or_path: a file (anything with a slash or ".xml"), or the name of a recipe
 *
 * Looks for NAME.xml in the folders of $PARE_RECIPES, then in the installed recipes.
 *
 * Returns: (transfer full): the path of an existing file, or %NULL and PARE_ERROR_NOT_FOUND with the nearest name
 */
char *gst_pare_recipe_find (const char *name_or_path, GError **error);

/**
 * gst_pare_recipes_list:
 *
 * Returns: (transfer full): the names of all recipes, sorted
 */
GStrv gst_pare_recipes_list (void);

G_END_DECLS
