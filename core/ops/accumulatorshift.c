/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AccumulatorShift (y, data scale, weight scale): the result of a quantized layer on hardware that passes its int32
 * accumulator on in 16 bits, shifted right by N bits, one N per channel:
 *
 *   acc = round (y / step), step = data scale x weight scale
 *   result = clip (floor (acc / 2^N), -2^15, 2^15 - 1) step 2^N
 *
 * The attribute "shift" holds N, for every channel. The gradient by y is that of the identity where nothing is clipped
 * and 0 elsewhere (straight-through estimator); the scales get none. */
#include "ops/accumulators.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

static gboolean
check_shifts (const PareInfer *infer, gint64 channels, GError **error)
{
  guint n;
  const gint64 *shifts = pare_node_get_ints (infer->node, "shift", &n);
  gboolean good = shifts && n == channels;

  for (guint i = 0; good && i < n; i++)
    good = shifts[i] >= 0 && shifts[i] <= PARE_SHIFT_MAX;
  if (!good)
    pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its shift is not one number from 0 to %d per channel.",
                     PARE_SHIFT_MAX);
  return good;
}

static gboolean
shift_infer (PareInfer *infer, GError **error)
{
  guint axis;

  return pare_accumulators_infer (infer, 0, 3, &axis, error)
         && check_shifts (infer, infer->inputs[0].shape.dims[axis], error) && pare_infer_same (infer, error);
}

static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  guint axis;

  if (!pare_accumulators_infer (infer, 1, 4, &axis, error)
      || !check_shifts (infer, infer->inputs[1].shape.dims[axis], error))
    return FALSE;
  if (!pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the gradient has not the shape of the data.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  return TRUE;
}

/* floor (acc / 2^N), which 16 bits may not hold. */
PARE_INLINE float
shifted (float y, const PareShift *shift)
{
  return floorf (rintf (y / shift->step) * shift->inverse);
}

static PARE_VECTOR void
shift_row (gint64 n, const float *y, float *result, const PareShift *shift)
{
  const PareShift fixed = *shift;
  const float unit = fixed.step * fixed.power;

  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)
  {
    float value = shifted (y[i], &fixed);
    value = value < PARE_ACCUMULATOR_LOWEST ? PARE_ACCUMULATOR_LOWEST : value;
    value = value > PARE_ACCUMULATOR_HIGHEST ? PARE_ACCUMULATOR_HIGHEST : value;
    result[i] = value * unit;
  }
}

static PARE_VECTOR void
gradient_row (gint64 n, const float *slopes, const float *y, float *result, const PareShift *shift)
{
  const PareShift fixed = *shift;

  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)
  {
    float value = shifted (y[i], &fixed);
    result[i] = value < PARE_ACCUMULATOR_LOWEST || value > PARE_ACCUMULATOR_HIGHEST ? 0.0f : slopes[i];
  }
}

typedef struct
{
  const PareAccumulators *accumulators;
  const gint64 *shifts;
  const float *slopes; /* NULL: forward */
  const float *y;
  float *result;
} Job;

static void
run_slices (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareAccumulators *accumulators = job->accumulators;

  for (gint64 i = from; i < to; i++)
    {
      gint64 channel = i % accumulators->channels, start = i * accumulators->inner;
      PareShift shift = pare_shift_of (accumulators->steps[channel], job->shifts[channel]);
      if (job->slopes)
        gradient_row (accumulators->inner, job->slopes + start, job->y + start, job->result + start, &shift);
      else
        shift_row (accumulators->inner, job->y + start, job->result + start, &shift);
    }
}

static void
run (const PareKernel *kernel, guint first, const float *slopes)
{
  g_auto (PareAccumulators) accumulators = { 0 };
  guint n;
  Job job = { &accumulators, pare_node_get_ints (kernel->node, "shift", &n), slopes, kernel->inputs[first].data,
              kernel->outputs[0].data };

  pare_accumulators_read (kernel, first, &accumulators);
  pare_parallel (accumulators.outer * accumulators.channels, MAX (PARE_GRAIN / MAX (accumulators.inner, 1), 1),
                 run_slices, &job);
}

static gboolean
shift_forward (const PareKernel *kernel, GError **error)
{
  run (kernel, 0, NULL);
  return TRUE;
}

static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  run (kernel, 1, kernel->inputs[0].data);
  return TRUE;
}

static gboolean
shift_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  guint n;
  const gint64 *shifts = pare_node_get_ints (node, "shift", &n);
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), node->inputs->pdata[0], node->inputs->pdata[1],
                          node->inputs->pdata[2] };

  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, PARE_DOMAIN, "AccumulatorShiftGradient", 4, inputs,
                                         pare_attribute_new_ints ("shift", n, shifts),
                                         pare_attribute_new_int ("axis", pare_node_get_int (node, "axis", -1)), NULL));
  return TRUE;
}

PARE_OPERATORS (accumulatorshift) = {
  { .name = "AccumulatorShift",
    .domain = PARE_DOMAIN,
    .infer = shift_infer,
    .forward = shift_forward,
    .backward = shift_backward,
    .in_place = TRUE },
  { .name = "AccumulatorShiftGradient",
    .domain = PARE_DOMAIN,
    .infer = gradient_infer,
    .forward = gradient_forward,
    .in_place = TRUE },
  { NULL },
};
