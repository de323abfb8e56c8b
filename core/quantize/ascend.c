/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=ascend: int8 operators between AscendQuant and AscendDequant, as Ascend's compiler takes them from AMCT:
 *
 *   AscendQuant       q = clip (round (x scale) + offset, -128, 127), with scale = 1 / data scale
 *   layer             int32 sums of (q - offset) w, plus an int32 bias; the offset is known from the AscendQuant
 *   AscendDequant     sums x data scale x weight scale, see ascend-layer.c
 *   AscendAntiQuant   (q + offset) scale, with offset = -offset of the AscendQuant: for readers that compute in float
 */
#include "quantize/ascend.h"
#include "quantize/quantize.h"
#include "quantize/raise.h"
#include "quantize/shift.h"

static gboolean
refuse (const char *layer, const char *why, GError **error)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "'%s' cannot be written with form=ascend: %s. Leave it in float (skip-layers=%s), or write the network "
               "with form=qdq.",
               layer, why, layer);
  return FALSE;
}

/* Rounding goes with picking and moving: where both sides of an operator that does that lie on one grid, the earlier
 * rounding is not needed. */
static void
drop_early_pair (PareGraph *graph, PareNode *dequantize)
{
  PareNode *quantize = pare_node_input (dequantize, 0) ? pare_node_input (dequantize, 0)->producer : NULL;
  PareNode *mover, *next, *last;
  PareGrid x, y;

  mover = pare_value_only_consumer (dequantize->outputs->pdata[0]);
  if (!mover || !pare_grid_is_moved (mover) || mover->outputs->len != 1 || !quantize
      || !pare_node_is (quantize, "QuantizeLinear") || !pare_grid_before (dequantize->outputs->pdata[0], &x))
    return;
  next = pare_value_only_consumer (mover->outputs->pdata[0]);
  if (next && pare_grid_of_quantizer (next, &y, &last) && pare_grid_equal (&x, &y))
    pare_node_set_input (mover, 0, pare_node_input (quantize, 0));
}

static gboolean
write_layers (PareGraph *graph, GHashTable *shifts, GError **error)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      g_auto (PareIntegerLayer) layer = { NULL };
      PareNode *node = graph->nodes->pdata[i];
      const char *reason;
      if (pare_integer_layer_read (node, &layer, &reason))
        {
          const PareAttribute *shift = g_hash_table_lookup (shifts, pare_node_label (node));
          if (!pare_ascend_layer (graph, &layer, shift, &reason))
            return refuse (pare_node_label (node), reason, error);
        }
      else if (reason)
        return refuse (pare_node_label (node), reason, error);
    }
  return TRUE;
}

static PareNode *
add_conversion (PareGraph *graph, PareNode *old, const char *op_type, float scale, float offset)
{
  PareValue *input = pare_node_input (old, 0), *output = old->outputs->pdata[0];
  g_autofree char *name
      = g_strconcat (input->name, g_str_equal (op_type, "AscendQuant") ? ".quant" : ".antiquant", NULL);
  PareNode *node = pare_graph_add_node (graph, "", op_type, name, old);

  pare_node_add_input (node, input);
  pare_node_set_attribute (node, pare_attribute_new_float ("scale", scale));
  pare_node_set_attribute (node, pare_attribute_new_float ("offset", offset));
  pare_graph_remove_node (graph, old);
  pare_node_add_output (node, output);
  return node;
}

static gboolean
write_quantizer (PareGraph *graph, PareNode *node, GError **error)
{
  PareGrid grid;
  PareNode *last, *made;

  if (!pare_grid_of_quantizer (node, &grid, &last))
    return refuse (pare_node_label (node), "its scale and zero point are not one constant each", error);
  if (last != node)
    return refuse (pare_node_label (node), "its data has fewer than 8 bits", error);
  made = add_conversion (graph, node, "AscendQuant", 1 / grid.scale, pare_grid_signed_zero_point (&grid));
  pare_node_set_attribute (made, pare_attribute_new_string ("dst_type", "INT8"));
  grid.integers->type = PARE_INT8;
  return TRUE;
}

static gboolean
write_dequantizer (PareGraph *graph, PareNode *node, GError **error)
{
  PareNode *producer = pare_node_input (node, 0) ? pare_node_input (node, 0)->producer : NULL;
  PareNode *reader = pare_value_only_consumer (node->outputs->pdata[0]);
  PareGrid grid;

  if (!producer || g_strcmp0 (producer->op_type, "AscendQuant") != 0
      || !pare_grid_before (node->outputs->pdata[0], &grid))
    return refuse (pare_node_label (reader ? reader : node), "integers reach it that no quantizer of data makes",
                   error);
  add_conversion (graph, node, "AscendAntiQuant", grid.scale, -pare_grid_signed_zero_point (&grid));
  return TRUE;
}

/* What is left of the pairs: in front of int8 layers, and around what is computed in float. */
static gboolean
write_conversions (PareGraph *graph, GError **error)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      gboolean dequantizes = pare_node_is (node, "DequantizeLinear"); /* the node goes as its conversion comes */
      if (pare_node_is (node, "QuantizeLinear") && !write_quantizer (graph, node, error))
        return FALSE;
      if (dequantizes && !write_dequantizer (graph, node, error))
        return FALSE;
    }
  return TRUE;
}

static void
drop_early_pairs (PareGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_node_is (graph->nodes->pdata[i], "DequantizeLinear"))
      drop_early_pair (graph, graph->nodes->pdata[i]);
}

static gboolean
ascend_lower (PareGraph *graph, GError **error)
{
  g_autoptr (GHashTable) shifts = pare_graph_shifts (graph);
  const PareForm *stored = pare_form_find ("qdq", error);

  pare_graph_raise_qoperators (graph);
  if (!stored || !stored->lower (graph, error) || !pare_graph_require_bytes (graph, "ascend", error))
    return FALSE;
  drop_early_pairs (graph);
  pare_graph_remove_dead (graph);
  if (!write_layers (graph, shifts, error))
    return FALSE;
  pare_graph_remove_dead (graph);
  return write_conversions (graph, error);
}

const PareForm pare_form_ascend
    = { "ascend", "int8 operators between AscendQuant and AscendDequant: for the compiler of Ascend processors.",
        ascend_lower };
