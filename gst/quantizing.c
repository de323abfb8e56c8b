/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Properties of stages that quantize, and what they say. */
#include "gst/quantizing.h"
#include "gst/properties.h"
#include "quantize/layers.h"
#include "quantize/weight-algorithm.h"

#define FIELD(field) G_STRUCT_OFFSET (GstPareQuantizing, field)

static const GstPareProperty properties[] = {
  { "bits", "Bits of weights: 2 to 8, or 16", G_TYPE_UINT, FIELD (settings.bits), .initial = 8, .minimum = 2,
    .maximum = 16 },
  { "activation-bits", "Bits of activations: 2 to 8, or 16", G_TYPE_UINT, FIELD (settings.activation_bits),
    .initial = 8, .minimum = 2, .maximum = 16 },
  { "edge-bits", "The least bits of weights and input activations of the first and last layers", G_TYPE_UINT,
    FIELD (settings.edge_bits), .initial = 8, .minimum = 2, .maximum = 16 },
  { "per-channel", "Weights have one scale per output channel", G_TYPE_BOOLEAN, FIELD (settings.per_channel),
    .initial = TRUE },
  { "group-size", "Weights have one scale for so many input channels of each output channel; 0: for all", G_TYPE_UINT,
    FIELD (settings.group_size), .maximum = G_MAXINT },
  { "weight-algorithm", "How scales of weights are chosen: see pare list", G_TYPE_STRING, FIELD (weight_algorithm),
    .text = "auto" },
  { "weights-only", "Leave activations in float: no calibrator is needed", G_TYPE_BOOLEAN,
    FIELD (settings.weights_only) },
  { "symmetric", "Activations are signed with zero point 0, instead of unsigned with a zero point", G_TYPE_BOOLEAN,
    FIELD (settings.symmetric) },
  { "skip-layers", "Names of layers to leave in float, with commas", G_TYPE_STRING, FIELD (skip_layers) },
  { "layers", "Settings of single layers: conv1:bits=4,per-channel=false;fc:enable=false", G_TYPE_STRING,
    FIELD (layers) },
};

void
gst_pare_class_install_quantizing (GObjectClass *klass, glong offset)
{
  GstPareProperty moved[G_N_ELEMENTS (properties)];

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      moved[i] = properties[i];
      moved[i].offset += offset;
    }
  gst_pare_class_install_properties (klass, moved, G_N_ELEMENTS (moved));
}

gboolean
gst_pare_quantizing_read (const GstPareQuantizing *said, GstPareQuantization *quantization, GError **error)
{
  PareQuantizeSettings *settings = &quantization->settings;

  quantization->settings = said->settings;
  quantization->skip_layers = gst_pare_split_names (said->skip_layers);
  quantization->layers = pare_quantize_layers_parse (said->layers, error);
  if (!quantization->layers)
    return FALSE;
  settings->skip_layers = (const char *const *)quantization->skip_layers;
  settings->layers = quantization->layers;
  settings->weight_algorithm = pare_weight_algorithm_find (said->weight_algorithm ? said->weight_algorithm : "", error);
  return settings->weight_algorithm != NULL;
}

void
gst_pare_quantization_clear (GstPareQuantization *quantization)
{
  g_clear_pointer (&quantization->skip_layers, g_strfreev);
  g_clear_pointer (&quantization->layers, g_hash_table_unref);
}
