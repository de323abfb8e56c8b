/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphdecomposer: layers become cascades of smaller layers that compute nearly the same. */
#include "decompose/decompose.h"
#include "exec/inference.h"
#include "gst/gstpare.h"

G_DECLARE_FINAL_TYPE (GstGraphDecomposer, gst_graph_decomposer, GST, GRAPH_DECOMPOSER, GstPareStage)

struct _GstGraphDecomposer
{
  GstPareStage parent_instance;
  PareDecomposeSettings settings;
  char *policy, *method, *layers, *skip_layers;
};

G_DEFINE_TYPE (GstGraphDecomposer, gst_graph_decomposer, GST_TYPE_PARE_STAGE)

#define FIELD(field) G_STRUCT_OFFSET (GstGraphDecomposer, field)

static const GstPareProperty properties[] = {
  { "policy", "How ranks are chosen: macs (for the whole network), uniform, energy or evbmf (layer by layer)",
    G_TYPE_STRING, FIELD (policy), .text = "macs" },
  { "method", "spatial, reduced-rank, tucker, or auto: whatever leaves the least error", G_TYPE_STRING, FIELD (method),
    .text = "auto" },
  { "ratio",
    "Share of the multiply-accumulates that remains; of policy macs for the network, of uniform for each layer",
    G_TYPE_DOUBLE, FIELD (settings.ratio), .initial = 0.5, .maximum = 1 },
  { "energy", "Policy energy: share of a layer's energy to keep", G_TYPE_DOUBLE, FIELD (settings.energy),
    .initial = 0.9, .maximum = 1 },
  { "align", "Ranks are multiples of this", G_TYPE_UINT, FIELD (settings.align), .initial = 1, .minimum = 1,
    .maximum = 65536 },
  { "layers", "Settings of single layers: conv1:rank=32;fc:enable=false", G_TYPE_STRING, FIELD (layers) },
  { "skip-layers", "Names of layers to leave whole, with commas", G_TYPE_STRING, FIELD (skip_layers) },
  { "size", "In place of open sizes of the inputs, to count multiply-accumulates without samples", G_TYPE_UINT,
    FIELD (settings.size), .initial = 224, .minimum = 1, .maximum = 65536 },
  { "rows", "Positions of a layer's output to learn from in each sample, at most; 0 takes all", G_TYPE_UINT,
    FIELD (settings.rows), .initial = 256, .maximum = G_MAXINT },
  { "allow-none", "A network in which no layer can be decomposed passes as it is", G_TYPE_BOOLEAN,
    FIELD (settings.allow_none) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphDecomposer *self = GST_GRAPH_DECOMPOSER (stage);
  PareDecomposeSettings settings = self->settings;
  g_auto (GStrv) skip_layers = gst_pare_split_names (self->skip_layers);
  g_autoptr (GHashTable) layers = pare_decompose_layers_parse (self->layers, error);

  if (!layers)
    return FALSE;
  settings.memory_limit = gst_pare_stage_get_memory_limit (stage);
  settings.policy = self->policy;
  settings.method = self->method;
  settings.layers = layers;
  settings.skip_layers = (const char *const *)skip_layers;
  return pare_graph_decompose (graph, gst_pare_stage_get_samples (stage), &settings, gst_pare_stage_report, stage,
                               error);
}

static void
gst_graph_decomposer_init (GstGraphDecomposer *self)
{
}

static void
gst_graph_decomposer_class_init (GstGraphDecomposerClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->needs_float32 = TRUE;
  stage_class->finish = finish;
  gst_pare_stage_class_keep_samples (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph decomposer", "Filter/Graph",
                                         "Makes layers cascades of smaller layers that compute nearly the same",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphdecomposer, "Decomposes layers", gst_graph_decomposer_get_type ())
