/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where quantizers go. */
#include "calibrate/extremes.h"
#include "quantize/placement.h"
#include "exec/inference.h"
#include "graph/overrides.h"
#include "ops/compute.h"
#include <math.h>
#include <string.h>

struct _ParePlacement
{
  PareGraph *graph;
  const PareQuantizeSettings *settings;
  GHashTable *refused;   /* PareNode -> char *, or NULL */
  GHashTable *quantized; /* PareNode */
  GHashTable *reasons;   /* PareNode -> char * */
  GHashTable *for_all;   /* PareValue */
  GHashTable *marked;    /* PareValue */
  GPtrArray *values;     /* the marked ones, in order */
};

static PareQuantizeKind
kind_of (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);

  return op ? op->quantize : PARE_QUANTIZE_NONE;
}

static void
refuse (ParePlacement *placement, const PareNode *node, const char *reason)
{
  g_hash_table_remove (placement->quantized, node);
  g_hash_table_insert (placement->reasons, (gpointer)node, g_strdup (reason));
}

static gboolean
is_skipped (const ParePlacement *placement, const PareNode *node)
{
  const PareQuantizeSettings *settings = placement->settings;
  const PareQuantizeLayer *layer = pare_overrides_find (settings->layers, pare_node_label (node));

  if (layer && layer->enable >= 0)
    return !layer->enable;
  return settings->skip_layers && g_strv_contains (settings->skip_layers, pare_node_label (node));
}

/* Inputs that carry data: not weights, biases, shapes and bounds. */
static guint
data_inputs (const PareNode *node)
{
  return kind_of (node) == PARE_QUANTIZE_JOIN ? node->inputs->len : 1;
}

static gboolean
scan (gpointer data, GError **error)
{
  const PareTensor *tensor = data;
  PareExtremes extremes;

  pare_extremes_init (&extremes);
  return pare_extremes_update (&extremes, pare_tensor_data (tensor), pare_tensor_elements (tensor));
}

static gboolean
is_finite (PareTensor *tensor)
{
  return pare_compute (scan, tensor, NULL);
}

/* Perhaps with a Transpose behind it, as exporters write weights of products. */
static gboolean
is_dequantized (const PareValue *value)
{
  while (value && value->producer && kind_of (value->producer) == PARE_QUANTIZE_PASS)
    value = pare_node_input (value->producer, 0);
  return value && value->producer && pare_node_is (value->producer, "DequantizeLinear");
}

gboolean
pare_placement_is_kept (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait;

  PareQuantizeKind kind = kind_of (node);

  if (kind == PARE_QUANTIZE_NONE || kind == PARE_QUANTIZE_CLAMP || kind == PARE_QUANTIZE_NORMALIZE)
    return FALSE;
  if (op->weight)
    {
      op->weight (node, &trait); /* whether it is constant does not matter here */
      return is_dequantized (pare_node_input (node, trait.input));
    }
  for (guint i = 0; i < data_inputs (node); i++)
    if (!is_dequantized (pare_node_input (node, i)))
      return FALSE;
  return TRUE;
}

/* Why the bias of a node with @channels cannot be counted in integers, or NULL. */
static const char *
bias_refusal (const PareValue *value, gint64 channels)
{
  PareTensor *bias = value->constant;

  if (!bias)
    return "its bias is not a constant";
  if (bias->type != PARE_FLOAT32 || pare_tensor_elements (bias) != channels || !bias->shape.rank
      || bias->shape.dims[bias->shape.rank - 1] != channels)
    return "its bias is not one float32 per output channel";
  return is_finite (bias) ? NULL : "its bias holds numbers that are not finite";
}

/* Why a weighted node cannot run on integers, or NULL. */
static const char *
weighted_refusal (const ParePlacement *placement, const PareNode *node)
{
  PareWeightTrait trait;
  PareTensor *weight;

  if (!pare_node_weight (node, &trait))
    return pare_node_constant (node, 1) ? "its weight is laid out in a way that no int8 kernel takes"
                                        : "both operands are activations, which cost more to quantize than they save";
  weight = pare_node_constant (node, trait.input);
  if (weight->type != PARE_FLOAT32)
    return "its weight is not float32";
  if (pare_tensor_elements (weight) == 0)
    return "its weight is empty";
  if (!is_finite (weight))
    return "its weight holds numbers that are not finite";
  if (pare_node_input (node, 0)->constant)
    return "its data input is a constant";
  if (!placement->settings->weights_only && trait.has_bias && pare_node_input (node, trait.bias))
    return bias_refusal (pare_node_input (node, trait.bias), weight->shape.dims[trait.out_axis]);
  return NULL;
}

