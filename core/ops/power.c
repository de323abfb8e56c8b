/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pow: the exponent may have another type than the base; the result has the base's. */
#include "ops/rows.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>

PARE_ROW (, pow_f32, float, float, powf (x, z))
PARE_ROW (, pow_f64, double, double, pow (x, z))
/* The exponents that networks use: squares in variances, roots. */
PARE_ROW (PARE_VECTOR, square_f32, float, float, x *x)
PARE_ROW (, root_f32, float, float, sqrtf (x))

static gboolean
pow_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_number, error)
      || !pare_infer_require (infer, 1, pare_types_number, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  return pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

static PareRow
float_row (const PareView *exponent)
{
  float value = pare_view_elements (exponent) == 1 ? *(float *)exponent->data : 0;

  return value == 2 ? square_f32 : value == 0.5f ? root_f32 : pow_f32;
}

static gdouble *
to_double (const PareView *view)
{
  gint64 n = pare_view_elements (view);
  gdouble *data = g_new (gdouble, MAX (n, 1));

  pare_convert (view->type, view->data, PARE_FLOAT64, data, n);
  return data;
}

static gboolean
pow_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *z = &kernel->inputs[1], *y = &kernel->outputs[0];

  if (x->type == PARE_FLOAT32 && z->type == PARE_FLOAT32)
    {
      pare_broadcast (2, kernel->inputs, y, float_row (z));
      return TRUE;
    }
  g_autofree gdouble *base = to_double (x);
  g_autofree gdouble *exponent = to_double (z);
  g_autofree gdouble *result = g_new (gdouble, MAX (pare_view_elements (y), 1));
  PareView views[] = { { PARE_FLOAT64, x->shape, base }, { PARE_FLOAT64, z->shape, exponent } };
  PareView target = { PARE_FLOAT64, y->shape, result };

  pare_broadcast (2, views, &target, pow_f64);
  pare_convert (PARE_FLOAT64, result, y->type, y->data, pare_view_elements (y));
  return TRUE;
}

/* z x^(z - 1), without a power for the usual exponents. */
static PareValue *
slope (PareGradient *gradient, const PareNode *node)
{
  PareValue *x = pare_node_input (node, 0), *z = pare_node_input (node, 1);
  PareTensor *constant = pare_node_literal (node, 1);
  double exponent = constant && pare_tensor_elements (constant) == 1 ? pare_tensor_get_double (constant, 0) : 0;
  PareValue *factor, *power;

  if (exponent == 2)
    return pare_gradient_call (gradient, "Mul", x, pare_gradient_scalar (gradient, 2));
  if (exponent == 0.5)
    return pare_gradient_call (gradient, "Div", pare_gradient_scalar (gradient, 0.5f), pare_node_output (node, 0));
  factor = exponent ? pare_gradient_scalar (gradient, exponent) : pare_gradient_call (gradient, "CastLike", z, x);
  power = exponent ? pare_gradient_scalar (gradient, exponent - 1)
                   : pare_gradient_call (gradient, "Sub", factor, pare_gradient_scalar (gradient, 1));
  return pare_gradient_call (gradient, "Mul", pare_gradient_call (gradient, "Pow", x, power), factor);
}

/* The exponent's: y ln x, and 0 where x is not positive. */
static PareValue *
exponent_slope (PareGradient *gradient, const PareNode *node)
{
  PareValue *x = pare_node_input (node, 0), *zero = pare_gradient_scalar (gradient, 0);
  PareValue *product
      = pare_gradient_call (gradient, "Mul", pare_node_output (node, 0), pare_gradient_call (gradient, "Log", x, NULL));

  return pare_gradient_node (gradient, "", "Where", 3,
                             (PareValue *[]){ pare_gradient_call (gradient, "Greater", x, zero), product, zero }, NULL);
}

static gboolean
pow_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);

  if (pare_gradient_wanted (gradient, 0))
    pare_gradient_add_reduced (gradient, 0, pare_gradient_call (gradient, "Mul", slope (gradient, node), dy));
  if (pare_gradient_wanted (gradient, 1))
    pare_gradient_add_reduced (gradient, 1, pare_gradient_call (gradient, "Mul", exponent_slope (gradient, node), dy));
  return TRUE;
}

PARE_OPERATORS (power) = {
  { .name = "Pow",
    .infer = pow_infer,
    .forward = pow_forward,
    .backward = pow_backward,
    .channels = pare_channels_join },
  { NULL },
};
