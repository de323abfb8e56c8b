/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The activation functions that recurrent operators name in their attributes; each derivative is a function of the
 * result y, so that nothing else needs to be kept for the backward pass. */
#include "ops/gate.h"
#include "ops/vector.h"
#include <math.h>

#define GATE(prefix, name, value, derivative)                                                                          \
  static prefix void name##_apply (gint64 n, float *data, float alpha, float beta)                                     \
  {                                                                                                                    \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      const float x = data[i];                                                                                         \
      data[i] = (value);                                                                                               \
    }                                                                                                                  \
  }                                                                                                                    \
  static prefix void name##_slope (gint64 n, const float *data, float *gradient, float alpha, float beta)              \
  {                                                                                                                    \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      G_GNUC_UNUSED const float y = data[i];                                                                           \
      gradient[i] *= (derivative);                                                                                     \
    }                                                                                                                  \
  }

GATE (PARE_VECTOR, sigmoid, pare_sigmoidf (x), y *(1 - y))
GATE (PARE_VECTOR, tanh, pare_tanhf (x), 1 - y * y)
GATE (PARE_VECTOR, relu, x > 0 ? x : 0, y > 0 ? 1 : 0)
GATE (PARE_VECTOR, affine, alpha *x + beta, alpha)
GATE (PARE_VECTOR, leaky_relu, x >= 0 ? x : alpha * x, y >= 0 ? 1 : alpha)
GATE (PARE_VECTOR, thresholded_relu, x >= alpha ? x : 0, y != 0 ? 1 : 0)
GATE (PARE_VECTOR, scaled_tanh, alpha *pare_tanhf (beta *x), alpha *beta - beta / alpha * y * y)
GATE (PARE_VECTOR, hard_sigmoid,
      alpha *x + beta > 1    ? 1
      : alpha * x + beta < 0 ? 0
                             : alpha * x + beta,
      y > 0 && y < 1 ? alpha : 0)
GATE (PARE_VECTOR, elu, x >= 0 ? x : alpha * (pare_expf (x) - 1), y >= 0 ? 1 : y + alpha)
GATE (PARE_VECTOR, softsign, x / (1 + (x < 0 ? -x : x)), (1 - (y < 0 ? -y : y)) * (1 - (y < 0 ? -y : y)))
/* log (1 + e^x) without overflow. */
GATE (, softplus, (x > 0 ? x : 0) + log1pf (expf (x > 0 ? -x : x)), 1 - expf (-y))

#define FUNCTIONS(name) name##_apply, name##_slope

static const PareGate gates[] = {
  { "Sigmoid", 0, 0, FALSE, FALSE, FUNCTIONS (sigmoid) },
  { "Tanh", 0, 0, FALSE, FALSE, FUNCTIONS (tanh) },
  { "Relu", 0, 0, FALSE, FALSE, FUNCTIONS (relu) },
  { "Affine", 1, 0, TRUE, TRUE, FUNCTIONS (affine) },
  { "LeakyRelu", 0.01f, 0, TRUE, FALSE, FUNCTIONS (leaky_relu) },
  { "ThresholdedRelu", 1, 0, TRUE, FALSE, FUNCTIONS (thresholded_relu) },
  { "ScaledTanh", 1, 1, TRUE, TRUE, FUNCTIONS (scaled_tanh) },
  { "HardSigmoid", 0.2f, 0.5f, TRUE, TRUE, FUNCTIONS (hard_sigmoid) },
  { "Elu", 1, 0, TRUE, FALSE, FUNCTIONS (elu) },
  { "Softsign", 0, 0, FALSE, FALSE, FUNCTIONS (softsign) },
  { "Softplus", 0, 0, FALSE, FALSE, FUNCTIONS (softplus) },
};

const PareGate *
pare_gate_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (gates); i++)
    if (!g_ascii_strcasecmp (gates[i].name, name))
      return &gates[i];
  return NULL;
}
