/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Whether samples (axis 0) stay apart, for the two usual kinds of operators. */
#include "ops/samples.h"

gboolean
pare_samples_alone (const PareInfer *infer)
{
  for (guint i = 1; i < infer->n_inputs; i++)
    if (infer->inputs[i].type != PARE_UNDEFINED && !infer->constants[i])
      return FALSE;
  return TRUE;
}

gboolean
pare_samples_joined (const PareInfer *infer)
{
  const PareShape *y = &infer->outputs[0].shape;

  for (guint i = 0; i < infer->n_inputs; i++)
    {
      const PareShape *x = &infer->inputs[i].shape;
      if (infer->inputs[i].type == PARE_UNDEFINED)
        continue;
      if (infer->constants[i] ? x->rank == y->rank && x->dims[0] != 1 : x->rank != y->rank)
        return FALSE;
    }
  return TRUE;
}
