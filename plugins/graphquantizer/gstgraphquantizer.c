/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphquantizer: rounds weights and activations to few bits, by the ranges that a calibrator found. */
#include "gst/gstpare.h"
#include "quantize/layers.h"
#include "quantize/weight-algorithm.h"

G_DECLARE_FINAL_TYPE (GstGraphQuantizer, gst_graph_quantizer, GST, GRAPH_QUANTIZER, GstPareStage)

struct _GstGraphQuantizer
{
  GstPareStage parent_instance;
  guint bits;
  guint activation_bits;
  guint edge_bits;
  gboolean per_channel;
  guint group_size;
  char *weight_algorithm;
  gboolean weights_only;
  gboolean symmetric;
  char *skip_layers;
  char *layers;
};

G_DEFINE_TYPE (GstGraphQuantizer, gst_graph_quantizer, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "bits", "Bits of weights: 2 to 8, or 16", G_TYPE_UINT, G_STRUCT_OFFSET (GstGraphQuantizer, bits), .initial = 8,
    .minimum = 2, .maximum = 16 },
  { "activation-bits", "Bits of activations: 2 to 8, or 16", G_TYPE_UINT,
    G_STRUCT_OFFSET (GstGraphQuantizer, activation_bits), .initial = 8, .minimum = 2, .maximum = 16 },
  { "edge-bits", "The least bits of weights and input activations of the first and last layers", G_TYPE_UINT,
    G_STRUCT_OFFSET (GstGraphQuantizer, edge_bits), .initial = 8, .minimum = 2, .maximum = 16 },
  { "per-channel", "Weights have one scale per output channel", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphQuantizer, per_channel), .initial = TRUE },
  { "group-size", "Weights have one scale for so many input channels of each output channel; 0: for all", G_TYPE_UINT,
    G_STRUCT_OFFSET (GstGraphQuantizer, group_size), .maximum = G_MAXINT },
  { "weight-algorithm", "How scales of weights are chosen: see pare list", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphQuantizer, weight_algorithm), .text = "auto" },
  { "weights-only", "Leave activations in float: no calibrator is needed", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphQuantizer, weights_only) },
  { "symmetric", "Activations are signed with zero point 0, instead of unsigned with a zero point", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphQuantizer, symmetric) },
  { "skip-layers", "Names of layers to leave in float, with commas", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphQuantizer, skip_layers) },
  { "layers", "Settings of single layers: conv1:bits=4,per-channel=false;fc:enable=false", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphQuantizer, layers) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphQuantizer *quantizer = GST_GRAPH_QUANTIZER (stage);
  g_auto (GStrv) skip_layers = gst_pare_split_names (quantizer->skip_layers);
  g_autoptr (GHashTable) layers = pare_quantize_layers_parse (quantizer->layers, error);
  const PareWeightAlgorithm *algorithm;
  PareQuantizeSettings settings;

  if (!layers)
    return FALSE;
  algorithm = pare_weight_algorithm_find (quantizer->weight_algorithm ? quantizer->weight_algorithm : "", error);
  if (!algorithm)
    return FALSE;
  pare_quantize_settings_init (&settings);
  settings.bits = quantizer->bits;
  settings.activation_bits = quantizer->activation_bits;
  settings.edge_bits = quantizer->edge_bits;
  settings.per_channel = quantizer->per_channel;
  settings.group_size = quantizer->group_size;
  settings.weight_algorithm = algorithm;
  settings.weights_only = quantizer->weights_only;
  settings.symmetric = quantizer->symmetric;
  settings.skip_layers = (const char *const *)skip_layers;
  settings.layers = layers;
  return pare_graph_quantize (graph, &settings, error);
}

static void
gst_graph_quantizer_init (GstGraphQuantizer *quantizer)
{
}

static void
gst_graph_quantizer_class_init (GstGraphQuantizerClass *klass)
{
  GST_PARE_STAGE_CLASS (klass)->finish = finish;
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph quantizer", "Filter/Graph",
                                         "Quantizes weights and activations to integers", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphquantizer, "Quantizes networks", gst_graph_quantizer_get_type ())
