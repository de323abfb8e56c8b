/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphnamer: a stage of somebody else. It gives the network a name. */
#include <gst/gstpare.h>

G_DECLARE_FINAL_TYPE (GraphNamer, graph_namer, GRAPH, NAMER, GstPareStage)

struct _GraphNamer
{
  GstPareStage parent_instance;
  char *text;
};

G_DEFINE_TYPE (GraphNamer, graph_namer, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "text", "The network's name to be", G_TYPE_STRING, G_STRUCT_OFFSET (GraphNamer, text) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GraphNamer *namer = GRAPH_NAMER (stage);

  if (!namer->text)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "graphnamer has no name to give: set text.");
      return FALSE;
    }
  g_free (graph->name);
  graph->name = g_strdup (namer->text);
  pare_record_add (graph->record, "graphnamer", "", "named", namer->text, NULL);
  return TRUE;
}

static void
graph_namer_init (GraphNamer *namer)
{
}

static void
graph_namer_class_init (GraphNamerClass *klass)
{
  GST_PARE_STAGE_CLASS (klass)->finish = finish;
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph namer", "Filter/Graph", "Names the network",
                                         "Somebody else");
}

GST_PARE_DEFINE_PLUGIN (graphnamer, "Names networks", graph_namer_get_type ())
