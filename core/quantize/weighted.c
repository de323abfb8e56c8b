/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The weight and the bias of one layer. The bias is counted in steps of data scale x weight scale; where 32 bits do not
 * hold it so, its channel's weights get coarser steps, and a layer that this would ruin stays in float. */
#include "quantize/weighted.h"
#include "quantize/bias.h"
#include "quantize/pair.h"
#include <math.h>
#include <string.h>

/* What the weights of a layer may lose for their bias: 2 bits, or all above the SQNR of about 7 bits. */
#define MOST_LOSS_DB 12
#define ENOUGH_DB 40

static PareTensor *
weight_of (const PareWeighted *layer)
{
  return pare_node_constant (layer->node, layer->trait.input);
}

/* Groups where they make sense, else channels, or the whole. */
static void
choose_granularity (PareWeighted *layer, const PareQuantizeSettings *settings, gboolean normalized)
{
  gint64 group_size = pare_quantize_settings_group_size (settings, layer->label);
  gint64 inputs = weight_of (layer)->shape.dims[layer->trait.in_axis];

  layer->granularity.axis
      = pare_quantize_settings_per_channel (settings, layer->label) || group_size ? (int)layer->trait.out_axis : -1;
  if (!group_size)
    return;
  if (inputs < group_size)
    layer->note = g_strdup_printf ("one scale per output channel: it has only %" G_GINT64_FORMAT
                                   " input channels for groups of %" G_GINT64_FORMAT,
                                   inputs, group_size);
  else if (normalized)
    layer->note = g_strdup ("one scale per output channel: a BatchNormalization will be folded into them");
  else
    layer->granularity = (PareGranularity){ (int)layer->trait.in_axis, group_size };
}

PareWeighted *
pare_weighted_new (PareNode *node, const ParePlacement *placement, const PareBits *bits,
                   const PareQuantizeSettings *settings)
{
  PareWeighted *layer = g_new0 (PareWeighted, 1);
  PareValue *data = pare_node_input (node, 0);
  gboolean normalized = pare_placement_is_normalized (placement, node);

  layer->node = node;
  layer->label = g_strdup (pare_node_label (node));
  g_assert (pare_node_weight (node, &layer->trait));
  layer->bits = pare_bits_of_weight (bits, node);
  if (!settings->weights_only)
    {
      layer->activation_bits = pare_bits_of_value (bits, data);
      layer->data_scale = pare_bits_parameters (bits, data).scale;
    }
  layer->grid = pare_weight_grid (layer->bits, normalized);
  layer->algorithm = pare_quantize_settings_algorithm (settings, layer->label);
  choose_granularity (layer, settings, normalized);
  return layer;
}

void
pare_weighted_free (PareWeighted *layer)
{
  g_free (layer->label);
  g_free (layer->note);
  g_free (layer);
}

static PareTensor *
bias_of (const PareWeighted *layer)
{
  return layer->trait.has_bias ? pare_node_constant (layer->node, layer->trait.bias) : NULL;
}

/* The least scales with which its bias fits 32 bits; NULL when nothing counts it in their steps: groups have no common
 * one. Leaving the bias in float is no way out: ONNX Runtime rounds it then itself, and lets it overflow. */
static float *
floors_of (const PareWeighted *layer)
{
  gint64 channels = weight_of (layer)->shape.dims[layer->trait.out_axis];
  float *floors;

  if (!bias_of (layer) || layer->data_scale == 0 || layer->granularity.group_size)
    return NULL;
  floors = pare_bias_floors (bias_of (layer), channels, layer->data_scale);
  for (gint64 c = 1; layer->granularity.axis < 0 && c < channels; c++)
    floors[0] = MAX (floors[0], floors[c]);
  return floors;
}

static PareTensor *
scales_of (const PareWeighted *layer, const PareWeightAlgorithm *algorithm, const float *floors, guint *raised)
{
  return pare_weight_scales (weight_of (layer), &layer->granularity, &layer->grid, algorithm, floors, raised);
}

static double
sqnr_of (const PareWeighted *layer, const PareTensor *scales)
{
  return pare_weight_sqnr (weight_of (layer), &layer->granularity, scales, &layer->grid);
}

const char *
pare_weighted_refusal (const PareWeighted *layer)
{
  g_autofree float *floors = floors_of (layer);
  g_autoptr (PareTensor) raised = NULL, fine = NULL;
  guint n = 0;

  if (!floors)
    return NULL;
  /* The quickest algorithm tells whether there is anything to look into. */
  raised = scales_of (layer, &pare_weight_algorithm_minmax, floors, &n);
  if (!n)
    return NULL;
  fine = scales_of (layer, &pare_weight_algorithm_minmax, NULL, NULL);
  if (sqnr_of (layer, raised) >= MIN (ENOUGH_DB, sqnr_of (layer, fine) - MOST_LOSS_DB))
    return NULL;
  return "its bias fits 32 bits only with steps of the weights that lose more than 2 bits";
}

static void
record (const PareWeighted *layer, PareGraph *graph, const PareTensor *scales, guint raised)
{
  g_autofree char *coarser
      = raised ? g_strdup_printf ("its bias fits 32 bits only with coarser weights in %u channels", raised) : NULL;
  const struct
  {
    const char *name;
    double value;
    gboolean said;
  } all[] = {
    { "weight_bits", layer->bits, TRUE },
    { "activation_bits", layer->activation_bits, layer->activation_bits > 0 },
    { "group_size", layer->granularity.group_size, layer->granularity.group_size > 0 },
    { "weight_sqnr_db", sqnr_of (layer, scales), TRUE },
    { "coarser_channels", raised, raised > 0 },
    { "parameters", pare_tensor_elements (weight_of (layer)), TRUE },
  };
  const char *names[G_N_ELEMENTS (all)];
  double values[G_N_ELEMENTS (all)];
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (all[i].said)
      {
        names[n] = all[i].name;
        values[n++] = all[i].value;
      }
  pare_record_add_numbers (graph->record, PARE_QUANTIZE_STAGE, layer->label, "quantized",
                           coarser ? coarser : layer->note, n, names, values);
}

/* Its bias becomes what integers will add. */
static void
round_bias (const PareWeighted *layer, PareGraph *graph, const PareTensor *scales)
{
  PareTensor *bias = bias_of (layer);
  g_autoptr (PareTensor) rounded = pare_bias_round (bias, layer->data_scale, scales);
  g_autofree char *name = g_strconcat (pare_node_input (layer->node, layer->trait.bias)->name, "_rounded", NULL);

  pare_node_set_input (layer->node, layer->trait.bias, pare_graph_add_constant (graph, name, rounded));
}

void
pare_weighted_quantize (PareWeighted *layer, PareGraph *graph)
{
  PareNode *node = layer->node;
  PareValue *weight = pare_node_input (node, layer->trait.input);
  g_autofree float *floors = floors_of (layer);
  guint raised;
  g_autoptr (PareTensor) scales = scales_of (layer, layer->algorithm, floors, &raised);
  const ParePairNumbers numbers = { .scale = scales,
                                    .type = pare_weight_grid_type (&layer->grid),
                                    .lowest = layer->grid.lowest,
                                    .highest = layer->grid.highest,
                                    .axis = scales->shape.rank ? layer->granularity.axis : -1,
                                    .block_size = layer->granularity.group_size };

  record (layer, graph, scales, raised);
  pare_node_set_input (node, layer->trait.input, pare_pair_add (graph, weight, node, &numbers));
  if (floors)
    round_bias (layer, graph, scales);
  pare_node_round_bias (node); /* and that of a normalization behind it */
}
