/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Biases on their grid. */
#include "quantize/bias.h"
#include "quantize/pair.h"
#include <float.h>
#include <math.h>

PareTensor *
pare_bias_round (const PareTensor *bias, float data_scale, const PareTensor *scales)
{
  const float *b = pare_tensor_data (bias), *s = pare_tensor_data (scales);
  gint64 n = pare_tensor_elements (bias), channels = pare_tensor_elements (scales);
  g_autofree float *rounded = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    {
      float step = data_scale * s[channels > 1 ? i % channels : 0];
      rounded[i] = (float)(rint ((double)b[i] / step) * step);
    }
  return pare_tensor_new_floats (&bias->shape, rounded);
}

float *
pare_bias_floors (const PareTensor *bias, gint64 channels, float data_scale)
{
  float *floors = g_new0 (float, channels);
  const float *b = pare_tensor_data (bias);

  for (gint64 i = 0; i < channels; i++)
    floors[i] = MIN (MAX (fabs (b[i]) / data_scale / (1 << 30), 2. * FLT_MIN / data_scale), FLT_MAX);
  return floors;
}

static gboolean
fits (const PareTensor *bias, float data_scale, const PareTensor *scales)
{
  const float *b = pare_tensor_data (bias), *s = pare_tensor_data (scales);
  gint64 channels = pare_tensor_elements (scales);

  for (gint64 i = 0; i < pare_tensor_elements (bias); i++)
    if (!(fabs ((double)b[i]) / ((double)data_scale * s[channels > 1 ? i % channels : 0]) < G_MAXINT32))
      return FALSE;
  return TRUE;
}

/* The one scale of quantized data. */
static PareTensor *
scale_behind (const PareValue *value)
{
  ParePair pair;

  if (!value || !value->producer || !pare_pair_read (value->producer, &pair)
      || pare_tensor_elements (pair.scale->constant) != 1)
    return NULL;
  return pair.scale->constant;
}

/* A constant weight with one scale, or one per output channel. */
static gboolean
read_weight (const PareNode *node, const PareWeightTrait *trait, ParePair *pair)
{
  const PareValue *value = pare_node_input (node, trait->input);

  return value && value->producer && pare_pair_read (value->producer, pair) && pair->input->constant
         && pair->input->constant->shape.rank > trait->out_axis && !pair->block_size
         && (pair->axis < 0
             || (pair->axis == (int)trait->out_axis
                 && pare_tensor_elements (pair->scale->constant) == pair->input->constant->shape.dims[pair->axis]));
}

/* Gives input @index of @node the constant @tensor, and to no other node. */
static void
replace_constant (PareNode *node, guint index, PareTensor *tensor)
{
  PareValue *value = pare_node_input (node, index);

  if (value->consumers->len == 1 && !pare_graph_is_output (node->graph, value))
    pare_value_set_constant (value, tensor);
  else
    pare_node_set_input (node, index, pare_graph_add_constant (node->graph, value->name, tensor));
}

float
pare_scale_fold (double scale, double factor, float floor)
{
  return MAX ((float)(scale * (factor == 0 ? 1 : fabs (factor))), floor);
}

/* The BatchNormalization that alone reads the result of @node, with one constant float32 per channel of each kind. */
static PareNode *
normalization_behind (const PareNode *node, gint64 channels)
{
  PareNode *next = pare_value_only_consumer (pare_node_output (node, 0));
  const PareOperator *op = next ? pare_operator_of (next) : NULL;

  if (!op || op->quantize != PARE_QUANTIZE_NORMALIZE || pare_node_get_int (next, "training_mode", 0))
    return NULL;
  for (guint i = 1; i <= 4; i++)
    {
      PareTensor *tensor = pare_node_constant (next, i);
      if (!tensor || tensor->type != PARE_FLOAT32 || pare_tensor_elements (tensor) != channels)
        return NULL;
    }
  return next;
}

/* The bias b' = factor b + shift - factor mean of folding is made a multiple of its step by way of the shift. */
static void
round_shift (PareNode *normal, const PareTensor *bias, float data_scale, const PareTensor *scales)
{
  PareTensor *shift = pare_node_constant (normal, 2);
  gint64 n = pare_tensor_elements (shift), n_scales = pare_tensor_elements (scales);
  double epsilon = pare_node_get_float (normal, "epsilon", 1e-5f);
  g_autofree float *shifts = g_memdup2 (pare_tensor_data (shift), n * sizeof *shifts), *folded = g_new (float, n);
  g_autofree double *factors = g_new (double, n), *exact = g_new (double, n);
  g_autofree float *floors = NULL;
  g_autoptr (PareTensor) all = NULL, rounded = NULL;

  for (gint64 c = 0; c < n; c++)
    {
      factors[c] = pare_tensor_get_double (pare_node_constant (normal, 1), c)
                   / sqrt (pare_tensor_get_double (pare_node_constant (normal, 4), c) + epsilon);
      exact[c] = shifts[c] - pare_tensor_get_double (pare_node_constant (normal, 3), c) * factors[c]
                 + (bias ? pare_tensor_get_double (bias, c) * factors[c] : 0);
      folded[c] = exact[c];
    }
  all = pare_tensor_new_floats (&shift->shape, folded);
  floors = pare_bias_floors (all, n, data_scale);
  for (gint64 c = 0; c < n; c++)
    {
      float scale = pare_tensor_get_double (scales, n_scales > 1 ? c : 0);
      float step = data_scale * pare_scale_fold (scale, factors[c], floors[c]);
      double moved = shifts[c] + (rint (exact[c] / step) * step - exact[c]);
      if (isfinite (moved))
        shifts[c] = moved;
    }
  rounded = pare_tensor_new_floats (&shift->shape, shifts);
  replace_constant (normal, 2, rounded);
}

static void
round_own (PareNode *node, guint index, float data_scale, const PareTensor *scales)
{
  const PareTensor *bias = pare_node_constant (node, index);
  gint64 channels = pare_tensor_elements (scales);
  g_autoptr (PareTensor) rounded = NULL;

  if ((channels != 1 && channels != pare_tensor_elements (bias)) || !fits (bias, data_scale, scales))
    return;
  rounded = pare_bias_round (bias, data_scale, scales);
  replace_constant (node, index, rounded);
}

void
pare_node_round_bias (PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait;
  const PareTensor *bias, *data;
  ParePair weight;
  PareNode *normal;
  float data_scale;

  if (!op || !op->weight || !op->weight (node, &trait) || !trait.has_bias)
    return;
  bias = pare_node_constant (node, trait.bias);
  data = scale_behind (pare_node_input (node, 0));
  if (!data || !read_weight (node, &trait, &weight)
      || (bias ? bias->type != PARE_FLOAT32 : pare_node_input (node, trait.bias) != NULL))
    return;
  data_scale = pare_tensor_get_double (data, 0);
  normal = normalization_behind (node, weight.input->constant->shape.dims[trait.out_axis]);
  if (normal)
    round_shift (normal, bias, data_scale, weight.scale->constant);
  else if (bias)
    round_own (node, trait.bias, data_scale, weight.scale->constant);
}
