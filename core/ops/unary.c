/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions of one element without parameters: Sqrt, Exp, Erf, Abs, Sin, .. float32 has vectorised versions of those
 * that networks spend time in; float64 goes through the C library. */
#include "ops/samples.h"
#include "ops/unary.h"
#include "ops/elementwisegrad.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "sparsify/channels.h"
#include <math.h>

typedef struct
{
  const PareView *x, *y;
  gsize size;
  PareMap map;
  const float *arguments;
} Job;

static void
run (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  job->map (to - from, (const guint8 *)job->x->data + from * job->size, (guint8 *)job->y->data + from * job->size,
            job->arguments);
}

void
pare_map (const PareKernel *kernel, PareMap map, const float *arguments)
{
  static const float none[2];
  const PareView *x = &kernel->inputs[0];
  Job job = { x, &kernel->outputs[0], pare_data_type_bits (x->type) / 8, map, arguments ? arguments : none };

  pare_parallel (pare_view_elements (x), PARE_GRAIN / 4, run, &job);
}

/* The float32 version may be vectorised (FAST) or call the C library per element (SLOW). */
#define FAST(name, single, wide)                                                                                       \
  PARE_MAP (PARE_VECTOR, name##_f32, float, single)                                                                    \
  PARE_MAP (, name##_f64, double, wide)
#define SLOW(name, single, wide)                                                                                       \
  PARE_MAP (, name##_f32, float, single)                                                                               \
  PARE_MAP (, name##_f64, double, wide)
#define INTEGERS(name, expression)                                                                                     \
  PARE_MAP (, name##_i8, gint8, expression)                                                                            \
  PARE_MAP (, name##_i16, gint16, expression)                                                                          \
  PARE_MAP (, name##_i32, gint32, expression)                                                                          \
  PARE_MAP (, name##_i64, gint64, expression)                                                                          \
  PARE_MAP (, name##_u8, guint8, expression)                                                                           \
  PARE_MAP (, name##_u16, guint16, expression)                                                                         \
  PARE_MAP (, name##_u32, guint32, expression)                                                                         \
  PARE_MAP (, name##_u64, guint64, expression)

FAST (sqrt, __builtin_sqrtf (x), sqrt (x))
FAST (exp, pare_expf (x), exp (x))
FAST (erf, pare_erff (x), erf (x))
FAST (tanh, pare_tanhf (x), tanh (x))
FAST (sigmoid, pare_sigmoidf (x), 1 / (1 + exp (-x)))
FAST (negate, -x, -x)
FAST (absolute, fabsf (x), fabs (x))
FAST (reciprocal, 1 / x, 1 / x)
FAST (softsign, x / (1 + fabsf (x)), x / (1 + fabs (x)))
FAST (sign, x > 0 ? 1 : x < 0 ? -1 : x, x > 0 ? 1 : x < 0 ? -1 : x)
FAST (relu, x > 0 || x != x ? x : 0, x > 0 || x != x ? x : 0)
SLOW (log, logf (x), log (x))
SLOW (floor, floorf (x), floor (x))
SLOW (ceil, ceilf (x), ceil (x))
SLOW (round, nearbyintf (x), nearbyint (x))
SLOW (sin, sinf (x), sin (x))
SLOW (cos, cosf (x), cos (x))
SLOW (tan, tanf (x), tan (x))
SLOW (asin, asinf (x), asin (x))
SLOW (acos, acosf (x), acos (x))
SLOW (atan, atanf (x), atan (x))
SLOW (sinh, sinhf (x), sinh (x))
SLOW (cosh, coshf (x), cosh (x))
SLOW (asinh, asinhf (x), asinh (x))
SLOW (acosh, acoshf (x), acosh (x))
SLOW (atanh, atanhf (x), atanh (x))
/* log (1 + e^x), without overflow for large x. */
SLOW (softplus, (x > 0 ? x : 0) + log1pf (expf (-fabsf (x))), (x > 0 ? x : 0) + log1p (exp (-fabs (x))))
INTEGERS (negate, (gint64)(0 - (guint64)x))
INTEGERS (absolute, (gint64)(x > 0 ? (guint64)x : 0 - (guint64)x))
INTEGERS (sign, (x > 0) - (x != 0 && !(x > 0)))
INTEGERS (relu, x > 0 ? x : 0)

#define FLOATS(name) [PARE_FLOAT32] = name##_f32, [PARE_FLOAT64] = name##_f64
#define NUMBERS(name)                                                                                                  \
  FLOATS (name), [PARE_INT8] = name##_i8, [PARE_INT16] = name##_i16, [PARE_INT32] = name##_i32,                        \
                 [PARE_INT64] = name##_i64, [PARE_UINT8] = name##_u8, [PARE_UINT16] = name##_u16,                      \
                 [PARE_UINT32] = name##_u32, [PARE_UINT64] = name##_u64

static const struct
{
  const char *name;
  PareMap maps[PARE_DATA_TYPES];
} functions[] = {
  { "Sqrt", { FLOATS (sqrt) } },         { "Exp", { FLOATS (exp) } },
  { "Erf", { FLOATS (erf) } },           { "Tanh", { FLOATS (tanh) } },
  { "Sigmoid", { FLOATS (sigmoid) } },   { "Neg", { NUMBERS (negate) } },
  { "Abs", { NUMBERS (absolute) } },     { "Reciprocal", { FLOATS (reciprocal) } },
  { "Softsign", { FLOATS (softsign) } }, { "Sign", { NUMBERS (sign) } },
  { "Relu", { NUMBERS (relu) } },        { "Log", { FLOATS (log) } },
  { "Floor", { FLOATS (floor) } },       { "Ceil", { FLOATS (ceil) } },
  { "Round", { FLOATS (round) } },       { "Sin", { FLOATS (sin) } },
  { "Cos", { FLOATS (cos) } },           { "Tan", { FLOATS (tan) } },
  { "Asin", { FLOATS (asin) } },         { "Acos", { FLOATS (acos) } },
  { "Atan", { FLOATS (atan) } },         { "Sinh", { FLOATS (sinh) } },
  { "Cosh", { FLOATS (cosh) } },         { "Asinh", { FLOATS (asinh) } },
  { "Acosh", { FLOATS (acosh) } },       { "Atanh", { FLOATS (atanh) } },
  { "Softplus", { FLOATS (softplus) } },
};

static const PareMap *
maps_of (const PareNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (pare_node_is (node, functions[i].name))
      return functions[i].maps;
  return NULL;
}

static gboolean
unary_infer (PareInfer *infer, GError **error)
{
  PareDataType type;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_number, error))
    return FALSE;
  type = infer->inputs[0].type;
  if (type != PARE_FLOAT16 && type != PARE_BFLOAT16 && !maps_of (infer->node)[type])
    return pare_infer_require (infer, 0, pare_types_float, error);
  return pare_infer_same (infer, error);
}

static gboolean
unary_forward (const PareKernel *kernel, GError **error)
{
  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, unary_forward, error);
  pare_map (kernel, maps_of (kernel->node)[kernel->inputs[0].type], NULL);
  return TRUE;
}

static gboolean
unary_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  pare_backward_elementwise (gradient, node->op_type, 0, 0);
  return TRUE;
}

static gboolean
negate_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  pare_gradient_add (gradient, 0, pare_gradient_call (gradient, "Neg", pare_gradient_of_output (gradient, 0), NULL));
  return TRUE;
}

/* Steps: flat almost everywhere. */
static gboolean
step_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  return TRUE;
}

static gboolean
relu_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_RELU, 0, 0 };
  return TRUE;
}

static gboolean
sigmoid_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_LOGISTIC, 0, 0 };
  return TRUE;
}

static gboolean
tanh_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_TANH, 0, 0 };
  return TRUE;
}

