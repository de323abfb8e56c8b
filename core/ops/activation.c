/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Activation functions with parameters in attributes: LeakyRelu, Elu, Selu, Celu, HardSigmoid, ThresholdedRelu, Shrink;
 * and HardSwish, Gelu and Mish, which are compositions with fixed constants. */
#include "ops/elementwisegrad.h"
#include "ops/samples.h"
#include "ops/unary.h"
#include "ops/vector.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

/* a and b are the attributes in the order of the table below. */
PARE_MAP (PARE_VECTOR, leaky_relu, float, x < 0 ? a * x : x)
PARE_MAP (, elu, float, x < 0 ? a * expm1f (x) : x)
PARE_MAP (, selu, float, b *(x > 0 ? x : a * expm1f (x)))
PARE_MAP (, celu, float, x > 0 ? x : a * expm1f (x / a))
PARE_MAP (PARE_VECTOR, thresholded_relu, float, x > a ? x : 0)
PARE_MAP (PARE_VECTOR, shrink, float, x<-a ? x + b : x> a ? x - b : 0)
PARE_MAP (, mish, float, x *pare_tanhf ((x > 0 ? x : 0) + log1pf (expf (-fabsf (x)))))
PARE_MAP (PARE_VECTOR, gelu, float, 0.5f * x * (1 + pare_erff (x * 0.70710678f)))
PARE_MAP (PARE_VECTOR, gelu_tanh, float, 0.5f * x * (1 + pare_tanhf (0.79788456f * (x + 0.044715f * x * x * x))))

PARE_INLINE float
unit_clamp (float x)
{
  return x < 0 ? 0 : x > 1 ? 1 : x;
}
PARE_MAP (PARE_VECTOR, hard_sigmoid, float, unit_clamp (a *x + b))
PARE_MAP (PARE_VECTOR, hard_swish, float, x *unit_clamp (x *(1.0f / 6) + 0.5f))

static const struct
{
  const char *name;
  PareMap map;
  const char *attributes[2];
  float defaults[2];
} functions[] = {
  { "LeakyRelu", leaky_relu, { "alpha" }, { 0.01f } },
  { "Elu", elu, { "alpha" }, { 1 } },
  { "Selu", selu, { "alpha", "gamma" }, { 1.67326319217681884765625f, 1.05070102214813232421875f } },
  { "Celu", celu, { "alpha" }, { 1 } },
  { "HardSigmoid", hard_sigmoid, { "alpha", "beta" }, { 0.2f, 0.5f } },
  { "ThresholdedRelu", thresholded_relu, { "alpha" }, { 1 } },
  { "Shrink", shrink, { "lambd", "bias" }, { 0.5f, 0 } },
  { "HardSwish", hard_swish },
  { "Mish", mish },
  { "Gelu", gelu },
};

static gboolean
activation_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_widened, error)
         && pare_infer_same (infer, error);
}

/* Index into the table, with the arguments filled in. */
static guint
function_of (const PareNode *node, float arguments[2])
{
  guint i = 0;

  while (!g_str_equal (node->op_type, functions[i].name))
    g_assert (++i < G_N_ELEMENTS (functions));
  for (guint k = 0; k < 2; k++)
    arguments[k] = functions[i].attributes[k]
                       ? pare_node_get_float (node, functions[i].attributes[k], functions[i].defaults[k])
                       : 0;
  return i;
}

static gboolean
activation_forward (const PareKernel *kernel, GError **error)
{
  float arguments[2];

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, activation_forward, error);
  pare_map (kernel, functions[function_of (kernel->node, arguments)].map, arguments);
  return TRUE;
}

static gboolean
is_tanh_gelu (const PareNode *node)
{
  g_autofree char *approximate = pare_node_get_string (node, "approximate");

  return approximate && strcmp (approximate, "tanh") == 0;
}

static gboolean
gelu_forward (const PareKernel *kernel, GError **error)
{
  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, gelu_forward, error);
  pare_map (kernel, is_tanh_gelu (kernel->node) ? gelu_tanh : gelu, NULL);
  return TRUE;
}

static gboolean
activation_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  float arguments[2];

  function_of (node, arguments);
  pare_backward_elementwise (gradient, is_tanh_gelu (node) ? "GeluTanh" : node->op_type, arguments[0], arguments[1]);
  return TRUE;
}

static gboolean
leaky_relu_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_RELU, pare_node_get_float (node, "alpha", 0.01f), 0 };
  return TRUE;
}

static gboolean
elu_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_ELU, pare_node_get_float (node, "alpha", 1), 0 };
  return TRUE;
}

static gboolean
hard_swish_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_HARD_SWISH, 0, 0 };
  return TRUE;
}

static gboolean
gelu_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_GELU, 0, 0 };
  return !is_tanh_gelu (node);
}

#define ACTIVATION(op)                                                                                                 \
  .name = op, .infer = activation_infer, .forward = activation_forward, .backward = activation_backward,               \
  .in_place = TRUE, .by_sample = pare_samples_alone, .channels = pare_channels_same

#define HARD_SIGMOID ACTIVATION ("HardSigmoid")
#define HARD_SWISH ACTIVATION ("HardSwish"), .eltwise = hard_swish_eltwise
#define GELU                                                                                                           \
  .name = "Gelu", .infer = activation_infer, .forward = gelu_forward, .backward = activation_backward,                 \
  .in_place = TRUE, .by_sample = pare_samples_alone, .eltwise = gelu_eltwise, .channels = pare_channels_same

/* Those of the domain "pare" stand for spelled out ones in networks whose opset is too old for the name. */
PARE_OPERATORS (activation) = {
  { ACTIVATION ("LeakyRelu"), .eltwise = leaky_relu_eltwise, .factors = PARE_FACTORS_PASS,
    .quantize = PARE_QUANTIZE_UNARY },
  { ACTIVATION ("Elu"), .eltwise = elu_eltwise },
  { ACTIVATION ("Selu") },
  { ACTIVATION ("Celu") },
  { HARD_SIGMOID },
  { .domain = PARE_DOMAIN, HARD_SIGMOID },
  { ACTIVATION ("ThresholdedRelu") },
  { ACTIVATION ("Shrink") },
  { HARD_SWISH },
  { .domain = PARE_DOMAIN, HARD_SWISH },
  { ACTIVATION ("Mish") },
  { GELU },
  { .domain = PARE_DOMAIN, GELU },
  { NULL },
};
