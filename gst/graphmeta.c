/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The meta that carries a graph on a buffer. */
#include "gst/graphmeta.h"

GType
gst_pare_graph_meta_api_get_type (void)
{
  static gsize type = 0;
  /* No tags: no transformation of a buffer's memory invalidates the graph, so every element keeps the meta. */
  static const char *tags[] = { NULL };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, gst_meta_api_type_register ("GstPareGraphMetaAPI", tags));
  return type;
}

static gboolean
meta_init (GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  ((GstPareGraphMeta *)meta)->graph = NULL;
  return TRUE;
}

static void
meta_free (GstMeta *meta, GstBuffer *buffer)
{
  g_clear_object (&((GstPareGraphMeta *)meta)->graph);
}

static void
attach (GstBuffer *buffer, PareGraph *graph)
{
  GstPareGraphMeta *meta = (GstPareGraphMeta *)gst_buffer_add_meta (buffer, gst_pare_graph_meta_get_info (), NULL);

  meta->graph = g_object_ref (graph);
}

static gboolean
meta_transform (GstBuffer *target, GstMeta *meta, GstBuffer *source, GQuark type, gpointer data)
{
  attach (target, ((GstPareGraphMeta *)meta)->graph);
  return TRUE;
}

const GstMetaInfo *
gst_pare_graph_meta_get_info (void)
{
  static gsize info = 0;

  if (g_once_init_enter (&info))
    g_once_init_leave (&info,
                       (gsize)gst_meta_register (gst_pare_graph_meta_api_get_type (), "GstPareGraphMeta",
                                                 sizeof (GstPareGraphMeta), meta_init, meta_free, meta_transform));
  return (const GstMetaInfo *)info;
}

GstBuffer *
gst_pare_buffer_new_graph (PareGraph *graph)
{
  GstBuffer *buffer = gst_buffer_new ();

  attach (buffer, graph);
  return buffer;
}

PareGraph *
gst_pare_buffer_get_graph (GstBuffer *buffer)
{
  GstPareGraphMeta *meta = (GstPareGraphMeta *)gst_buffer_get_meta (buffer, gst_pare_graph_meta_api_get_type ());

  return meta ? meta->graph : NULL;
}
