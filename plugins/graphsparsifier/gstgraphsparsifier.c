/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphsparsifier: puts zeros into weights, in a pattern that hardware can use. */
#include "gst/gstpare.h"
#include "sparsify/nm.h"
#include "sparsify/pattern.h"
#include <string.h>

G_DECLARE_FINAL_TYPE (GstGraphSparsifier, gst_graph_sparsifier, GST, GRAPH_SPARSIFIER, GstPareStage)

struct _GstGraphSparsifier
{
  GstPareStage parent_instance;
  char *mode, *skip_layers;
  PareNmSettings nm;
};

G_DEFINE_TYPE (GstGraphSparsifier, gst_graph_sparsifier, GST_TYPE_PARE_STAGE)

#define FIELD(field) G_STRUCT_OFFSET (GstGraphSparsifier, field)

static const GstPareProperty properties[] = {
  { "mode", "n:m, such as 2:4: of every m consecutive input channels n stay", G_TYPE_STRING, FIELD (mode),
    .text = "2:4" },
  { "skip-layers", "Names of layers to leave alone, with commas", G_TYPE_STRING, FIELD (skip_layers) },
  { "update-frequency", "Training draws the mask anew every so many steps; 0 keeps it", G_TYPE_UINT,
    FIELD (nm.update_frequency), .maximum = G_MAXINT },
  { "allow-none", "A network in which no layer can be made sparse passes as it is", G_TYPE_BOOLEAN,
    FIELD (nm.allow_none) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphSparsifier *self = GST_GRAPH_SPARSIFIER (stage);
  g_auto (GStrv) skip_layers = gst_pare_split_names (self->skip_layers);

  self->nm.skip_layers = (const char *const *)skip_layers;
  return pare_pattern_parse (self->mode, &self->nm.n, &self->nm.m, error)
         && pare_graph_sparsify_nm (graph, NULL, &self->nm, NULL, NULL, error);
}

static void
gst_graph_sparsifier_init (GstGraphSparsifier *self)
{
}

static void
gst_graph_sparsifier_class_init (GstGraphSparsifierClass *klass)
{
  GST_PARE_STAGE_CLASS (klass)->finish = finish;
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph sparsifier", "Filter/Graph",
                                         "Puts zeros into weights, in a pattern that hardware can use",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphsparsifier, "Makes networks sparse", gst_graph_sparsifier_get_type ())
