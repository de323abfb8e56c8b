/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ReluGrad, SigmoidGrad, .. (dy, v): the gradient by the input of a function of one element, where v is its output when
 * the derivative can be told from that (the input's memory is then free early), else its input. */
#include "ops/elementwisegrad.h"
#include "exec/compile.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include <math.h>

/* One derivative, for an expression of dy, of the output y or the input x, and of the arguments a and b. It is 0 where
 * all are 0, as they are in the padding of layouts. */
#define DERIVATIVE(prefix, name, value, expression)                                                                    \
  static prefix void name (gint64 n, const float *gradients, const float *values, float *result,                       \
                           const float *arguments)                                                                     \
  {                                                                                                                    \
    G_GNUC_UNUSED const float a = arguments[0], b = arguments[1];                                                      \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      const float dy = gradients[i], value = values[i];                                                                \
      result[i] = (expression);                                                                                        \
    }                                                                                                                  \
  }
#define FAST(name, value, expression) DERIVATIVE (PARE_VECTOR, name, value, expression)
#define SLOW(name, value, expression) DERIVATIVE (, name, value, dy == 0 ? 0 : expression)

PARE_INLINE float
mish_slope (float x)
{
  float e = pare_expf (-fabsf (x)), t = pare_tanhf ((x > 0 ? x : 0) + log1pf (e));

  return t + x * (1 - t * t) * pare_sigmoidf (x);
}

/* Phi (x) + x phi (x) of the normal distribution. */
PARE_INLINE float
gelu_slope (float x)
{
  return 0.5f * (1 + pare_erff (x * 0.70710678f)) + x * 0.39894228f * pare_expf (-0.5f * x * x);
}

PARE_INLINE float
gelu_tanh_slope (float x)
{
  float t = pare_tanhf (0.79788456f * (x + 0.044715f * x * x * x));

  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456f * (1 + 0.134145f * x * x);
}

FAST (relu, y, y > 0 ? dy : 0)
FAST (sigmoid, y, dy *y *(1 - y))
FAST (tangent_hyperbolic, y, dy *(1 - y * y))
FAST (exponential, y, dy *y)
FAST (root, y, dy == 0 ? 0 : dy * 0.5f / y)
FAST (logarithm, x, dy == 0 ? 0 : dy / x)
FAST (reciprocal, y, -dy *y *y)
FAST (absolute, x, x > 0 ? dy : x < 0 ? -dy : 0)
FAST (error_function, x, dy * 1.12837917f * pare_expf (-x * x))
FAST (tangent, y, dy *(1 + y * y))
FAST (softplus, y, dy *(1 - pare_expf (-y)))
FAST (softsign, y, dy *(1 - fabsf (y)) * (1 - fabsf (y)))
FAST (arc_tangent, x, dy / (1 + x * x))
FAST (area_sine, x, dy / __builtin_sqrtf (x * x + 1))
FAST (area_tangent, x, dy / (1 - x * x))
FAST (area_cosine, x, dy == 0 ? 0 : dy / __builtin_sqrtf (x * x - 1))
FAST (arc_sine, x, dy / __builtin_sqrtf (1 - x * x))
FAST (arc_cosine, x, -dy / __builtin_sqrtf (1 - x * x))
SLOW (sine, x, dy *cosf (x))
SLOW (cosine, x, -dy *sinf (x))
SLOW (sine_hyperbolic, x, dy *coshf (x))
SLOW (cosine_hyperbolic, x, dy *sinhf (x))
/* With a positive slope the output has the input's sign. */
FAST (leaky_relu, v, v < 0 ? a * dy : dy)
FAST (elu, x, x > 0 ? dy : dy * a * pare_expf (x))
FAST (selu, x, dy *b *(x > 0 ? 1 : a * pare_expf (x)))
FAST (celu, x, x > 0 ? dy : dy * pare_expf (x / a))
FAST (thresholded_relu, x, x > a ? dy : 0)
FAST (shrink, x, x<-a || x> a ? dy : 0)
FAST (hard_sigmoid, y, y > 0 && y < 1 ? a * dy : 0)
FAST (hard_swish, x, x <= -3 ? 0 : x >= 3 ? dy : dy * (x * (1.0f / 3) + 0.5f))
SLOW (mish, x, dy *mish_slope (x))
FAST (gelu, x, dy *gelu_slope (x))
FAST (gelu_tanh, x, dy *gelu_tanh_slope (x))
FAST (clip, y, y > a && y < b ? dy : 0)

