/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A layer of the form ascend. The second input of AscendDequant holds one uint64 per weight scale:
 *
 *   bits 31..0    data scale x weight scale, as float32
 *   bits 39..32   N, by how many bits the accumulator is shifted right before it is kept in 16 bits; 0: it is not
 *   bits 47..40   offset of the weights: always 0
 *
 * Source: the open code of AMCT. The result is clip (floor (sum / 2^N)) 2^N scale. */
#include "quantize/ascend.h"
#include <string.h>

#define SHIFT_BITS 32

/* By name + @suffix. */
static PareValue *
add_value (PareGraph *graph, const char *label, const char *suffix)
{
  g_autofree char *name = g_strconcat (label, suffix, NULL);

  return pare_graph_add_value_near (graph, name);
}

static PareValue *
add_parameter (PareGraph *graph, const PareIntegerLayer *layer, const PareAttribute *shift, const char *label)
{
  guint n = shift && shift->n > layer->n ? shift->n : layer->n;
  PareShape shape = pare_shape (1, (gint64[]){ n });
  g_autofree char *name = g_strconcat (label, ".dequant.param", NULL);
  g_autofree guint64 *words = g_new (guint64, n);
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < n; i++)
    {
      float scale = layer->x.scale * layer->w_scales[layer->n > 1 ? i : 0];
      guint32 bits;
      memcpy (&bits, &scale, sizeof bits);
      words[i] = bits | (shift ? (guint64)shift->u.ints[shift->n > 1 ? i : 0] << SHIFT_BITS : 0);
    }
  tensor = pare_tensor_new_copy (PARE_UINT64, &shape, words);
  return pare_graph_add_constant (graph, name, tensor);
}

/* The operator itself, before what it replaces: it has a name in any case, which the record goes by. */
static PareNode *
add_layer (PareGraph *graph, const PareIntegerLayer *layer, const char *label)
{
  PareNode *node = pare_graph_add_node (graph, "", layer->node->op_type, label, layer->node);
  PareShape channels = pare_shape (1, (gint64[]){ pare_integer_layer_channels (layer) });
  g_autoptr (PareTensor) bias = layer->bias ? pare_tensor_new_copy (PARE_INT32, &channels, layer->bias) : NULL;
  PareValue *stored = pare_node_input (layer->w, 0);
  g_autofree char *name = g_strconcat (label, ".bias", NULL);

  pare_node_copy_attributes (node, layer->node);
  pare_node_remove_attribute (node, "transB"); /* the weights lie as they are multiplied */
  pare_node_add_input (node, layer->x.integers);
  pare_node_add_input (node, pare_tensor_equal (stored->constant, layer->weights)
                                 ? stored
                                 : pare_graph_add_constant (graph, stored->name, layer->weights));
  if (bias)
    pare_node_add_input (node, pare_graph_add_constant (graph, name, bias));
  pare_node_add_output (node, add_value (graph, label, ".sums"));
  return node;
}

/* AscendDequant of @sums, before the layer. */
static PareNode *
add_dequantizer (PareGraph *graph, const PareIntegerLayer *layer, PareNode *sums, PareValue *parameter,
                 const char *label)
{
  g_autofree char *name = g_strconcat (label, ".dequant", NULL);
  PareNode *node = pare_graph_add_node (graph, "", "AscendDequant", name, layer->node);

  pare_node_add_input (node, sums->outputs->pdata[0]);
  pare_node_add_input (node, parameter);
  pare_node_set_attribute (node, pare_attribute_new_int ("dtype", 0)); /* float32 */
  return node;
}

/* @dequantizer -> Add of @bias, before the layer. */
static PareNode *
add_float_bias (PareGraph *graph, const PareIntegerLayer *layer, PareNode *dequantizer, const PareTensor *bias,
                const char *label)
{
  g_autofree char *name = g_strconcat (label, ".bias", NULL);
  PareNode *node = pare_graph_add_node (graph, "", "Add", name, layer->node);
  PareShape shape = pare_integer_layer_channels_shape (layer);
  g_autoptr (PareTensor) spread = pare_tensor_reshape (bias, &shape);

  pare_node_add_output (dequantizer, add_value (graph, label, ".dequantized"));
  pare_node_add_input (node, dequantizer->outputs->pdata[0]);
  pare_node_add_input (node, pare_graph_add_constant (graph, name, spread));
  return node;
}

static void
record_layer (PareGraph *graph, const PareIntegerLayer *layer, const PareAttribute *shift, const PareTensor *bias,
              const char *label)
{
  g_autofree double *shifts = g_new0 (double, shift ? shift->n : 1);
  PareRecordList list = { "shift_bit", shift ? shift->n : 0, shifts };

  for (guint i = 0; i < list.n; i++)
    shifts[i] = shift->u.ints[i];
  pare_record_add_list (graph->record, "onnxexporter", label, "written as int8 layer before AscendDequant",
                        bias ? "32 bits do not hold its bias, which is added in float" : NULL, &list, "scale_d",
                        (double)layer->x.scale, "offset_d", (double)pare_grid_signed_zero_point (&layer->x), NULL);
}

gboolean
pare_ascend_layer (PareGraph *graph, PareIntegerLayer *layer, const PareAttribute *shift, const char **reason)
{
  g_autofree char *label = g_strdup (pare_node_label (layer->node));
  gint64 channels = pare_integer_layer_channels (layer);
  PareValue *result = pare_node_output (layer->node, 0);
  PareTensor *bias = NULL;
  PareNode *last;

  *reason = !layer->x.integers->producer || !pare_node_is (layer->x.integers->producer, "QuantizeLinear")
                ? "its data is not quantized to 8 bits right before it"
            : shift && shift->n != 1 && shift->n != channels      ? "its shifts are not those of its channels"
            : !pare_integer_layer_read_either_bias (layer, &bias) ? "its bias is not one constant number per channel"
                                                                  : NULL;
  if (*reason)
    return FALSE;
  record_layer (graph, layer, shift, bias, label);
  last = add_layer (graph, layer, label);
  last = add_dequantizer (graph, layer, last, add_parameter (graph, layer, shift, label), label);
  if (bias)
    last = add_float_bias (graph, layer, last, bias, label);
  pare_graph_remove_node (graph, layer->node);
  pare_node_add_output (last, result);
  return TRUE;
}
