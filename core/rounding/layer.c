/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Weights of quantized layers, and their grids: w' = clip (round (w / step), lowest, highest) step. */
#include "rounding/layer.h"
#include "quantize/granularity.h"
#include <math.h>

gint32
pare_weight_grids_round (const PareWeightGrids *grids, gint64 index, double weight)
{
  float integer = rintf ((float)weight / grids->step[index]);

  return CLAMP (integer, (float)grids->lowest[index], (float)grids->highest[index]);
}

float
pare_weight_grids_value (const PareWeightGrids *grids, gint64 index, gint32 integer)
{
  return (float)integer * grids->step[index];
}

void
pare_weight_grids_clear (PareWeightGrids *grids)
{
  g_clear_pointer (&grids->step, g_free);
  g_clear_pointer (&grids->lowest, g_free);
  g_clear_pointer (&grids->highest, g_free);
}

gboolean
pare_rounding_layer_init (PareRoundingLayer *layer, PareNode *node, PareNode *counterpart, const char **reason)
{
  PareLayerMatrix *matrix = &layer->matrix;
  PareValue *weight;

  *reason = NULL;
  *layer = (PareRoundingLayer){ .node = node, .counterpart = counterpart };
  if (!counterpart || !pare_layer_matrix_init (matrix, counterpart))
    return FALSE;
  weight = pare_node_input (node, matrix->trait.input);
  if (!weight || !weight->producer || !pare_pair_read (weight->producer, &layer->pair))
    *reason = "its weight is not quantized";
  else if (!layer->pair.quantize || !layer->pair.input->constant)
    *reason = "its weight is stored as integers already";
  else if (pare_value_only_consumer (weight) != node)
    *reason = "its weight is shared with other layers";
  return *reason == NULL;
}

/* One number for each weight, from the parameter that @read takes it from, in the matrix's order. */
static double *
spread (const PareRoundingLayer *layer, const PareTensor *parameters)
{
  const PareShape *shape = &layer->matrix.shape;
  const PareGranularity granularity = { layer->pair.axis, layer->pair.block_size };
  gint64 n = pare_shape_elements (shape);
  gint64 m = parameters ? pare_tensor_elements (parameters) : 0;
  g_autofree float *values = g_new (float, m);
  float *numbers = g_new0 (float, n);
  g_autoptr (PareTensor) tensor = NULL;

  for (gint64 i = 0; i < m; i++)
    values[i] = pare_tensor_get_double (parameters, i);
  for (gint64 i = 0; m && i < n; i++)
    numbers[i] = values[pare_granularity_index (&granularity, shape, i)];
  tensor = pare_tensor_new_take (PARE_FLOAT32, shape, numbers);
  return pare_layer_matrix_from_tensor (&layer->matrix, tensor);
}

void
pare_rounding_layer_grids (const PareRoundingLayer *layer, PareWeightGrids *grids)
{
  const ParePair *pair = &layer->pair;
  gint64 n = pare_shape_elements (&layer->matrix.shape);
  g_autofree double *steps = spread (layer, pair->scale->constant);
  g_autofree double *zeros = spread (layer, pair->zero_point ? pair->zero_point->constant : NULL);

  *grids = (PareWeightGrids){ g_new (float, n), g_new (gint32, n), g_new (gint32, n) };
  for (gint64 i = 0; i < n; i++)
    {
      grids->step[i] = steps[i];
      grids->lowest[i] = pair->lowest - (gint32)zeros[i];
      grids->highest[i] = pair->highest - (gint32)zeros[i];
    }
}

double *
pare_rounding_layer_read (const PareRoundingLayer *layer)
{
  return pare_layer_matrix_from_tensor (&layer->matrix, pare_node_constant (layer->pair.quantize, 0));
}

double *
pare_rounding_layer_round (const PareRoundingLayer *layer, const double *weights)
{
  gint64 n = pare_shape_elements (&layer->matrix.shape);
  double *rounded = g_new (double, n);
  g_auto (PareWeightGrids) grids = { 0 };

  pare_rounding_layer_grids (layer, &grids);
  for (gint64 i = 0; i < n; i++)
    rounded[i] = pare_weight_grids_value (&grids, i, pare_weight_grids_round (&grids, i, weights[i]));
  return rounded;
}

void
pare_rounding_layer_write (PareGraph *graph, const PareRoundingLayer *layer, const double *weights)
{
  PareNode *quantize = layer->pair.quantize;
  PareValue *old = pare_node_input (quantize, 0);
  g_autofree double *rounded = pare_rounding_layer_round (layer, weights);
  g_autoptr (PareTensor) tensor = pare_layer_matrix_tensor (&layer->matrix, rounded);

  if (pare_value_only_consumer (old) == quantize)
    pare_value_set_constant (old, tensor);
  else
    pare_node_set_input (quantize, 0, pare_graph_add_constant (graph, old->name, tensor));
}
