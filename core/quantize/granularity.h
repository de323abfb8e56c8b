/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which numbers of a weight share a scale. */
#pragma once
#include "graph/shape.h"

G_BEGIN_DECLS

/**
 * PareGranularity:
 * @axis: -1: all numbers share one scale
 * @group_size: 0: all numbers at the same index of @axis do; else runs of so many along @axis do, the last one perhaps
 *   shorter, as QuantizeLinear's block_size says it
 */
typedef struct
{
  int axis;
  gint64 group_size;
} PareGranularity;

/* Shape of the scales of a weight of shape @weight: a scalar, a list, or a block's tensor. */
PareShape pare_granularity_scales (const PareGranularity *granularity, const PareShape *weight);

/* Index of the scale of number @index of the weight. */
gint64 pare_granularity_index (const PareGranularity *granularity, const PareShape *weight, gint64 index);

/* Called once for each row of @n numbers of the weight from @offset on: the first one has scale @scale, and the next
 * ones that plus @step (0 or 1) each. */
typedef void (*PareGranularityRow) (gint64 offset, gint64 n, gint64 scale, gint64 step, gpointer user_data);
void pare_granularity_walk (const PareGranularity *granularity, const PareShape *weight, PareGranularityRow row,
                            gpointer user_data);

G_END_DECLS
