/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The loops of QuantizeLinear and DequantizeLinear. */
#include "ops/quantizerows.h"
#include "ops/parallel.h"
#include "ops/vector.h"

/* Clamping before rounding gives the same result, since the limits are whole, and keeps the rounding within its range.
 * A NaN becomes the lowest value. */
#define QUANTIZE(type)                                                                                                 \
  PARE_INLINE void quantize_##type##_by (gint64 n, const float *restrict x, type *restrict y,                          \
                                         const PareQuantizeGrid *grid, gint64 step)                                    \
  {                                                                                                                    \
    const float *scales = grid->scales;                                                                                \
    const gint32 *zeros = grid->zero_points;                                                                           \
    const float lowest = grid->lowest, highest = grid->highest;                                                        \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      gint32 zero = zeros[i * step];                                                                                   \
      float low = lowest - (float)zero, high = highest - (float)zero;                                                  \
      float value = x[i] / scales[i * step];                                                                           \
      value = value > low ? value : low;                                                                               \
      value = value < high ? value : high;                                                                             \
      y[i] = (type)((gint32)pare_round_small (value) + zero);                                                          \
    }                                                                                                                  \
  }                                                                                                                    \
  static PARE_VECTOR void quantize_##type (gint64 n, gconstpointer x, gpointer y, const PareQuantizeGrid *grid)        \
  {                                                                                                                    \
    if (grid->each)                                                                                                    \
      quantize_##type##_by (n, x, y, grid, 1);                                                                         \
    else                                                                                                               \
      quantize_##type##_by (n, x, y, grid, 0);                                                                         \
  }
QUANTIZE (guint8)
QUANTIZE (gint8)
QUANTIZE (guint16)
QUANTIZE (gint16)

#define DEQUANTIZE(type, difference)                                                                                   \
  PARE_INLINE void dequantize_##type##_by (gint64 n, const type *restrict x, float *restrict y,                        \
                                           const PareQuantizeGrid *grid, gint64 step)                                  \
  {                                                                                                                    \
    const float *scales = grid->scales;                                                                                \
    const gint32 *zeros = grid->zero_points;                                                                           \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      G_GNUC_UNUSED gint32 zero = zeros[i * step];                                                                     \
      y[i] = (float)(difference)*scales[i * step];                                                                     \
    }                                                                                                                  \
  }                                                                                                                    \
  static PARE_VECTOR void dequantize_##type (gint64 n, gconstpointer x, gpointer y, const PareQuantizeGrid *grid)      \
  {                                                                                                                    \
    if (grid->each)                                                                                                    \
      dequantize_##type##_by (n, x, y, grid, 1);                                                                       \
    else                                                                                                               \
      dequantize_##type##_by (n, x, y, grid, 0);                                                                       \
  }
DEQUANTIZE (guint8, (gint32)x[i] - zero)
DEQUANTIZE (gint8, (gint32)x[i] - zero)
DEQUANTIZE (guint16, (gint32)x[i] - zero)
DEQUANTIZE (gint16, (gint32)x[i] - zero)
/* An int32 has no zero point (the specification wants 0): nothing can overflow. */
DEQUANTIZE (gint32, x[i])

static const struct
{
  PareQuantizeRow quantize, dequantize;
} rows_of[PARE_DATA_TYPES] = {
  [PARE_UINT8] = { quantize_guint8, dequantize_guint8 },
  [PARE_INT8] = { quantize_gint8, dequantize_gint8 },
  [PARE_UINT16] = { quantize_guint16, dequantize_guint16 },
  [PARE_INT16] = { quantize_gint16, dequantize_gint16 },
  [PARE_UINT4] = { quantize_guint8, dequantize_guint8 },
  [PARE_INT4] = { quantize_gint8, dequantize_gint8 },
  [PARE_INT32] = { NULL, dequantize_gint32 },
};

PareQuantizeRow
pare_quantize_row (PareDataType type)
{
  return rows_of[type].quantize;
}