/* One finite float32 per output channel for each of scale, shift, mean and variance, in the inference form. */
static gboolean
has_statistics (const PareNode *node, gint64 channels)
{
  if (node->outputs->len != 1 || pare_node_get_int (node, "training_mode", 0))
    return FALSE;
  for (guint i = 1; i <= 4; i++)
    {
      PareTensor *tensor = pare_node_constant (node, i);
      if (!tensor || tensor->type != PARE_FLOAT32 || pare_tensor_elements (tensor) != channels || !is_finite (tensor))
        return FALSE;
    }
  return TRUE;
}

/* TRUE for the one reader of a quantized layer's result, when it scales and shifts its channels and the layer has a
 * place for both: in its scales and in its bias. */
static gboolean
folds_back (const ParePlacement *placement, const PareNode *node)
{
  const PareValue *value = pare_node_input (node, 0);
  const PareNode *layer = value ? value->producer : NULL;
  PareWeightTrait trait;

  return kind_of (node) == PARE_QUANTIZE_NORMALIZE && layer && pare_value_only_consumer (value) == node
         && g_hash_table_contains (placement->quantized, layer) && pare_node_weight (layer, &trait) && trait.has_bias
         && (trait.out_axis == 0 || trait.groups == 1)
         && has_statistics (node, pare_node_constant (layer, trait.input)->shape.dims[trait.out_axis]);
}

/* TRUE for nodes that are not there any more when integers run. */
static gboolean
disappears (const ParePlacement *placement, const PareNode *node)
{
  return kind_of (node) == PARE_QUANTIZE_CLAMP || folds_back (placement, node);
}

static PareNode *
next_clamp (const ParePlacement *placement, const PareValue *value)
{
  PareNode *next = pare_value_only_consumer (value);

  return next && disappears (placement, next) ? next : NULL;
}

gboolean
pare_placement_is_normalized (const ParePlacement *placement, const PareNode *node)
{
  const PareNode *next = pare_value_only_consumer (pare_node_output (node, 0));

  return next && folds_back (placement, next);
}

PareValue *
pare_placement_behind_clamps (const ParePlacement *placement, PareValue *value)
{
  for (PareNode *next; (next = next_clamp (placement, value));)
    value = next->outputs->pdata[0];
  return value;
}

/* The node whose integers @value holds: its producer, looking through activations. NULL when it is float. */
static const PareNode *
integer_producer (const ParePlacement *placement, const PareValue *value)
{
  const PareNode *node = value->producer;

  while (node && disappears (placement, node) && pare_value_only_consumer (node->inputs->pdata[0]))
    node = ((PareValue *)node->inputs->pdata[0])->producer;
  return node && g_hash_table_contains (placement->quantized, node) ? node : NULL;
}

/* First walk, forwards: who could be quantized. */
static void
consider (ParePlacement *placement, const PareNode *node)
{
  PareQuantizeKind kind = kind_of (node);
  const PareOperator *op = pare_operator_of (node);
  const char *refusal = NULL;

  if (disappears (placement, node))
    return;
  if (is_skipped (placement, node))
    refusal = "the settings skip it";
  else if (placement->refused && g_hash_table_contains (placement->refused, node))
    refusal = g_hash_table_lookup (placement->refused, node);
  else if (pare_placement_is_kept (node))
    refusal = "it came with conversions of its own";
  else if (placement->settings->weights_only && kind != PARE_QUANTIZE_WEIGHTED)
    return;
  else if (kind == PARE_QUANTIZE_NONE || kind == PARE_QUANTIZE_NORMALIZE)
    refusal = op && op->quantize_note ? op->quantize_note : op && !op->macs ? NULL : "it has no int8 kernel";
  else if (kind == PARE_QUANTIZE_WEIGHTED)
    refusal = weighted_refusal (placement, node);
  else
    for (guint i = 0; !refusal && i < data_inputs (node); i++)
      {
        const PareValue *value = pare_node_input (node, i);
        if (!value || !integer_producer (placement, value))
          refusal = "not all that it reads comes from quantized layers";
      }
  /* Of all that moves data, Split alone moves some to each output; elsewhere the second one holds indices or a mask. */
  if (!refusal && kind == PARE_QUANTIZE_PASS && pare_node_output (node, 1) && !pare_node_is (node, "Split"))
    refusal = "no int8 kernel has its second output";
  if (refusal)
    refuse (placement, node, refusal);
  else if (kind != PARE_QUANTIZE_NONE && kind != PARE_QUANTIZE_NORMALIZE)
    g_hash_table_add (placement->quantized, (gpointer)node);
}

static gboolean
reaches_quantized (const ParePlacement *placement, const PareNode *node)
{
  for (guint o = 0; o < node->outputs->len; o++)
    {
      PareValue *value = node->outputs->pdata[o];
      if (!value)
        continue;
      value = pare_placement_behind_clamps (placement, value);
      for (guint i = 0; i < value->consumers->len; i++)
        if (g_hash_table_contains (placement->quantized, value->consumers->pdata[i]))
          return TRUE;
    }
  return FALSE;
}

