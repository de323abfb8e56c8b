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
  PareSamples *samples; /* NULL: none came */
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
  { "memory-limit", "Bytes of samples in memory, the rest goes into a temporary file; and bytes of activations to keep",
    G_TYPE_UINT64, FIELD (settings.memory_limit), .initial = 1 << 30, .maximum = G_MAXINT64 },
  { "allow-none", "A network in which no layer can be decomposed passes as it is", G_TYPE_BOOLEAN,
    FIELD (settings.allow_none) },
};

static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  GstGraphDecomposer *self = GST_GRAPH_DECOMPOSER (stage);

  if (!self->samples)
    {
      g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (gst_pare_stage_get_graph (stage));
      self->samples = pare_samples_new (inputs->len, self->settings.memory_limit);
    }
  return pare_samples_add (self->samples, batch, n, gst_pare_stage_get_valid (stage), error);
}

static gboolean
report_step (guint64 done, guint64 total, gpointer stage)
{
  gst_pare_stage_progress (stage, done, total);
  return !gst_pare_stage_is_cancelled (stage);
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphDecomposer *self = GST_GRAPH_DECOMPOSER (stage);
  PareDecomposeSettings settings = self->settings;
  g_auto (GStrv) skip_layers = gst_pare_split_names (self->skip_layers);
  g_autoptr (GHashTable) layers = pare_decompose_layers_parse (self->layers, error);

  if (!layers)
    return FALSE;
  settings.policy = self->policy;
  settings.method = self->method;
  settings.layers = layers;
  settings.skip_layers = (const char *const *)skip_layers;
  return pare_graph_decompose (graph, self->samples, &settings, report_step, stage, error);
}

static void
reset (GstPareStage *stage)
{
  g_clear_pointer (&GST_GRAPH_DECOMPOSER (stage)->samples, pare_samples_free);
}

static void
gst_graph_decomposer_init (GstGraphDecomposer *self)
{
}

static void
gst_graph_decomposer_class_init (GstGraphDecomposerClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->feed = feed;
  stage_class->finish = finish;
  stage_class->reset = reset;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph decomposer", "Filter/Graph",
                                         "Makes layers cascades of smaller layers that compute nearly the same",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphdecomposer, "Decomposes layers", gst_graph_decomposer_get_type ())
