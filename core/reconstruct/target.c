/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Wanted outputs: channels of what the original computes, less what others add to them (He et al., Channel Pruning for
 * Accelerating Very Deep Neural Networks, ICCV 2017, section 3.2, on residual connections). */
#include "reconstruct/target.h"
#include <string.h>

static PareTensor *
take_channels (PareTensor *value, guint axis, guint n, const guint *channels)
{
  PareShape shape = value->shape;
  gint64 outer = pare_shape_span (&shape, 0, axis), inner = pare_shape_span (&shape, axis + 1, shape.rank);
  gint64 all = shape.dims[axis];
  const float *source = pare_tensor_data (value);
  float *data, *target;

  shape.dims[axis] = n;
  data = target = g_new (float, MAX (outer * n * inner, 1));
  for (gint64 o = 0; o < outer; o++)
    for (guint c = 0; c < n; c++, target += inner)
      memcpy (target, source + (o * all + channels[c]) * inner, inner * sizeof *target);
  return pare_tensor_new_take (PARE_FLOAT32, &shape, data);
}

static PareTensor *
subtract (const PareTensor *a, const PareTensor *b)
{
  gint64 n = pare_tensor_elements (a);
  const float *from = pare_tensor_data (a), *less = pare_tensor_data (b);
  float *difference = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    difference[i] = from[i] - less[i];
  return pare_tensor_new_take (PARE_FLOAT32, &a->shape, difference);
}

PareTensor *
pare_target_compute (const PareOutputTarget *target, const PareNode *layer, guint axis, PareTensor *value,
                     PareTensor *minus, GError **error)
{
  g_autoptr (PareTensor) wanted = NULL;

  if (value->type != PARE_FLOAT32 || (minus && minus->type != PARE_FLOAT32))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, layer, "it does not compute in float32.");
      return NULL;
    }
  wanted = target->n_channels ? take_channels (value, axis, target->n_channels, target->channels)
                              : pare_tensor_ref (value);
  if (!minus)
    return g_steal_pointer (&wanted);
  if (pare_shape_equal (&wanted->shape, &minus->shape))
    return subtract (wanted, minus);
  pare_node_error (error, PARE_ERROR_FORMAT, layer, "what is added to it has another shape.");
  return NULL;
}