#define UNARY_BY(op, derivative)                                                                                       \
  .name = op, .infer = unary_infer, .forward = unary_forward, .backward = derivative, .in_place = TRUE,                \
  .by_sample = pare_samples_alone, .channels = pare_channels_same
#define UNARY(op) UNARY_BY (op, unary_backward)

PARE_OPERATORS (unary) = {
  { UNARY ("Relu"), .eltwise = relu_eltwise, .factors = PARE_FACTORS_PASS, .quantize = PARE_QUANTIZE_CLAMP },
  { UNARY ("Sigmoid"), .eltwise = sigmoid_eltwise, .quantize = PARE_QUANTIZE_UNARY },
  { UNARY ("Tanh"), .eltwise = tanh_eltwise },
  { UNARY ("Sqrt") },
  { UNARY ("Exp") },
  { UNARY ("Erf") },
  { UNARY_BY ("Neg", negate_backward) },
  { UNARY ("Abs") },
  { UNARY ("Reciprocal") },
  { UNARY ("Softsign") },
  { UNARY ("Softplus") },
  { UNARY_BY ("Sign", step_backward) },
  { UNARY ("Log") },
  { UNARY_BY ("Floor", step_backward) },
  { UNARY_BY ("Ceil", step_backward) },
  { UNARY_BY ("Round", step_backward) },
  { UNARY ("Sin") },
  { UNARY ("Cos") },
  { UNARY ("Tan") },
  { UNARY ("Asin") },
  { UNARY ("Acos") },
  { UNARY ("Atan") },
  { UNARY ("Sinh") },
  { UNARY ("Cosh") },
  { UNARY ("Asinh") },
  { UNARY ("Acosh") },
  { UNARY ("Atanh") },
  { NULL },
};
