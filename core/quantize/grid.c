/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where a network has 8-bit integers. */
#include "quantize/grid.h"
#include "quantize/pair.h"
#include <math.h>

/* Scale and zero point of @node, one for all. */
static gboolean
read_parameters (PareNode *node, PareGrid *grid)
{
  PareTensor *scale = pare_node_constant (node, 1), *zero_point = pare_node_constant (node, 2);

  if (!scale || scale->type != PARE_FLOAT32 || pare_tensor_elements (scale) != 1
      || (pare_node_input (node, 2) && (!zero_point || pare_tensor_elements (zero_point) != 1)))
    return FALSE;
  grid->parameters = node;
  grid->type = zero_point ? zero_point->type : PARE_UINT8;
  grid->scale = pare_tensor_get_double (scale, 0);
  grid->zero_point = zero_point ? pare_tensor_get_int (zero_point, 0) : 0;
  return (grid->type == PARE_UINT8 || grid->type == PARE_INT8) && grid->scale > 0 && isfinite (grid->scale)
         && pare_integer_limits (grid->type, &grid->lowest, &grid->highest);
}

gboolean
pare_grid_before (const PareValue *value, PareGrid *grid)
{
  PareNode *node = value ? value->producer : NULL;

  if (!node || !pare_node_is (node, "DequantizeLinear") || !read_parameters (node, grid))
    return FALSE;
  grid->integers = pare_node_input (node, 0);
  if (!grid->integers || grid->integers->constant)
    return FALSE;
  /* Without a zero point the integers' type is the file's to say. */
  if (!pare_node_input (node, 2) && grid->integers->type != PARE_UNDEFINED)
    {
      grid->type = grid->integers->type;
      return (grid->type == PARE_UINT8 || grid->type == PARE_INT8)
             && pare_integer_limits (grid->type, &grid->lowest, &grid->highest);
    }
  return TRUE;
}

/* A Clip of the integers behind QuantizeLinear: fewer than 8 bits. */
static PareNode *
follow_narrowing (PareGrid *grid)
{
  PareNode *clip = pare_value_only_consumer (grid->integers);
  PareTensor *low, *high;

  if (!clip || !pare_node_is (clip, "Clip") || pare_node_input (clip, 0) != grid->integers)
    return NULL;
  low = pare_node_constant (clip, 1);
  high = pare_node_constant (clip, 2);
  if ((pare_node_input (clip, 1) && !low) || (pare_node_input (clip, 2) && !high))
    return NULL;
  grid->lowest = low ? MAX (grid->lowest, pare_tensor_get_int (low, 0)) : grid->lowest;
  grid->highest = high ? MIN (grid->highest, pare_tensor_get_int (high, 0)) : grid->highest;
  grid->integers = clip->outputs->pdata[0];
  return clip;
}

/* Rounding does not change the order of numbers: limits can be rounded, too. */
static void
limit (PareGrid *grid, float low, float high)
{
  float bottom = nearbyintf (low / grid->scale) + grid->zero_point;
  float top = nearbyintf (high / grid->scale) + grid->zero_point;

  grid->lowest = CLAMP (bottom, grid->lowest, grid->highest);
  grid->highest = CLAMP (top, grid->lowest, grid->highest);
}

/* @node limits its input to [*low, *high]. */
static gboolean
read_limits (const PareNode *node, float *low, float *high)
{
  const PareOperator *op = pare_operator_of (node);
  PareEltwise eltwise;

  if (!op || op->quantize != PARE_QUANTIZE_CLAMP || !op->eltwise || !op->eltwise (node, &eltwise))
    return FALSE;
  if (eltwise.kind == PARE_ELTWISE_CLIP)
    {
      *low = MAX (*low, eltwise.alpha);
      *high = MAX (MIN (*high, eltwise.beta), *low);
      return !isnan (eltwise.alpha) && !isnan (eltwise.beta);
    }
  *low = MAX (*low, 0);
  *high = MAX (*high, *low);
  return eltwise.kind == PARE_ELTWISE_RELU && eltwise.alpha == 0;
}

gboolean
pare_grid_of_quantizer (PareNode *node, PareGrid *grid, PareNode **last)
{
  PareNode *clip;

  if (!pare_node_is (node, "QuantizeLinear") || !read_parameters (node, grid)
      || pare_node_get_int (node, "output_dtype", 0) != 0)
    return FALSE;
  grid->integers = node->outputs->pdata[0];
  clip = follow_narrowing (grid);
  *last = clip ? clip : node;
  return TRUE;
}

