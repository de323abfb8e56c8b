/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers as operators that have integers in the file: QLinearConv, QLinearMatMul, QGemm where the result is rounded
 * again; else ConvInteger and MatMulInteger, whose sums become floats (or MatMulIntegerToFloat). */
#include "quantize/qoperator.h"
#include "quantize/pair.h"

/* The constant that the graph has already when it equals @tensor, else a new one. */
static PareValue *
shared_constant (PareGraph *graph, PareValue *old, PareTensor *tensor, const char *stem)
{
  return old && old->constant && pare_tensor_equal (old->constant, tensor)
             ? old
             : pare_graph_add_constant (graph, old ? old->name : stem, tensor);
}

PareValue *
pare_qoperator_weights (PareGraph *graph, const PareIntegerLayer *layer)
{
  return shared_constant (graph, pare_node_input (layer->w, 0), layer->weights, "weights");
}

PareValue *
pare_qoperator_bias (PareGraph *graph, const PareIntegerLayer *layer, const PareShape *shape)
{
  PareValue *value = pare_node_input (layer->node, 2);
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT32, shape, layer->bias);

  return shared_constant (graph, value && value->producer ? pare_node_input (value->producer, 0) : NULL, tensor,
                          "bias");
}

/* Scales and zero points of the weights: the latter are zero. */
static void
add_weight_parameters (PareNode *made, const PareIntegerLayer *layer)
{
  PareValue *scale = pare_node_input (layer->w, 1);
  PareShape shape = scale->constant->shape;
  g_autoptr (PareTensor) zeros
      = pare_tensor_new_take (PARE_INT8, &shape, g_malloc0 (MAX (pare_shape_elements (&shape), 1)));

  pare_node_add_input (made, scale);
  pare_node_add_input (made, shared_constant (made->graph, pare_node_input (layer->w, 2), zeros, "zero_point"));
}

/* Its operator when the result is rounded again; NULL when there is none. */
static const char *
rounded_operator (const PareQOperator *work, const PareIntegerLayer *layer)
{
  if (layer->is_convolution)
    return "QLinearConv";
  if (!layer->bias)
    return "QLinearMatMul";
  return work->microsoft && pare_node_is (layer->node, "Gemm") ? "QGemm" : NULL;
}

const char *
pare_qoperator_rounded (PareQOperator *work, const PareIntegerLayer *layer, const PareGrid *y, PareNode *last)
{
  const char *op_type = rounded_operator (work, layer);
  gboolean gemm = g_str_equal (op_type, "QGemm");
  PareNode *made = pare_graph_add_node (work->graph, gemm ? PARE_DOMAIN_MICROSOFT : "", op_type,
                                        pare_node_label (layer->node), layer->node);
  PareShape channels = pare_shape (1, (gint64[]){ pare_integer_layer_channels (layer) });
  PareValue *bias = layer->bias ? pare_qoperator_bias (work->graph, layer, &channels) : NULL;

  if (layer->is_convolution)
    pare_node_copy_attributes (made, layer->node);
  pare_node_add_input (made, layer->x.integers);
  pare_grid_add_parameters (made, &layer->x);
  pare_node_add_input (made, pare_qoperator_weights (work->graph, layer));
  add_weight_parameters (made, layer);
  if (bias && gemm)
    pare_node_add_input (made, bias);
  pare_grid_add_parameters (made, y);
  if (bias && !gemm)
    pare_node_add_input (made, bias);
  pare_qoperator_finish (made, y, layer->node, last);
  return op_type;
}

const char *
pare_qoperator_layer (PareQOperator *work, PareNode *node)
{
  g_auto (PareIntegerLayer) layer = { NULL };
  PareTensor *bias = NULL;
  PareNode *last;
  PareGrid y;

  if (!pare_integer_layer_read (node, &layer, &work->reason))
    return NULL;
  if (!pare_integer_layer_read_either_bias (&layer, &bias))
    {
      work->reason = "its bias is not one constant number per channel";
      return NULL;
    }
  if (!bias && rounded_operator (work, &layer) && pare_grid_behind (node, &y, &last) && y.type == layer.x.type)
    return pare_qoperator_rounded (work, &layer, &y, last);
  return pare_qoperator_sums (work, &layer, bias);
}

void
pare_qoperator_finish (PareNode *made, const PareGrid *y, PareNode *node, PareNode *last)
{
  PareGraph *graph = made->graph;
  g_autofree char *name = g_strconcat (y->integers->name, "_Clip", NULL);
  g_autofree char *wide = g_strconcat (y->integers->name, "_wide", NULL);
  gint32 lowest = 0, highest = 0;
  PareNode *clip;

  pare_integer_limits (y->type, &lowest, &highest);
  if (y->lowest > lowest || y->highest < highest)
    {
      clip = pare_graph_add_node (graph, "", "Clip", name, node);
      pare_node_add_output (made, pare_graph_add_value_near (graph, wide));
      pare_node_add_input (clip, made->outputs->pdata[0]);
      pare_node_add_input (clip, pare_grid_add_number (graph, "lowest", y->type, y->lowest));
      pare_node_add_input (clip, pare_grid_add_number (graph, "highest", y->type, y->highest));
      made = clip;
    }
  pare_grid_remove (graph, node, last);
  pare_node_add_output (made, y->integers);
}
