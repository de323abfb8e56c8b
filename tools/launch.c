/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare launch: a pipeline in gst-launch's notation. */
#include "command.h"
#include "exec/executor.h"
#include "plugins.h"
#include "runner.h"

/* A string with one element in it is no pipeline yet. */
static GstElement *
wrap (GstElement *element)
{
  GstElement *pipeline;

  if (GST_IS_PIPELINE (element))
    return element;
  pipeline = gst_pipeline_new (NULL);
  gst_bin_add (GST_BIN (pipeline), element);
  gst_object_unref (element);
  return gst_object_ref_sink (pipeline);
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  g_autofree char *launch = g_strjoinv (" ", arguments->words);
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GError) problem = NULL;

  if (!pare_plugins_init (error))
    return FALSE;
  pare_set_threads (arguments->threads);
  pipeline = gst_parse_launch_full (launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &problem);
  if (!pipeline)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The pipeline '%s' cannot be built: %s%s", launch,
                   problem->message, g_str_has_suffix (problem->message, ".") ? "" : ".");
      return FALSE;
    }
  pipeline = wrap (g_object_ref_sink (pipeline));
  return pare_pipeline_run (pipeline, arguments->json, error);
}

const PareCommand pare_command_launch = {
  .name = "launch",
  .words = "'PIPELINE'",
  .summary = "Run a pipeline written as for gst-launch-1.0, with progress bars",
  .takes = PARE_TAKES_JSON | PARE_TAKES_THREADS,
  .least = 1,
  .most = G_MAXUINT,
  .run = run,
};
