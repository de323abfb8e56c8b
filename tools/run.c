/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare run: a recipe or a pipeline file, with values for its parameters. */
#include "command.h"
#include "exec/executor.h"
#include "gst/pipeline.h"
#include "plugins.h"
#include "runner.h"

static gboolean
run (const PareArguments *arguments, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (GstElement) pipeline = NULL;

  if (!pare_plugins_init (error))
    return FALSE;
  pare_set_threads (arguments->threads);
  path = gst_pare_recipe_find (arguments->words[0], error);
  if (path)
    pipeline = gst_pare_pipeline_load (path, (const char *const *)arguments->words + 1, error);
  if (!pipeline)
    return FALSE;
  gst_object_ref_sink (pipeline);
  return pare_pipeline_run (pipeline, arguments->json, error);
}

/* The parameters of a recipe. */
static gboolean
help (const PareArguments *arguments, GError **error)
{
  g_autofree char *path = gst_pare_recipe_find (arguments->words[0], error);
  g_autofree char *doc = NULL;
  g_autoptr (GArray) parameters = path ? gst_pare_pipeline_parameters (path, &doc, error) : NULL;

  if (!parameters)
    return FALSE;
  g_print ("Usage: pare run %s [NAME=VALUE ...]\n\n%s%s", arguments->words[0], doc ? doc : "", doc ? "\n\n" : "");
  for (guint i = 0; i < parameters->len; i++)
    {
      const GstPareParameter *parameter = &g_array_index (parameters, GstPareParameter, i);
      g_autofree char *fallback = parameter->fallback ? g_strdup_printf ("[%s]", parameter->fallback) : NULL;
      g_print ("  %-16s %-8s %s %s\n", parameter->name, parameter->type, parameter->doc ? parameter->doc : "",
               fallback ? fallback : "(required)");
    }
  return TRUE;
}

const PareCommand pare_command_run = {
  .name = "run",
  .words = "RECIPE|FILE.xml [NAME=VALUE ...]",
  .summary = "Run a recipe or an XML pipeline",
  .details = "'pare list' shows the recipes, 'pare run RECIPE --help' the parameters of one.\n"
             "ELEMENT.PROPERTY=VALUE sets a property of an element of the pipeline.\n",
  .takes = PARE_TAKES_JSON | PARE_TAKES_THREADS,
  .least = 1,
  .most = G_MAXUINT,
  .run = run,
  .help = help,
};
