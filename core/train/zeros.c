/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Zeros of sparse weights outlive training: their gradients are masked. */
#include "train/zeros.h"
#include "train/loss.h"

/* 1 where @weight is not zero; NULL when it has no zero. */
static PareTensor *
mask_of (const PareTensor *weight)
{
  const float *data = pare_tensor_data (weight);
  gint64 n = pare_tensor_elements (weight), kept = 0;
  g_autofree float *mask = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    {
      mask[i] = data[i] != 0;
      kept += data[i] != 0;
    }
  return kept == n ? NULL : pare_tensor_new_take (PARE_FLOAT32, &weight->shape, g_steal_pointer (&mask));
}

PareValue *
pare_graph_keep_zeros (PareGraph *graph, const PareTensor *weight, PareValue *gradient)
{
  g_autoptr (PareTensor) mask = mask_of (weight);

  return mask ? pare_loss_call (graph, "Mul", gradient, pare_graph_add_constant (graph, "mask", mask)) : gradient;
}
