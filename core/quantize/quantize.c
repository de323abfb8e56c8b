/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The quantizer: puts QuantizeLinear and DequantizeLinear pairs where the placement says, on activations and weights,
 * and rounds biases to their integer grid, so that what is simulated is what the integers will compute. */
#include "quantize/quantize.h"
#include "graph/overrides.h"
#include "onnx/onnx.h"
#include "quantize/bias.h"
#include "quantize/bits.h"
#include "quantize/pair.h"
#include "quantize/parameters.h"
#include "quantize/placement.h"
#include <math.h>
#include <string.h>

/* Per-channel QuantizeLinear exists from here on. */
#define OPSET 13

#define STAGE "graphquantizer"

void
pare_quantize_settings_init (PareQuantizeSettings *settings)
{
  *settings = (PareQuantizeSettings){ .bits = 8, .activation_bits = 8, .edge_bits = 8, .per_channel = TRUE };
}

static gboolean
check_bits (const char *setting, guint bits, GError **error)
{
  if (bits >= 2 && bits <= 8)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s=%u is not possible: write a number from 2 to 8.", setting,
               bits);
  return FALSE;
}

static gboolean
check_settings (PareGraph *graph, const PareQuantizeSettings *settings, GError **error)
{
  if (!check_bits ("bits", settings->bits, error) || !check_bits ("activation-bits", settings->activation_bits, error)
      || !check_bits ("edge-bits", settings->edge_bits, error))
    return FALSE;
  for (guint i = 0; settings->skip_layers && settings->skip_layers[i]; i++)
    if (!pare_graph_find_layer (graph, settings->skip_layers[i], error))
      return FALSE;
  return pare_overrides_check_layers (settings->layers, graph, error);
}

GPtrArray *
pare_quantize_values (PareGraph *graph, const PareQuantizeSettings *settings, GError **error)
{
  g_autoptr (ParePlacement) placement = NULL;
  GPtrArray *values;

  if (!check_settings (graph, settings, error))
    return NULL;
  placement = pare_placement_new (graph, settings, FALSE);
  values = g_ptr_array_new ();
  for (guint i = 0; i < pare_placement_values (placement)->len; i++)
    g_ptr_array_add (values, pare_placement_values (placement)->pdata[i]);
  return values;
}

/* Inserting pairs */

static PareValue *
add_constant (PareGraph *graph, const char *stem, const char *suffix, PareTensor *tensor)
{
  g_autofree char *name = g_strconcat (stem, suffix, NULL);

  return pare_graph_add_constant (graph, name, tensor);
}

/* input -> pair -> the value returned. @axis -1: per tensor. */
static PareValue *
add_pair (PareGraph *graph, PareValue *input, PareNode *before, PareTensor *scale, PareTensor *zero_point,
          gint32 lowest, gint32 highest, int axis)
{
  g_autofree char *name = g_strconcat (input->name, "_dequantized", NULL);
  ParePairGrid grid = { add_constant (graph, input->name, "_scale", scale),
                        add_constant (graph, input->name, "_zero_point", zero_point), lowest, highest, axis };
  PareValue *dequantized = pare_graph_add_value_near (graph, name);

  pare_pair_insert (graph, input, before, &grid, dequantized);
  return dequantized;
}

static PareTensor *
zero_point_tensor (PareDataType type, gint32 zero_point, const PareShape *shape)
{
  gint64 n = pare_shape_elements (shape);
  guint8 *data = g_malloc (MAX (n, 1));

  memset (data, zero_point, MAX (n, 1)); /* uint8 and int8 alike: the low byte */
  return pare_tensor_new_take (type, shape, data);
}

/* The node before which a pair on @value stands: right behind its producer, or at the front. */
static PareNode *
place_behind (PareGraph *graph, const PareValue *value)
{
  guint position = 0;

  if (value->producer)
    {
      g_assert (g_ptr_array_find (graph->nodes, value->producer, &position));
      position++;
    }
  return position < graph->nodes->len ? graph->nodes->pdata[position] : NULL;
}

