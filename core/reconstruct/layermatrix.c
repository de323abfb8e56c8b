/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Weights of any layer to and from matrices: their two axes of channels change places where the operator has them so.
 */
#include "reconstruct/layermatrix.h"

gboolean
pare_layer_matrix_init (PareLayerMatrix *matrix, const PareNode *node)
{
  PareWeightTrait *trait = &matrix->trait;
  const PareTensor *weight;
  const gint64 *dims;

  if (!pare_node_weight (node, trait))
    return FALSE;
  weight = pare_node_constant (node, trait->input);
  if (weight->type != PARE_FLOAT32 || weight->shape.rank < 2 || pare_tensor_elements (weight) == 0)
    return FALSE;
  matrix->shape = weight->shape;
  dims = matrix->shape.dims;
  matrix->groups = trait->groups;
  matrix->outputs = dims[trait->out_axis] / (trait->out_axis == 0 ? trait->groups : 1);
  matrix->inputs = dims[trait->in_axis] / (trait->in_axis == 0 ? trait->groups : 1);
  matrix->taps = pare_shape_span (&matrix->shape, 2, matrix->shape.rank);
  matrix->columns = matrix->inputs * matrix->taps;
  return TRUE;
}

/* Where the node keeps tap 0 of an output and an input of a group. */
static gint64
place (const PareLayerMatrix *matrix, gint64 group, gint64 output, gint64 input)
{
  gint64 row = matrix->trait.out_axis == 0 ? output : input, column = matrix->trait.out_axis == 0 ? input : output;
  gint64 rows = matrix->trait.out_axis == 0 ? matrix->outputs : matrix->inputs;
  gint64 columns = matrix->trait.out_axis == 0 ? matrix->inputs : matrix->outputs;

  return ((group * rows + row) * columns + column) * matrix->taps;
}

/* Copies one way or the other. */
static void
exchange (const PareLayerMatrix *matrix, float *stored, double *weights, gboolean store)
{
  for (gint64 g = 0; g < matrix->groups; g++)
    for (gint64 o = 0; o < matrix->outputs; o++)
      for (gint64 i = 0; i < matrix->inputs; i++)
        {
          float *tap = stored + place (matrix, g, o, i);
          double *weight = weights + (g * matrix->outputs + o) * matrix->columns + i * matrix->taps;
          for (gint64 t = 0; t < matrix->taps; t++)
            if (store)
              tap[t] = weight[t];
            else
              weight[t] = tap[t];
        }
}

double *
pare_layer_matrix_from_tensor (const PareLayerMatrix *matrix, const PareTensor *tensor)
{
  double *weights = g_new (double, pare_shape_elements (&matrix->shape));

  exchange (matrix, (float *)pare_tensor_data (tensor), weights, FALSE);
  return weights;
}

double *
pare_layer_matrix_read (const PareLayerMatrix *matrix, const PareNode *node)
{
  return pare_layer_matrix_from_tensor (matrix, pare_node_constant (node, matrix->trait.input));
}

PareTensor *
pare_layer_matrix_tensor (const PareLayerMatrix *matrix, const double *weights)
{
  float *stored = g_new (float, pare_shape_elements (&matrix->shape));

  exchange (matrix, stored, (double *)weights, TRUE);
  return pare_tensor_new_take (PARE_FLOAT32, &matrix->shape, stored);
}

double *
pare_layer_matrix_read_bias (const PareLayerMatrix *matrix, const PareNode *node)
{
  gint64 n = matrix->groups * matrix->outputs, length;
  double *bias = g_new0 (double, n);
  const PareTensor *tensor = matrix->trait.has_bias ? pare_node_constant (node, matrix->trait.bias) : NULL;

  length = tensor ? pare_tensor_elements (tensor) : 0;
  for (gint64 i = 0; i < n && length; i++)
    bias[i] = pare_tensor_get_double (tensor, i % length);
  return bias;
}

static void
set_input (PareGraph *graph, PareNode *node, guint index, const char *stem, PareTensor *tensor)
{
  PareValue *old = pare_node_input (node, index);
  PareValue *value = pare_graph_add_constant (graph, old ? old->name : stem, tensor);

  if (old)
    value->sparsity = old->sparsity;
  while (node->inputs->len <= index)
    pare_node_add_input (node, NULL);
  pare_node_set_input (node, index, value);
  if (old && old->consumers->len == 0)
    pare_graph_swap_names (graph, old, value);
}

void
pare_layer_matrix_write (const PareLayerMatrix *matrix, PareGraph *graph, PareNode *node, const double *weights,
                         const double *bias)
{
  gint64 n = matrix->groups * matrix->outputs;
  g_autoptr (PareTensor) tensor = pare_layer_matrix_tensor (matrix, weights);

  set_input (graph, node, matrix->trait.input, "weight", tensor);
  if (bias && matrix->trait.has_bias)
    {
      PareShape shape = { .rank = 1, .dims = { n } };
      float *numbers = g_new (float, n);
      g_autoptr (PareTensor) vector = NULL;
      g_autofree char *stem = g_strconcat (pare_node_label (node), ".bias", NULL);
      for (gint64 i = 0; i < n; i++)
        numbers[i] = bias[i];
      vector = pare_tensor_new_take (PARE_FLOAT32, &shape, numbers);
      set_input (graph, node, matrix->trait.bias, stem, vector);
    }
}