PareQuantizeRow
pare_dequantize_row (PareDataType type)
{
  return rows_of[type].dequantize;
}

PareQuantizeGrid
pare_quantize_grid (PareDataType type, const float *scales, const gint32 *zero_points)
{
  gint64 lowest, highest;

  pare_data_type_limits (type, &lowest, &highest);
  return (PareQuantizeGrid){ scales, zero_points, FALSE, lowest, highest };
}

/* Where the scales do not change along the last axes, those are a row; where they change with every element of the last
 * axis, that axis is. */
PareQuantizeRows
pare_quantize_rows (const PareShape *shape, const PareShape *scales, guint axis, gint64 block)
{
  PareQuantizeRows rows = { .n = 1, .channels = 1, .length = pare_shape_elements (shape) };
  gint64 inner, outer;

  if (pare_shape_elements (scales) <= 1 || rows.length == 0)
    return rows;
  inner = pare_shape_span (shape, axis + 1, shape->rank);
  outer = pare_shape_span (shape, 0, axis);
  rows.extent = shape->dims[axis];
  rows.block = block;
  rows.blocks = block ? scales->dims[axis] : 0;
  if (block)
    {
      rows.each = inner > 1;
      rows.length = rows.each ? inner : MIN (block, rows.extent);
      rows.n = outer * (rows.each ? rows.extent : rows.blocks);
      return rows;
    }
  rows.each = inner == 1;
  rows.length = rows.each ? rows.extent : inner;
  rows.channels = rows.each ? 1 : rows.extent;
  rows.n = outer * rows.channels;
  return rows;
}

typedef struct
{
  const PareQuantizeRows *rows;
  PareQuantizeRow row;
  const PareQuantizeGrid *grid;
  const guint8 *x;
  guint8 *y;
  gsize x_size, y_size;
} Job;

static void
run_part (const Job *job, gint64 start, gint64 length, gint64 scale)
{
  PareQuantizeGrid grid = *job->grid;

  grid.scales += scale;
  grid.zero_points += scale;
  grid.each = job->rows->each;
  job->row (length, job->x + start * job->x_size, job->y + start * job->y_size, &grid);
}

/* Pieces of the one row. */
static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  run_part (data, from, to - from, 0);
}

static void
run_slices (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareQuantizeRows *rows = job->rows;

  for (gint64 i = from; i < to; i++)
    run_part (job, i * rows->length, rows->length, i % rows->channels);
}

/* Blocks of the last axis. */
static void
run_blocks (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareQuantizeRows *rows = job->rows;

  for (gint64 i = from; i < to; i++)
    {
      gint64 first = i % rows->blocks * rows->block;
      run_part (job, i / rows->blocks * rows->extent + first, MIN (rows->block, rows->extent - first), i);
    }
}

/* Blocks of another axis: each of its slices has the scales of its block. */
static void
run_blocked_slices (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareQuantizeRows *rows = job->rows;

  for (gint64 i = from; i < to; i++)
    {
      gint64 block = i / rows->extent * rows->blocks + i % rows->extent / rows->block;
      run_part (job, i * rows->length, rows->length, block * rows->length);
    }
}

void
pare_quantize_run (const PareQuantizeRows *rows, PareQuantizeRow row, const PareQuantizeGrid *grid, gconstpointer x,
                   gsize x_size, gpointer y, gsize y_size)
{
  Job job = { rows, row, grid, x, y, x_size, y_size };
  gint64 grain = PARE_GRAIN / MAX (rows->length, 1) + 1;

  if (rows->length == 0)
    return;
  if (rows->n == 1 && !rows->each)
    pare_parallel (rows->length, PARE_GRAIN, run_piece, &job);
  else if (!rows->block)
    pare_parallel (rows->n, grain, run_slices, &job);
  else
    pare_parallel (rows->n, grain, rows->each ? run_blocked_slices : run_blocks, &job);
}