static void
quantize_value (PareGraph *graph, const ParePlacement *placement, PareValue *value,
                const PareQuantizeParameters *parameters)
{
  PareShape scalar = { 0 };
  g_autoptr (PareTensor) scale = pare_tensor_new_scalar_float (parameters->scale);
  g_autoptr (PareTensor) zero = zero_point_tensor (parameters->type, parameters->zero_point, &scalar);
  gboolean for_all = pare_placement_for_all (placement, value);
  g_autoptr (GPtrArray) readers = g_ptr_array_new ();
  PareValue *dequantized;
  guint position;

  for (guint i = 0; i < value->consumers->len; i++)
    g_ptr_array_add (readers, value->consumers->pdata[i]);
  dequantized
      = add_pair (graph, value, place_behind (graph, value), scale, zero, parameters->lowest, parameters->highest, -1);
  for (guint i = 0; i < readers->len; i++)
    {
      PareNode *reader = readers->pdata[i];
      if (!g_ptr_array_find (reader->inputs, value, &position))
        continue; /* a subgraph: it knows the value by name and keeps the float */
      if (for_all || (pare_placement_quantized (placement, reader)))
        pare_node_set_input (reader, position, dequantized);
    }
  if (for_all && pare_graph_is_output (graph, value))
    {
      /* The output keeps its name. */
      while (g_ptr_array_find (graph->outputs, value, &position))
        graph->outputs->pdata[position] = dequantized;
      pare_graph_swap_names (graph, value, dequantized);
      dequantized->described = value->described;
      dequantized->type = value->type;
      dequantized->has_shape = value->has_shape;
      dequantized->shape = value->shape;
      dequantized->symbols = g_steal_pointer (&value->symbols);
      dequantized->info = g_steal_pointer (&value->info);
      value->described = FALSE;
    }
}

/* Weights */

/* 10 log10 (signal / error) of the weight, for the record. */
static double
weight_sqnr (const PareTensor *weight, guint axis, const PareTensor *scales, const PareWeightGrid *grid)
{
  g_autoptr (PareTensor) integers = pare_weight_quantize (weight, axis, scales, grid);
  const float *w = pare_tensor_data (weight), *s = pare_tensor_data (scales);
  const gint8 *q = pare_tensor_data (integers);
  gint64 channels = pare_tensor_elements (scales);
  gint64 inner = pare_shape_span (&weight->shape, axis + 1, weight->shape.rank);
  double signal = 0, noise = 0;

  for (gint64 i = 0; i < pare_tensor_elements (weight); i++)
    {
      double difference = w[i] - q[i] * s[channels > 1 ? i / inner % channels : 0];
      signal += (double)w[i] * w[i];
      noise += difference * difference;
    }
  return noise > 0 ? 10 * log10 (signal / noise) : INFINITY;
}

static gboolean
per_channel (const PareQuantizeSettings *settings, const char *label)
{
  const PareQuantizeLayer *layer = pare_overrides_find (settings->layers, label);

  return layer && layer->per_channel >= 0 ? layer->per_channel : settings->per_channel;
}

/* A layer, with what was read off the graph before the first pair went in. */
typedef struct
{
  PareNode *node;
  char *label; /* its output may get another name */
  guint bits, activation_bits;
  PareWeightGrid grid;
} Weighted;

static void
weighted_clear (gpointer data)
{
  g_free (((Weighted *)data)->label);
}

static void
quantize_weight (PareGraph *graph, const Weighted *layer, const PareQuantizeSettings *settings)
{
  PareNode *node = layer->node;
  PareWeightTrait trait;
  g_assert (pare_node_weight (node, &trait));
  PareValue *weight = pare_node_input (node, trait.input);
  PareTensor *bias = trait.has_bias ? pare_node_constant (node, trait.bias) : NULL;
  float data_scale = (float)pare_tensor_get_double (pare_node_constant (pare_node_input (node, 0)->producer, 1), 0);
  g_autofree float *floors
      = bias ? pare_bias_floors (bias, weight->constant->shape.dims[trait.out_axis], data_scale) : NULL;
  g_autoptr (PareTensor) scales = pare_weight_scales (weight->constant, trait.out_axis,
                                                      per_channel (settings, layer->label), &layer->grid, floors);
  g_autoptr (PareTensor) zeros = zero_point_tensor (PARE_INT8, 0, &scales->shape);

  pare_record_add (graph->record, STAGE, layer->label, "quantized", NULL, "weight_bits", (double)layer->bits,
                   "activation_bits", (double)layer->activation_bits, "weight_sqnr_db",
                   weight_sqnr (weight->constant, trait.out_axis, scales, &layer->grid), "parameters",
                   (double)pare_tensor_elements (weight->constant), NULL);
  pare_node_set_input (node, trait.input,
                       add_pair (graph, weight, node, scales, zeros, layer->grid.lowest, layer->grid.highest,
                                 scales->shape.rank ? (int)trait.out_axis : -1));
  if (bias)
    {
      g_autoptr (PareTensor) rounded = pare_bias_round (bias, data_scale, scales);
      g_autofree char *name = g_strconcat (pare_node_input (node, trait.bias)->name, "_rounded", NULL);
      pare_node_set_input (node, trait.bias, pare_graph_add_constant (graph, name, rounded));
    }
  pare_node_round_bias (node); /* and that of a normalization behind it */
}