static const struct
{
  const char *name;
  PareBinary function;
  gboolean from_output;
} functions[] = {
  { "ReluGrad", relu, TRUE },
  { "SigmoidGrad", sigmoid, TRUE },
  { "TanhGrad", tangent_hyperbolic, TRUE },
  { "ExpGrad", exponential, TRUE },
  { "SqrtGrad", root, TRUE },
  { "LogGrad", logarithm },
  { "ReciprocalGrad", reciprocal, TRUE },
  { "AbsGrad", absolute },
  { "ErfGrad", error_function },
  { "SoftplusGrad", softplus, TRUE },
  { "SoftsignGrad", softsign, TRUE },
  { "SinGrad", sine },
  { "CosGrad", cosine },
  { "TanGrad", tangent, TRUE },
  { "AsinGrad", arc_sine },
  { "AcosGrad", arc_cosine },
  { "AtanGrad", arc_tangent },
  { "SinhGrad", sine_hyperbolic },
  { "CoshGrad", cosine_hyperbolic },
  { "AsinhGrad", area_sine },
  { "AcoshGrad", area_cosine },
  { "AtanhGrad", area_tangent },
  { "LeakyReluGrad", leaky_relu },
  { "EluGrad", elu },
  { "SeluGrad", selu },
  { "CeluGrad", celu },
  { "ThresholdedReluGrad", thresholded_relu },
  { "ShrinkGrad", shrink },
  { "HardSigmoidGrad", hard_sigmoid, TRUE },
  { "HardSwishGrad", hard_swish },
  { "MishGrad", mish },
  { "GeluGrad", gelu },
  { "GeluTanhGrad", gelu_tanh },
  { "ClipGrad", clip, TRUE },
};

static guint
function_of (const char *name)
{
  guint i = 0;

  while (!g_str_equal (functions[i].name, name))
    g_assert (++i < G_N_ELEMENTS (functions));
  return i;
}

void
pare_backward_elementwise (PareGradient *gradient, const char *op_type, float a, float b)
{
  g_autofree char *name = g_strconcat (op_type, "Grad", NULL);
  gboolean from_output = functions[function_of (name)].from_output || (g_str_equal (op_type, "LeakyRelu") && a > 0);

  if (pare_gradient_wanted (gradient, 0))
    pare_gradient_add (gradient, 0,
                       pare_gradient_node (gradient, PARE_DOMAIN, name, 2,
                                           (PareValue *[]){ pare_gradient_of_output (gradient, 0),
                                                            from_output ? pare_gradient_output (gradient, 0)
                                                                        : pare_gradient_input (gradient, 0) },
                                           pare_attribute_new_float ("a", a), pare_attribute_new_float ("b", b), NULL));
}

static gboolean
derivative_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require_float32 (infer, 0, error)
      || !pare_infer_require_float32 (infer, 1, error))
    return FALSE;
  if (pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape))
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its two inputs have different shapes.");
  return FALSE;
}

typedef struct
{
  PareBinary function;
  const float *dy, *v;
  float *dx;
  float arguments[2];
} Job;

static void
run (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  job->function (to - from, job->dy + from, job->v + from, job->dx + from, job->arguments);
}

static gboolean
derivative_forward (const PareKernel *kernel, GError **error)
{
  const PareNode *node = kernel->node;
  Job job = { functions[function_of (node->op_type)].function,
              kernel->inputs[0].data,
              kernel->inputs[1].data,
              kernel->outputs[0].data,
              { pare_node_get_float (node, "a", 0), pare_node_get_float (node, "b", 0) } };

  pare_parallel (pare_view_elements (&kernel->outputs[0]), PARE_GRAIN / 4, run, &job);
  return TRUE;
}

static gboolean
derivative_compile (PareCompile *compile, GError **error)
{
  const PareNode *node = pare_compile_infer (compile)->node;

  return pare_compile_binary (compile, functions[function_of (node->op_type)].function,
                              pare_node_get_float (node, "a", 0), pare_node_get_float (node, "b", 0), error);
}

#define GRAD(op)                                                                                                       \
  {                                                                                                                    \
    .name = op "Grad", .domain = PARE_DOMAIN, .infer = derivative_infer, .forward = derivative_forward,                \
    .compile = derivative_compile, .in_place = TRUE                                                                    \
  }

PARE_OPERATORS (elementwisegrad) = {
  GRAD ("Relu"),
  GRAD ("Sigmoid"),
  GRAD ("Tanh"),
  GRAD ("Exp"),
  GRAD ("Sqrt"),
  GRAD ("Log"),
  GRAD ("Reciprocal"),
  GRAD ("Abs"),
  GRAD ("Erf"),
  GRAD ("Softplus"),
  GRAD ("Softsign"),
  GRAD ("Sin"),
  GRAD ("Cos"),
  GRAD ("Tan"),
  GRAD ("Asin"),
  GRAD ("Acos"),
  GRAD ("Atan"),
  GRAD ("Sinh"),
  GRAD ("Cosh"),
  GRAD ("Asinh"),
  GRAD ("Acosh"),
  GRAD ("Atanh"),
  GRAD ("LeakyRelu"),
  GRAD ("Elu"),
  GRAD ("Selu"),
  GRAD ("Celu"),
  GRAD ("ThresholdedRelu"),
  GRAD ("Shrink"),
  GRAD ("HardSigmoid"),
  GRAD ("HardSwish"),
  GRAD ("Mish"),
  GRAD ("Gelu"),
  GRAD ("GeluTanh"),
  GRAD ("Clip"),
  { NULL },
};
