/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Stochastic gradient descent: d = g + decay w; v = momentum v + d; w -= rate v, or with Nesterov w -= rate (d +
 * momentum v) (Sutskever et al., On the importance of initialization and momentum in deep learning, 2013, in the form
 * that deep learning frameworks use). */
#include "ops/vector.h"
#include "train/optimizer.h"

static PARE_VECTOR void
sgd_update (const PareOptimizerSettings *settings, const PareUpdate *update)
{
  float *restrict w = update->weights, *restrict v = update->state[0];
  const float *restrict g = update->gradient;
  float momentum = settings->momentum, decay = update->decay, rate = update->rate, scale = update->gradient_scale;

  if (settings->nesterov)
    for (gint64 i = 0; i < update->n; i++)
      {
        float d = g[i] * scale + decay * w[i];
        v[i] = momentum * v[i] + d;
        w[i] -= rate * (d + momentum * v[i]);
      }
  else
    for (gint64 i = 0; i < update->n; i++)
      {
        v[i] = momentum * v[i] + (g[i] * scale + decay * w[i]);
        w[i] -= rate * v[i];
      }
}

PARE_OPTIMIZER (sgd) = { "sgd", "Gradient descent with momentum, Nesterov's when asked for.", 1, sgd_update };
