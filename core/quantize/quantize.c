/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The quantizer: puts QuantizeLinear and DequantizeLinear pairs where the placement says, on activations and weights,
 * and rounds biases to their integer grid, so that what is simulated is what the integers will compute. */
#include "quantize/quantize.h"
#include "onnx/onnx.h"
#include "quantize/bits.h"
#include "quantize/pair.h"
#include "quantize/parameters.h"
#include "quantize/placement.h"
#include "quantize/settings.h"
#include "quantize/weighted.h"

GPtrArray *
pare_quantize_values (PareGraph *graph, const PareQuantizeSettings *settings, GError **error)
{
  g_autoptr (ParePlacement) placement = NULL;
  GPtrArray *values;

  if (!pare_quantize_settings_check (settings, graph, error))
    return NULL;
  placement = pare_placement_new (graph, settings, FALSE, NULL);
  values = g_ptr_array_new ();
  for (guint i = 0; i < pare_placement_values (placement)->len; i++)
    g_ptr_array_add (values, pare_placement_values (placement)->pdata[i]);
  return values;
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
  g_autoptr (PareTensor) scale = pare_tensor_new_scalar_float (parameters->scale);
  const ParePairNumbers numbers
      = { scale, parameters->type, parameters->zero_point, parameters->lowest, parameters->highest, -1 };
  gboolean for_all = pare_placement_for_all (placement, value);
  g_autoptr (GPtrArray) readers = g_ptr_array_new ();
  PareValue *dequantized;
  guint position;

  for (guint i = 0; i < value->consumers->len; i++)
    g_ptr_array_add (readers, value->consumers->pdata[i]);
  dequantized = pare_pair_add (graph, value, place_behind (graph, value), &numbers);
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
        pare_record_add (graph->record, PARE_QUANTIZE_STAGE, pare_node_label (node),
                         pare_placement_is_kept (node) ? "kept" : "left in float", reason, NULL);
      else if (pare_placement_quantized (placement, node)
               && pare_operator_of (node)->quantize != PARE_QUANTIZE_WEIGHTED)
        pare_record_add (graph->record, PARE_QUANTIZE_STAGE, pare_node_label (node), "quantized", NULL,
                         "activation_bits", (double)pare_bits_of_value (bits, pare_node_input (node, 0)), NULL);
    }
}

/* What goes where, for the whole network. */
typedef struct
{
  ParePlacement *placement;
  PareBits *bits;
  GPtrArray *weighted; /* of PareWeighted */
} Plan;

static void
plan_clear (Plan *plan)
{
  g_clear_pointer (&plan->weighted, g_ptr_array_unref);
  g_clear_pointer (&plan->bits, pare_bits_free);
  g_clear_pointer (&plan->placement, pare_placement_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Plan, plan_clear)

static gboolean
is_calibrated (const PareGraph *graph)
{
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      if (value->range.low <= value->range.high)
        return TRUE;
    }
  return FALSE;
}

static gboolean
plan_make (Plan *plan, PareGraph *graph, const PareQuantizeSettings *settings, GHashTable *refused, GError **error)
{
  plan_clear (plan);
  plan->placement = pare_placement_new (graph, settings, is_calibrated (graph), refused);
  if (!check_ranges (plan->placement, error))
    return FALSE;
  plan->bits = pare_bits_new (graph, plan->placement, settings);
  plan->weighted = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_weighted_free);
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      if (pare_placement_quantized (plan->placement, node)
          && pare_operator_of (node)->quantize == PARE_QUANTIZE_WEIGHTED)
        g_ptr_array_add (plan->weighted, pare_weighted_new (node, plan->placement, plan->bits, settings));
    }
  return TRUE;
}

/* What a layer loses is known once its bits are; those that lose too much change the places of all others. */
static gboolean
plan_within_losses (Plan *plan, PareGraph *graph, const PareQuantizeSettings *settings, GHashTable *refused,
                    GError **error)
{
  guint before;

  do
    {
      before = g_hash_table_size (refused);
      if (!plan_make (plan, graph, settings, refused, error))
        return FALSE;
      for (guint i = 0; i < plan->weighted->len; i++)
        {
          const PareWeighted *layer = plan->weighted->pdata[i];
          const char *reason = pare_weighted_refusal (layer);
          if (reason)
            g_hash_table_insert (refused, layer->node, (gpointer)reason);
        }
    }
  while (g_hash_table_size (refused) > before);
  return TRUE;
}

static void
quantize_values (PareGraph *graph, const Plan *plan)
{
  const GPtrArray *values = pare_placement_values (plan->placement);
  g_autofree PareQuantizeParameters *parameters = g_new (PareQuantizeParameters, values->len + 1);

  /* All before the first pair goes in: where a value comes from is read off the graph. */
  for (guint i = 0; i < values->len; i++)
    parameters[i] = pare_bits_parameters (plan->bits, values->pdata[i]);
  for (guint i = 0; i < values->len; i++)
    quantize_value (graph, plan->placement, values->pdata[i], &parameters[i]);
}

gboolean
pare_graph_quantize (PareGraph *graph, const PareQuantizeSettings *settings, GError **error)
{
  g_autoptr (GHashTable) refused = g_hash_table_new (NULL, NULL);
  g_auto (Plan) plan = { NULL };

  if (!pare_quantize_settings_check (settings, graph, error)
      || !pare_onnx_upgrade_opset (graph, pare_quantize_settings_opset (settings), error)
      || !plan_within_losses (&plan, graph, settings, refused, error))
    return FALSE;
  record_floats (graph, plan.placement, plan.bits);
  quantize_values (graph, &plan);
  for (guint i = 0; i < plan.weighted->len; i++)
    pare_weighted_quantize (plan.weighted->pdata[i], graph);
  pare_graph_remove_dead (graph);
  return TRUE;
}
