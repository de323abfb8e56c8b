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

static PareTensor *
scales_behind (const PareValue *value)
{
  ParePair pair;

  return value && value->producer && pare_pair_read (value->producer, &pair) ? pair.scale->constant : NULL;
}

void
pare_node_round_bias (PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait;
  const PareTensor *data, *scales;
  PareTensor *bias;
  gint64 channels;
  float data_scale;

  if (!op || !op->weight || !op->weight (node, &trait) || !trait.has_bias)
    return;
  bias = pare_node_constant (node, trait.bias);
  data = scales_behind (pare_node_input (node, 0));
  scales = scales_behind (pare_node_input (node, trait.input));
  if (!bias || bias->type != PARE_FLOAT32 || !data || pare_tensor_elements (data) != 1 || !scales)
    return;
  channels = pare_tensor_elements (scales);
  data_scale = pare_tensor_get_double (data, 0);
  if ((channels == 1 || channels == pare_tensor_elements (bias)) && fits (bias, data_scale, scales))
    {
      PareValue *value = pare_node_input (node, trait.bias);
      g_autoptr (PareTensor) rounded = pare_bias_round (bias, data_scale, scales);
      g_autofree char *name = g_strdup (value->name);
      if (value->consumers->len == 1 && !pare_graph_is_output (node->graph, value))
        pare_value_set_constant (value, rounded);
      else
        pare_node_set_input (node, trait.bias, pare_graph_add_constant (node->graph, name, rounded));
    }
}
