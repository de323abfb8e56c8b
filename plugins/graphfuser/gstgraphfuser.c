/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphfuser: rewrites that keep the function of the network and make it smaller. */
#include "fuse/fuse.h"
#include "fuse/widen.h"
#include "gst/gstpare.h"

G_DECLARE_FINAL_TYPE (GstGraphFuser, gst_graph_fuser, GST, GRAPH_FUSER, GstPareStage)

struct _GstGraphFuser
{
  GstPareStage parent_instance;
  char *skip;
  char *skip_layers;
  gboolean widen;
};

G_DEFINE_TYPE (GstGraphFuser, gst_graph_fuser, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "skip", "Names of fusions to leave out, with commas", G_TYPE_STRING, G_STRUCT_OFFSET (GstGraphFuser, skip) },
  { "skip-layers", "Names of layers to leave alone, with commas", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphFuser, skip_layers) },
  { "widen", "Half precision becomes float32 first, but for inputs of the network", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphFuser, widen) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphFuser *fuser = GST_GRAPH_FUSER (stage);
  g_auto (GStrv) skip = gst_pare_split_names (fuser->skip);
  g_auto (GStrv) skip_layers = gst_pare_split_names (fuser->skip_layers);

  if (fuser->widen)
    pare_graph_widen (graph);
  return pare_graph_fuse (graph, (const char *const *)skip, (const char *const *)skip_layers, error);
}

static void
gst_graph_fuser_init (GstGraphFuser *fuser)
{
}

static void
gst_graph_fuser_class_init (GstGraphFuserClass *klass)
{
  GST_PARE_STAGE_CLASS (klass)->finish = finish;
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph fuser", "Filter/Graph",
                                         "Folds batch normalization, constants and no-ops into their neighbours",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphfuser, "Fuses layers", gst_graph_fuser_get_type ())
