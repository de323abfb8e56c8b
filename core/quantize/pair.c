/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pairs of QuantizeLinear and DequantizeLinear: recognised, and put in. */
#include "quantize/pair.h"
#include "ops/operator.h"
#include "quantize/raise.h"

gboolean
pare_integer_limits (PareDataType type, gint32 *lowest, gint32 *highest)
{
  static const struct
  {
    PareDataType type;
    gint32 lowest, highest;
  } limits[] = {
    { PARE_INT4, -8, 7 },
    { PARE_UINT4, 0, 15 },
    { PARE_INT8, G_MININT8, G_MAXINT8 },
    { PARE_UINT8, 0, G_MAXUINT8 },
    { PARE_INT16, G_MININT16, G_MAXINT16 },
    { PARE_UINT16, 0, G_MAXUINT16 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    if (limits[i].type == type)
      {
        *lowest = limits[i].lowest;
        *highest = limits[i].highest;
        return TRUE;
      }
  return FALSE;
}

static gboolean
same_constant (const PareValue *a, const PareValue *b)
{
  return a == b || (a && b && a->constant && b->constant && pare_tensor_equal (a->constant, b->constant));
}

/* Scale and zero point are constants of float32 and of the integers' type; the result is float32. */
static gboolean
read_parameters (const PareNode *node, ParePair *pair)
{
  gint64 n = 0;

  pair->scale = pare_node_input (node, 1);
  pair->zero_point = pare_node_input (node, 2);
  if (!pair->scale || !pair->scale->constant || pair->scale->constant->type != PARE_FLOAT32
      || (pair->scale->constant->shape.rank > 1 && !pair->block_size)
      || (pair->zero_point && !pair->zero_point->constant) || pair->block_size < 0
      || pare_node_get_int (node, "output_dtype", PARE_FLOAT32) != PARE_FLOAT32)
    return FALSE;
  n = pare_tensor_elements (pair->scale->constant);
  pair->axis = n == 1 && !pair->block_size ? -1 : pare_node_get_int (node, "axis", 1);
  return n > 0;
}

/* An axis that counts from the end is understood where the rank is known. */
static gboolean
settle_axis (ParePair *pair)
{
  const PareShape *shape = pair->input->constant ? &pair->input->constant->shape : NULL;
  guint axis;

  if (pair->block_size)
    shape = &pair->scale->constant->shape;
  else if (pair->axis >= 0 || pare_tensor_elements (pair->scale->constant) == 1)
    return TRUE;
  if (!shape || !pare_axis_normalize (pair->axis, shape->rank, &axis))
    return FALSE;
  pair->axis = axis;
  return TRUE;
}

/* Both nodes of a pair divide the value alike. */
static gboolean
same_slices (const PareNode *quantize, const ParePair *pair)
{
  gint64 axis = pare_node_get_int (quantize, "axis", 1), rank = pair->scale->constant->shape.rank;

  if (pare_node_get_int (quantize, "block_size", 0) != pair->block_size)
    return FALSE;
  if (pare_tensor_elements (pair->scale->constant) == 1 || axis == pair->axis)
    return TRUE;
  return pair->block_size && (axis - pair->axis) % rank == 0;
}

/* Bounds of integers that only narrow the type. */
static gboolean
read_clip (PareNode *clip, ParePair *pair)
{
  const PareTensor *low = pare_node_constant (clip, 1), *high = pare_node_constant (clip, 2);

  if ((!low && pare_node_input (clip, 1)) || (!high && pare_node_input (clip, 2))
      || (low && pare_tensor_elements (low) != 1) || (high && pare_tensor_elements (high) != 1))
    return FALSE;
  if (low)
    pair->lowest = MAX (pair->lowest, pare_tensor_get_int (low, 0));
  if (high)
    pair->highest = MIN (pair->highest, pare_tensor_get_int (high, 0));
  pair->clip = clip;
  return pair->lowest < pair->highest;
}

static gboolean
read_quantize (PareNode *quantize, ParePair *pair)
{
  PareValue *scale = pare_node_input (quantize, 1), *zero_point = pare_node_input (quantize, 2);

  if (!same_constant (pair->scale, scale) || !same_constant (pair->zero_point, zero_point)
      || !same_slices (quantize, pair))
    return FALSE;
  pair->quantize = quantize;
  pair->input = pare_node_input (quantize, 0);
  return pair->input != NULL;
}

gboolean
pare_pair_read (PareNode *node, ParePair *pair)
{
  PareValue *integers = pare_node_input (node, 0);
  PareNode *producer;

  *pair = (ParePair){ .dequantize = node,
                      .output = pare_node_output (node, 0),
                      .type = PARE_UINT8,
                      .block_size = pare_node_get_int (node, "block_size", 0) };
  if (!pare_node_is (node, "DequantizeLinear") || !integers || !pair->output || !read_parameters (node, pair))
    return FALSE;
  if (integers->constant)
    pair->type = integers->constant->type;
  else if (pair->zero_point)
    pair->type = pair->zero_point->constant->type;
  pair->input = integers;
  if (!pare_integer_limits (pair->type, &pair->lowest, &pair->highest))
    return FALSE;
  if (integers->constant)
    return settle_axis (pair);
  producer = integers->producer;
  if (producer && pare_node_is (producer, "Clip"))
    {
      if (!read_clip (producer, pair))
        return FALSE;
      integers = pare_node_input (producer, 0);
      producer = integers ? integers->producer : NULL;
    }
  return producer && pare_node_is (producer, "QuantizeLinear") && read_quantize (producer, pair)
         && settle_axis (pair);
}

/* Putting pairs in */

static PareValue *
add_value (PareGraph *graph, const char *stem, const char *suffix)
{
  g_autofree char *name = g_strconcat (stem, suffix, NULL);

  return pare_graph_add_value_near (graph, name);
}

static PareValue *
add_bound (PareGraph *graph, const char *stem, const char *suffix, PareDataType type, gint32 bound)
{
  g_autofree char *name = g_strconcat (stem, suffix, NULL);
  PareShape scalar = { 0 };
  g_autofree guint8 *data = g_malloc0 (pare_data_size (type, 1));
  g_autoptr (PareTensor) tensor = NULL;

  g_assert (pare_convert (PARE_INT32, &bound, type, data, 1));
  tensor = pare_tensor_new_copy (type, &scalar, data);
  return pare_graph_add_constant (graph, name, tensor);
}

static PareNode *
add_node (PareGraph *graph, const char *op_type, const char *stem, PareNode *before, PareValue *const inputs[3],
          PareValue *output)
{
  g_autofree char *name = g_strconcat (stem, "_", op_type, NULL);
  PareNode *node = pare_graph_add_node (graph, "", op_type, name, before);

  for (guint i = 0; i < 3; i++)
    if (inputs[i])
      pare_node_add_input (node, inputs[i]);
  pare_node_add_output (node, output);
  return node;
}

/* Which slices have scales of their own. */
static void
set_slices (PareNode *node, const ParePairGrid *grid)
{
  if (grid->axis >= 0)
    pare_node_set_attribute (node, pare_attribute_new_int ("axis", grid->axis));
  if (grid->block_size)
    pare_node_set_attribute (node, pare_attribute_new_int ("block_size", grid->block_size));
}

void
pare_pair_insert (PareGraph *graph, PareValue *input, PareNode *before, const ParePairGrid *grid, PareValue *output)
{
  g_autofree char *stem = g_strdup (input->name);
  PareDataType type = grid->zero_point ? grid->zero_point->constant->type : PARE_UINT8;
  PareValue *integers = add_value (graph, stem, "_quantized");
  PareNode *nodes[2];
  gint32 lowest = 0, highest = 0;

  pare_integer_limits (type, &lowest, &highest);
  nodes[0] = add_node (graph, "QuantizeLinear", stem, before, (PareValue *[]){ input, grid->scale, grid->zero_point },
                       integers);
  if (lowest != grid->lowest || highest != grid->highest)
    {
      PareValue *low = add_bound (graph, stem, "_lowest", type, grid->lowest);
      PareValue *high = add_bound (graph, stem, "_highest", type, grid->highest);
      PareValue *clipped = add_value (graph, stem, "_clipped");
      add_node (graph, "Clip", stem, before, (PareValue *[]){ integers, low, high }, clipped);
      integers = clipped;
    }
  nodes[1] = add_node (graph, "DequantizeLinear", stem, before,
                       (PareValue *[]){ integers, grid->scale, grid->zero_point }, output);
  for (guint i = 0; i < 2; i++)
    set_slices (nodes[i], grid);
}

static PareValue *
add_constant (PareGraph *graph, const char *stem, const char *suffix, PareTensor *tensor)
{
  g_autofree char *name = g_strconcat (stem, suffix, NULL);

  return pare_graph_add_constant (graph, name, tensor);
}

static PareTensor *
repeated (PareDataType type, const PareShape *shape, gint32 number)
{
  gint64 n = pare_shape_elements (shape);
  g_autofree gint32 *numbers = g_new (gint32, MAX (n, 1));
  gpointer data = g_malloc0 (MAX (pare_data_size (type, n), 1));

  for (gint64 i = 0; i < n; i++)
    numbers[i] = number;
  g_assert (pare_convert (PARE_INT32, numbers, type, data, n));
  return pare_tensor_new_take (type, shape, data);
}

PareValue *
pare_pair_add (PareGraph *graph, PareValue *input, PareNode *before, const ParePairNumbers *numbers)
{
  g_autofree char *name = g_strconcat (input->name, "_dequantized", NULL);
  g_autoptr (PareTensor) zeros = repeated (numbers->type, &numbers->scale->shape, numbers->zero_point);
  ParePairGrid grid = { add_constant (graph, input->name, "_scale", numbers->scale),
                        add_constant (graph, input->name, "_zero_point", zeros),
                        numbers->lowest,
                        numbers->highest,
                        numbers->axis,
                        numbers->block_size };
  PareValue *dequantized = pare_graph_add_value_near (graph, name);

  pare_pair_insert (graph, input, before, &grid, dequantized);
  return dequantized;
}

void
pare_pair_insert_stored (PareGraph *graph, PareValue *integers, PareNode *before, const ParePairGrid *grid,
                         PareValue *output)
{
  PareNode *node = add_node (graph, "DequantizeLinear", integers->name, before,
                             (PareValue *[]){ integers, grid->scale, grid->zero_point }, output);

  set_slices (node, grid);
}

/* Stored integers */

static PareTensor *
dequantized (PareNode *node, GError **error)
{
  PareTensor *inputs[3] = { pare_node_constant (node, 0), pare_node_constant (node, 1), pare_node_constant (node, 2) };
  PareTensor *outputs[1] = { NULL };

  return pare_evaluate_node (node, inputs, outputs, error) ? outputs[0] : NULL;
}

static gboolean
is_stored_bias (const PareNode *node)
{
  return pare_node_is (node, "DequantizeLinear") && pare_node_constant (node, 0) && pare_node_constant (node, 1)
         && pare_node_constant (node, 0)->type == PARE_INT32;
}

PareValue *
pare_pair_zero_point (PareGraph *graph, const ParePair *pair)
{
  const PareShape *shape = &pair->scale->constant->shape;
  g_autofree char *name = g_strconcat (pair->input->name, "_zero_point", NULL);
  g_autoptr (PareTensor) zeros = NULL;

  if (pair->zero_point)
    return pair->zero_point;
  zeros
      = pare_tensor_new_take (pair->type, shape, g_malloc0 (pare_data_size (pair->type, pare_shape_elements (shape))));
  return pare_graph_add_constant (graph, name, zeros);
}

PareNode *
pare_graph_take_out (PareGraph *graph, PareNode *node)
{
  guint position;

  g_assert (g_ptr_array_find (graph->nodes, node, &position));
  pare_graph_remove_node (graph, node);
  return position < graph->nodes->len ? graph->nodes->pdata[position] : NULL;
}

static gboolean
lift (PareGraph *graph, PareNode *node, const ParePair *pair, GError **error)
{
  g_autoptr (PareTensor) floats = dequantized (node, error);
  g_autofree char *name = g_strconcat (pair->input->name, "_float", NULL);
  ParePairGrid grid = { pair->scale, NULL, pair->lowest, pair->highest, pair->axis, pair->block_size };

  if (!floats)
    return FALSE;
  grid.zero_point = pare_pair_zero_point (graph, pair);
  pare_pair_insert (graph, pare_graph_add_constant (graph, name, floats), pare_graph_take_out (graph, node), &grid,
                    pair->output);
  return TRUE;
}

gboolean
pare_graph_lift_integers (PareGraph *graph, GError **error)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  ParePair pair;

  pare_graph_raise_qoperators (graph);
  g_ptr_array_extend (nodes, graph->nodes, NULL, NULL);
  for (guint i = 0; i < nodes->len; i++)
    {
      PareNode *node = nodes->pdata[i];
      if (is_stored_bias (node) && !pare_graph_is_output (graph, node->outputs->pdata[0]))
        {
          PareValue *output = node->outputs->pdata[0];
          g_autoptr (PareTensor) floats = dequantized (node, error);
          if (!floats)
            return FALSE;
          pare_graph_remove_node (graph, node);
          pare_value_set_constant (output, floats);
        }
      else if (pare_pair_read (node, &pair) && !pair.quantize && !lift (graph, node, &pair, error))
        return FALSE;
    }
  pare_graph_remove_dead (graph);
  return TRUE;
}
