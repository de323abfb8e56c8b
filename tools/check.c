/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Finds the pipelines that would wait for ever, before they start. */
#include "graph/error.h"
#include "runner.h"

typedef struct
{
  char *idle;        /* a sink that nothing is linked to */
  gboolean may_grow; /* an element that adds pads later, and with them links */
} Findings;

static gboolean
has_sometimes_pads (GstElement *element)
{
  for (GList *item = gst_element_get_pad_template_list (element); item; item = item->next)
    if (GST_PAD_TEMPLATE_PRESENCE (item->data) == GST_PAD_SOMETIMES)
      return TRUE;
  return FALSE;
}

static void
examine (const GValue *item, gpointer user_data)
{
  Findings *findings = user_data;
  GstElement *element = g_value_get_object (item);

  findings->may_grow |= has_sometimes_pads (element);
  if (findings->idle || GST_IS_BIN (element) || !GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK))
    return;
  for (GList *pad = element->sinkpads; pad; pad = pad->next)
    if (!gst_pad_is_linked (pad->data) && !findings->idle)
      findings->idle = gst_object_get_name (GST_OBJECT (element));
}

gboolean
pare_pipeline_check (GstElement *pipeline, GError **error)
{
  g_autoptr (GstIterator) elements = gst_bin_iterate_recurse (GST_BIN (pipeline));
  Findings findings = { 0 };
  g_autofree char *idle = NULL;

  /* Without a sink nobody reports the end of the stream. */
  if (!GST_OBJECT_FLAG_IS_SET (pipeline, GST_ELEMENT_FLAG_SINK))
    {
      g_set_error (
          error, PARE_ERROR, PARE_ERROR_SETTINGS,
          "The pipeline has no sink, so it would never end: let it end in onnxexporter, tensorsink or fakesink.");
      return FALSE;
    }
  gst_iterator_foreach (elements, examine, &findings);
  idle = findings.idle;
  if (!idle || findings.may_grow)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "Nothing is linked to '%s', so the pipeline would never end: link it or leave it out.", idle);
  return FALSE;
}
