/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Adam: m and v are running means of the gradient and of its square, corrected for their start at zero;
 * w -= rate m' / (sqrt (v') + epsilon). Weight decay is part of the gradient.
 * (Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1.) */
#include "train/adam.h"
#include "ops/vector.h"
#include <math.h>

PARE_VECTOR void
pare_adam_step (const PareOptimizerSettings *settings, const PareUpdate *update, float coupled, float decoupled)
{
  float *restrict w = update->weights, *restrict m = update->state[0], *restrict v = update->state[1];
  const float *restrict g = update->gradient;
  float beta1 = settings->beta1, beta2 = settings->beta2, epsilon = settings->epsilon, scale = update->gradient_scale;
  float rate = update->rate / (1 - pow (settings->beta1, update->step));
  float root = 1 / sqrt (1 - pow (settings->beta2, update->step)), keep = 1 - decoupled;

  for (gint64 i = 0; i < update->n; i++)
    {
      float d = g[i] * scale + coupled * w[i];
      m[i] = beta1 * m[i] + (1 - beta1) * d;
      v[i] = beta2 * v[i] + (1 - beta2) * d * d;
      w[i] = w[i] * keep - rate * m[i] / (sqrtf (v[i]) * root + epsilon);
    }
}

static void
adam_update (const PareOptimizerSettings *settings, const PareUpdate *update)
{
  pare_adam_step (settings, update, update->decay, 0);
}

PARE_OPTIMIZER (adam) = { "adam", "Steps of a size that adapts to each weight.", 2, adam_update };
