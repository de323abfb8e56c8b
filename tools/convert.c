/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare convert: between XML pipelines and gst-launch's notation. */
#include "command.h"
#include "gst/pipeline.h"
#include "plugins.h"

static gboolean
run (const PareArguments *arguments, GError **error)
{
  const char *word = arguments->words[0];
  g_autofree char *text = NULL;

  if (g_str_has_suffix (word, ".xml"))
    {
      if (!pare_plugins_init (error))
        return FALSE;
      text = gst_pare_pipeline_to_launch (word, (const char *const *)arguments->words + 1, error);
    }
  else
    {
      g_autofree char *launch = g_strjoinv (" ", arguments->words);
      text = gst_pare_pipeline_from_launch (launch, error);
    }
  if (text)
    g_print ("%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");
  return text != NULL;
}

const PareCommand pare_command_convert = {
  .name = "convert",
  .words = "FILE.xml [NAME=VALUE ...] | 'PIPELINE'",
  .summary = "Rewrite an XML pipeline for gst-launch-1.0, or the other way",
  .least = 1,
  .most = G_MAXUINT,
  .run = run,
};
