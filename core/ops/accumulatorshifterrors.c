/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AccumulatorShiftErrors (y, data scale, weight scale): for every channel and every N from 0 to 16, the sum of
 *
 *   (acc - 2^N clip (floor (acc / 2^N), -2^15, 2^15 - 1))^2
 *
 * over the accumulators of a quantized layer; behind those the sum of their squares, the least and the largest one:
 * float64 [channels, PARE_SHIFT_COLUMNS]. */
#include "ops/accumulators.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

#define CHUNK 1024 /* accumulators looked at 17 times while they are in the first cache */
#define LANES 16

static gboolean
errors_infer (PareInfer *infer, GError **error)
{
  guint axis;

  if (!pare_accumulators_infer (infer, 0, 3, &axis, error))
    return FALSE;
  infer->outputs[0]
      = (PareSpec){ PARE_FLOAT64, pare_shape (2, (gint64[]){ infer->inputs[0].shape.dims[axis], PARE_SHIFT_COLUMNS }) };
  return TRUE;
}

static PARE_VECTOR void
round_accumulators (gint64 n, float step, float *accumulators)
{
  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++) accumulators[i] = rintf (accumulators[i] / step);
}

/* Lanes are added up in a fixed order, so that the sum does not depend on the instruction set. @n is a multiple of
 * LANES. */
static PARE_VECTOR double
squared_error (gint64 n, const float *accumulators, const PareShift *shift)
{
  const float power = shift->power, inverse = shift->inverse;
  float sums[LANES] = { 0 };
  double total = 0;

  for (gint64 i = 0; i < n; i += LANES)
    PARE_INDEPENDENT for (int lane = 0; lane < LANES; lane++)
    {
      float value = floorf (accumulators[i + lane] * inverse), difference;
      value = value < PARE_ACCUMULATOR_LOWEST ? PARE_ACCUMULATOR_LOWEST : value;
      value = value > PARE_ACCUMULATOR_HIGHEST ? PARE_ACCUMULATOR_HIGHEST : value;
      difference = accumulators[i + lane] - value * power;
      sums[lane] += difference * difference;
    }
  for (int lane = 0; lane < LANES; lane++)
    total += sums[lane];
  return total;
}

static void
add_chunk (gint64 n, float *accumulators, float step, double *row)
{
  round_accumulators (n, step, accumulators);
  for (gint64 i = 0; i < n; i++)
    {
      row[PARE_SHIFT_SQUARES] += (double)accumulators[i] * accumulators[i];
      row[PARE_SHIFT_LOW] = MIN (row[PARE_SHIFT_LOW], accumulators[i]);
      row[PARE_SHIFT_HIGH] = MAX (row[PARE_SHIFT_HIGH], accumulators[i]);
    }
  /* Zeros add no error. */
  for (; n % LANES; n++)
    accumulators[n] = 0;
  for (guint shift = 0; shift < PARE_SHIFTS; shift++)
    {
      PareShift all = pare_shift_of (step, shift);
      row[shift] += squared_error (n, accumulators, &all);
    }
}

typedef struct
{
  const PareAccumulators *accumulators;
  const float *y;
  double *rows;
} Job;

/* The accumulators of channel @c from @start on. */
static void
gather (const Job *job, gint64 c, gint64 start, gint64 n, float *chunk)
{
  const gint64 inner = job->accumulators->inner, channels = job->accumulators->channels;
  gint64 outer = start / inner, within = start % inner;

  for (gint64 i = 0, run; i < n; i += run, within = 0, outer++)
    {
      run = MIN (inner - within, n - i);
      memcpy (chunk + i, job->y + (outer * channels + c) * inner + within, run * sizeof *chunk);
    }
}

static void
run_channels (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const gint64 elements = job->accumulators->outer * job->accumulators->inner;
  float chunk[CHUNK];

  for (gint64 c = from; c < to; c++)
    {
      double *row = job->rows + c * PARE_SHIFT_COLUMNS;
      memset (row, 0, PARE_SHIFT_COLUMNS * sizeof *row);
      row[PARE_SHIFT_LOW] = INFINITY;
      row[PARE_SHIFT_HIGH] = -INFINITY;
      for (gint64 start = 0; start < elements; start += CHUNK)
        {
          gint64 n = MIN (CHUNK, elements - start);
          gather (job, c, start, n, chunk);
          add_chunk (n, chunk, job->accumulators->steps[c], row);
        }
    }
}

static gboolean
errors_forward (const PareKernel *kernel, GError **error)
{
  g_auto (PareAccumulators) accumulators = { 0 };
  Job job = { &accumulators, kernel->inputs[0].data, kernel->outputs[0].data };

  pare_accumulators_read (kernel, 0, &accumulators);
  pare_parallel (accumulators.channels, 1, run_channels, &job);
  return TRUE;
}

PARE_OPERATORS (accumulatorshifterrors) = {
  { .name = "AccumulatorShiftErrors", .domain = PARE_DOMAIN, .infer = errors_infer, .forward = errors_forward },
  { NULL },
};
