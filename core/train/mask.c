/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Learning n:m sparse weights: the network reads w * mask, and its gradient goes to w as if there were no mask; masked
 * weights are pulled towards zero besides (Zhou et al., Learning N:M Fine-grained Structured Sparse Neural Networks
 * From Scratch, 2021: SR-STE). So a weight that went can come back. */
#include "train/mask.h"
#include "graph/pattern.h"
#include <math.h>

void
pare_parameter_open_mask (PareParameter *parameter)
{
  const PareSparsity *sparsity = &parameter->value->sparsity;
  PareTensor *dense = parameter->tensor;

  if (sparsity->mode != PARE_SPARSITY_N_OF_M || !sparsity->update_frequency)
    return;
  parameter->mask = g_new (float, parameter->n);
  parameter->dense = dense;
  parameter->tensor = pare_tensor_new_copy (PARE_FLOAT32, &dense->shape, parameter->data);
  pare_parameter_draw_mask (parameter);
  pare_parameter_apply_mask (parameter);
}

gboolean
pare_parameter_draws_mask (const PareParameter *parameter, guint64 step)
{
  return parameter->mask && step % parameter->value->sparsity.update_frequency == 0;
}

void
pare_parameter_draw_mask (PareParameter *parameter)
{
  const PareSparsity *sparsity = &parameter->value->sparsity;
  g_autofree float *scores = g_new (float, parameter->n);

  for (gint64 i = 0; i < parameter->n; i++)
    scores[i] = fabsf (parameter->data[i]);
  pare_pattern_mask (scores, &parameter->tensor->shape, sparsity->axis, sparsity->n, sparsity->m, parameter->mask);
}

void
pare_parameter_apply_mask (PareParameter *parameter)
{
  /* The tensor belongs to the parameter alone, and nobody runs the network now. */
  float *read = (float *)pare_tensor_data (parameter->tensor);

  for (gint64 i = 0; parameter->mask && i < parameter->n; i++)
    read[i] = parameter->mask[i] != 0 ? parameter->data[i] : 0;
}

void
pare_parameter_decay_masked (const PareParameter *parameter, double decay, float *gradient)
{
  for (gint64 i = 0; parameter->mask && i < parameter->n; i++)
    if (parameter->mask[i] == 0)
      gradient[i] += (float)decay * parameter->data[i];
}