gboolean
pare_grid_behind (PareNode *node, PareGrid *grid, PareNode **last)
{
  PareNode *next = pare_value_only_consumer (node->outputs->pdata[0]);
  float low = -INFINITY, high = INFINITY;

  while (next && read_limits (next, &low, &high))
    next = pare_value_only_consumer (next->outputs->pdata[0]);
  if (!next || !pare_grid_of_quantizer (next, grid, last))
    return FALSE;
  limit (grid, low, high);
  return TRUE;
}

gint32
pare_grid_signed_zero_point (const PareGrid *grid)
{
  return grid->zero_point - (grid->type == PARE_UINT8 ? 128 : 0);
}

gboolean
pare_grid_equal (const PareGrid *a, const PareGrid *b)
{
  return a->type == b->type && a->scale == b->scale && a->zero_point == b->zero_point;
}

void
pare_grid_remove (PareGraph *graph, PareNode *node, PareNode *last)
{
  while (node)
    {
      PareNode *next = node == last ? NULL : pare_value_only_consumer (node->outputs->pdata[0]);
      pare_graph_remove_node (graph, node);
      node = next;
    }
}

PareValue *
pare_grid_add_number (PareGraph *graph, const char *stem, PareDataType type, gint32 number)
{
  PareShape scalar = { 0 };
  gint8 byte = number; /* its bits are right for both types */
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (type, &scalar, &byte);

  return pare_graph_add_constant (graph, stem, tensor);
}

PareNode *
pare_grid_dequantize (PareGraph *graph, const PareGrid *grid, PareValue *integers, PareNode *before)
{
  g_autofree char *name = g_strconcat (integers->name, "_DequantizeLinear", NULL);
  PareNode *node = pare_graph_add_node (graph, "", "DequantizeLinear", name, before);

  pare_node_add_input (node, integers);
  pare_grid_add_parameters (node, grid);
  return node;
}

void
pare_grid_add_parameters (PareNode *node, const PareGrid *grid)
{
  PareValue *zero_point = pare_node_input (grid->parameters, 2);

  pare_node_add_input (node, pare_node_input (grid->parameters, 1));
  pare_node_add_input (node, zero_point ? zero_point : pare_grid_add_number (node->graph, "zero_point", grid->type, 0));
}

/* Operators of this kind that bring in numbers or outputs of their own. */
static const char *const exceptions[] = { "Pad", "Dropout", NULL };

gboolean
pare_grid_is_moved (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);

  return op && op->quantize == PARE_QUANTIZE_PASS && !g_strv_contains (exceptions, node->op_type)
         && (node->outputs->len == 1 || pare_node_is (node, "Split"));
}

static PareValue *
add_value (PareGraph *graph, const char *stem, const char *suffix)
{
  g_autofree char *name = g_strconcat (stem, suffix, NULL);

  return pare_graph_add_value_near (graph, name);
}

gboolean
pare_grid_move (PareGraph *graph, PareNode *node)
{
  PareNode *moved;
  PareGrid grid;

  if (!pare_grid_is_moved (node) || !pare_grid_before (pare_node_input (node, 0), &grid))
    return FALSE;
  moved = pare_graph_add_node (graph, node->domain, node->op_type, node->name, node);
  pare_node_copy_attributes (moved, node);
  for (guint i = 0; i < node->inputs->len; i++)
    pare_node_add_input (moved, i ? node->inputs->pdata[i] : grid.integers);
  for (guint i = 0; i < node->outputs->len; i++)
    {
      PareValue *output = node->outputs->pdata[i];
      PareNode *dequantize;
      pare_node_add_output (moved, output ? add_value (graph, output->name, "_quantized") : NULL);
      if (!output)
        continue;
      dequantize = pare_grid_dequantize (graph, &grid, moved->outputs->pdata[i], node);
      pare_node_set_output (node, i, pare_graph_add_value_near (graph, "unused"));
      pare_node_add_output (dequantize, output);
    }
  pare_graph_remove_node (graph, node);
  return TRUE;
}

gboolean
pare_grid_join (PareGraph *graph, PareNode *node)
{
  PareNode *last;
  PareGrid x, y;

  if (!pare_grid_of_quantizer (node, &y, &last) || last != node || !pare_grid_before (pare_node_input (node, 0), &x)
      || !pare_grid_equal (&x, &y) || !pare_graph_replace_value (graph, y.integers, x.integers))
    return FALSE;
  pare_graph_remove_node (graph, node);
  return TRUE;
}
