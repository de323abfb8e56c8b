/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The int32 accumulators of a quantized layer, as its simulated result y shows them: acc = round (y / step), where step
 * is data scale x weight scale of the channel. */
#pragma once
#include "ops/infer.h"

/* Accumulators that are shifted right by N bits keep this range: that of 16 bits. */
#define PARE_ACCUMULATOR_LOWEST (-32768)
#define PARE_ACCUMULATOR_HIGHEST 32767
/* N is 0, or 1 to this. */
#define PARE_SHIFT_MAX 16
#define PARE_SHIFTS (PARE_SHIFT_MAX + 1)

/* Columns of what AccumulatorShiftErrors finds out of a channel, behind the squared errors of each N. */
enum
{
  PARE_SHIFT_SQUARES = PARE_SHIFTS,
  PARE_SHIFT_LOW,
  PARE_SHIFT_HIGH,
  PARE_SHIFT_COLUMNS
};

/* Where the channels of y lie. */
typedef struct
{
  gint64 outer, channels, inner;
  float *steps; /* one per channel */
} PareAccumulators;

/* What squeezes the accumulators of one channel. */
typedef struct
{
  float step;    /* of one unit */
  float power;   /* 2^N */
  float inverse; /* 2^-N */
} PareShift;

/* Checks inputs @first (y), and behind it the scale of the data and the scales of the weight. The attribute "axis" of
 * the node counts from the end. */
gboolean pare_accumulators_infer (const PareInfer *infer, guint first, guint n_inputs, guint *axis, GError **error);
/* The same inputs at execution. */
void pare_accumulators_read (const PareKernel *kernel, guint first, PareAccumulators *accumulators);
void pare_accumulators_clear (PareAccumulators *accumulators);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareAccumulators, pare_accumulators_clear)

PareShift pare_shift_of (float step, guint n);
