/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pow: the exponent may have another type than the base; the result has the base's. */
#include "ops/rows.h"
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

PARE_OPERATORS (power) = {
  { .name = "Pow", .infer = pow_infer, .forward = pow_forward },
  { NULL },
};