static gboolean
check_ranges (const ParePlacement *placement, GError **error)
{
  const GPtrArray *values = pare_placement_values (placement);

  for (guint i = 0; i < values->len; i++)
    {
      const PareValue *value = pare_placement_origin (placement, values->pdata[i]);
      if (value->range.low <= value->range.high)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Value '%s' has no range: put a graphcalibrator with samples before the quantizer.", value->name);
      return FALSE;
    }
  return TRUE;
}

static void
record_floats (PareGraph *graph, const ParePlacement *placement, const PareBits *bits)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      const char *reason = pare_placement_reason (placement, node);
      if (reason)
        pare_record_add (graph->record, STAGE, pare_node_label (node),
                         pare_placement_is_kept (node) ? "kept" : "left in float", reason, NULL);
      else if (pare_placement_quantized (placement, node)
               && pare_operator_of (node)->quantize != PARE_QUANTIZE_WEIGHTED)
        pare_record_add (graph->record, STAGE, pare_node_label (node), "quantized", NULL, "activation_bits",
                         (double)pare_bits_of_value (bits, pare_node_input (node, 0)), NULL);
    }
}

gboolean
pare_graph_quantize (PareGraph *graph, const PareQuantizeSettings *settings, GError **error)
{
  g_autoptr (ParePlacement) placement = NULL;
  g_autoptr (PareBits) bits = NULL;
  g_autoptr (GArray) weighted = g_array_new (FALSE, FALSE, sizeof (Weighted));
  g_autofree PareQuantizeParameters *parameters = NULL;
  const GPtrArray *values;
  gboolean calibrated = FALSE;

  if (!check_settings (graph, settings, error) || !pare_onnx_upgrade_opset (graph, OPSET, error))
    return FALSE;
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      calibrated |= value->range.low <= value->range.high;
    }
  placement = pare_placement_new (graph, settings, calibrated);
  if (!check_ranges (placement, error))
    return FALSE;
  g_array_set_clear_func (weighted, weighted_clear);
  bits = pare_bits_new (graph, placement, settings);
  record_floats (graph, placement, bits);
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      if (pare_placement_quantized (placement, node) && pare_operator_of (node)->quantize == PARE_QUANTIZE_WEIGHTED)
        {
          guint weight_bits = pare_bits_of_weight (bits, node);
          Weighted layer = { node, g_strdup (pare_node_label (node)), weight_bits,
                             pare_bits_of_value (bits, pare_node_input (node, 0)),
                             pare_weight_grid (weight_bits, pare_placement_is_normalized (placement, node)) };
          g_array_append_val (weighted, layer);
        }
    }
  values = pare_placement_values (placement);
  parameters = g_new (PareQuantizeParameters, values->len + 1);
  /* All before the first pair goes in: where a value comes from is read off the graph. */
  for (guint i = 0; i < values->len; i++)
    parameters[i] = pare_quantize_parameters (&pare_placement_origin (placement, values->pdata[i])->range,
                                              pare_bits_of_value (bits, values->pdata[i]), settings->symmetric);
  for (guint i = 0; i < values->len; i++)
    quantize_value (graph, placement, values->pdata[i], &parameters[i]);
  for (guint i = 0; i < weighted->len; i++)
    quantize_weight (graph, &g_array_index (weighted, Weighted, i), settings);
  pare_graph_remove_dead (graph);
  return TRUE;
}