static void
mark (ParePlacement *placement, PareValue *value, gboolean for_all)
{
  if (for_all)
    g_hash_table_add (placement->for_all, value);
  if (g_hash_table_add (placement->marked, value))
    g_ptr_array_add (placement->values, value);
}

/* A product can hand out floats at no cost; the other kernels write integers. */
static gboolean
must_write_integers (const PareNode *node)
{
  return !pare_node_is (node, "Gemm") && !pare_node_is (node, "MatMul");
}

static void
mark_values (ParePlacement *placement, const PareNode *node)
{
  for (guint i = 0; i < data_inputs (node); i++)
    mark (placement, node->inputs->pdata[i], FALSE);
  for (guint o = 0; must_write_integers (node) && o < node->outputs->len; o++)
    if (node->outputs->pdata[o])
      mark (placement, pare_placement_behind_clamps (placement, node->outputs->pdata[o]), TRUE);
}

static gboolean
is_bad_range (const PareRange *range)
{
  return !isfinite (range->low) || !isfinite (range->high);
}

/* Why @node cannot be quantized by what the calibrator saw: the scale of a bias is data scale x weight scale, and
 * integers hold no infinities. */
static const char *
range_refusal (const ParePlacement *placement, const PareNode *node)
{
  const PareRange *range = &pare_node_input (node, 0)->range;

  if (kind_of (node) == PARE_QUANTIZE_WEIGHTED && range->low > range->high)
    return "its input has no calibrated range";
  for (guint i = 0; i < data_inputs (node); i++)
    if (is_bad_range (&pare_node_input (node, i)->range))
      return "its input was not finite when it was calibrated";
  for (guint o = 0; must_write_integers (node) && o < node->outputs->len; o++)
    if (node->outputs->pdata[o]
        && is_bad_range (&pare_placement_behind_clamps (placement, node->outputs->pdata[o])->range))
      return "its result was not finite when it was calibrated";
  return NULL;
}

ParePlacement *
pare_placement_new (PareGraph *graph, const PareQuantizeSettings *settings, gboolean with_ranges, GHashTable *refused)
{
  ParePlacement *placement = g_new0 (ParePlacement, 1);
  const GPtrArray *nodes = graph->nodes;

  placement->graph = graph;
  placement->settings = settings;
  placement->refused = refused;
  placement->quantized = g_hash_table_new (NULL, NULL);
  placement->reasons = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  placement->for_all = g_hash_table_new (NULL, NULL);
  placement->marked = g_hash_table_new (NULL, NULL);
  placement->values = g_ptr_array_new ();
  for (guint i = 0; i < nodes->len; i++)
    {
      const char *refusal;
      consider (placement, nodes->pdata[i]);
      if (with_ranges && !settings->weights_only && pare_placement_quantized (placement, nodes->pdata[i])
          && (refusal = range_refusal (placement, nodes->pdata[i])))
        refuse (placement, nodes->pdata[i], refusal);
    }
  /* Second walk, backwards: who only would carry integers to where floats are wanted. */
  for (guint i = nodes->len; i-- > 0;)
    if (pare_placement_quantized (placement, nodes->pdata[i]) && kind_of (nodes->pdata[i]) != PARE_QUANTIZE_WEIGHTED
        && !reaches_quantized (placement, nodes->pdata[i]))
      refuse (placement, nodes->pdata[i], "what reads its result is in float");
  for (guint i = 0; i < nodes->len && !settings->weights_only; i++)
    if (pare_placement_quantized (placement, nodes->pdata[i]))
      mark_values (placement, nodes->pdata[i]);
  return placement;
}

void
pare_placement_free (ParePlacement *placement)
{
  g_hash_table_unref (placement->quantized);
  g_hash_table_unref (placement->reasons);
  g_hash_table_unref (placement->for_all);
  g_hash_table_unref (placement->marked);
  g_ptr_array_unref (placement->values);
  g_free (placement);
}

gboolean
pare_placement_quantized (const ParePlacement *placement, const PareNode *node)
{
  return g_hash_table_contains (placement->quantized, node);
}

const char *
pare_placement_reason (const ParePlacement *placement, const PareNode *node)
{
  return g_hash_table_lookup (placement->reasons, node);
}

const GPtrArray *
pare_placement_values (const ParePlacement *placement)
{
  return placement->values;
}

gboolean
pare_placement_for_all (const ParePlacement *placement, const PareValue *value)
{
  return g_hash_table_contains (placement->for_all, value);
}

PareValue *
pare_placement_origin (const ParePlacement *placement, PareValue *value)
{
  while (value->producer && kind_of (value->producer) == PARE_QUANTIZE_PASS
         && pare_placement_quantized (placement, value->producer))
    value = value->producer->inputs->pdata[0];
  return value;
}
