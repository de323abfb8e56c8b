/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rows of attention, softmax (scale Q K + mask) V, a few at a time: their scores never leave the nearest cache. */
#include "ops/attentionrows.h"
#include "ops/rowproduct.h"
#include "ops/vector.h"
#include "ops/vector16.h"
#include <math.h>

#define LANES PARE_LANES16
/* With two vectors of columns, as many sums as hide the latency of the multiplications. */
#define ROWS 8

static gint64
filled_up (gint64 n)
{
  return (n + LANES - 1) / LANES * LANES;
}

gsize
pare_attention_scratch (const PareAttentionSizes *sizes)
{
  gsize keys = filled_up (sizes->keys), width = filled_up (sizes->width);

  return sizes->depth * keys + sizes->keys * width + ROWS * (keys + width);
}

PareAttentionScratch
pare_attention_scratch_at (const PareAttentionSizes *sizes, float *memory)
{
  float *values = memory + sizes->depth * filled_up (sizes->keys);

  return (PareAttentionScratch){ memory, values, values + sizes->keys * filled_up (sizes->width) };
}

/* @count columns of a transposed matrix: few enough that their cache lines stay until they are used up. */
static void
load_columns (gint64 rows, gint64 count, const PareStridedMatrix *from, float factor, float *to, gint64 width)
{
  for (gint64 i = 0; i < rows; i++)
    for (gint64 j = 0; j < count; j++)
      to[i * width + j] = factor * from->data[i * from->row + j * from->column];
}

static void
load_row (gint64 n, const float *restrict from, float factor, float *restrict to)
{
  for (gint64 i = 0; i < n; i++)
    to[i] = factor * from[i];
}

static void
load_matrix (gint64 rows, gint64 columns, const PareStridedMatrix *from, float factor, float *to)
{
  gint64 width = filled_up (columns);

  for (gint64 i = 0; i < rows; i++)
    {
      if (from->column == 1)
        load_row (columns, from->data + i * from->row, factor, to + i * width);
      memset (to + i * width + columns, 0, (width - columns) * sizeof *to);
    }
  for (gint64 j = 0; from->column != 1 && j < columns; j += LANES)
    {
      PareStridedMatrix part = { from->data + j * from->column, from->row, from->column };
      load_columns (rows, MIN (LANES, columns - j), &part, factor, to + j, width);
    }
}

void
pare_attention_load (const PareAttentionSizes *sizes, const PareStridedMatrix *k, const PareStridedMatrix *v,
                     PareAttentionScratch *scratch)
{
  load_matrix (sizes->depth, sizes->keys, k, sizes->scale, scratch->keys);
  load_matrix (sizes->keys, sizes->width, v, 1, scratch->values);
}

static void
add_mask (gint64 n, const PareStridedMatrix *mask, gint64 row, float *restrict x)
{
  const float *more = mask->data + row * mask->row;

  for (gint64 i = 0; i < n; i++)
    x[i] += more[i * mask->column];
}

/* Turns @n scores into e^(score - largest) and returns the sum. */
static PARE_VECTOR float
exponentials (gint64 n, float *restrict x)
{
  float largest = -INFINITY, sum = 0;

  for (gint64 i = 0; i < n; i++)
    largest = x[i] > largest ? x[i] : largest;
  for (gint64 i = 0; i < n; i++)
    x[i] = pare_expf (x[i] - largest);
  for (gint64 i = 0; i < n; i++)
    sum += x[i];
  return sum;
}

/* The same, by lanes; the scores are filled up. */
static PARE_TARGET16 float
exponentials16 (gint64 n, float *x)
{
  PareVector16 most = pare_vector16 (-INFINITY), sums = { 0 };

  for (gint64 i = n; i % LANES; i++)
    x[i] = -INFINITY;
  for (gint64 i = 0; i < n; i += LANES)
    most = pare_max16 (PARE_GET16 (x + i), most);
  most = pare_vector16 (pare_largest16 (most));
  for (gint64 i = 0; i < n; i += LANES)
    sums += PARE_SET16 (x + i) = pare_exp_below16 (PARE_GET16 (x + i) - most);
  return pare_sum16 (sums);
}

/* c = a b with @rows rows of @a and @blocks vectors of columns of @b and @c. */
PARE_INLINE16 void
multiply_tile (int rows, int blocks, gint64 inner, const PareStridedMatrix *a, const float *b, gint64 b_row, float *c,
               gint64 c_row)
{
  PareVector16 sums[ROWS][2];

#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
    sums[r][0] = sums[r][1] = (PareVector16){ 0 };
  for (gint64 k = 0; k < inner; k++, b += b_row)
    {
      PareVector16 first = PARE_GET16 (b), second = blocks > 1 ? PARE_GET16 (b + LANES) : first;
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++)
        {
          PareVector16 x = pare_vector16 (a->data[r * a->row + k * a->column]);
          sums[r][0] = PARE_MULTIPLY_ADD16 (x, first, sums[r][0]);
          if (blocks > 1)
            sums[r][1] = PARE_MULTIPLY_ADD16 (x, second, sums[r][1]);
        }
    }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
    {
      PARE_SET16 (c + r * c_row) = sums[r][0];
      if (blocks > 1)
        PARE_SET16 (c + r * c_row + LANES) = sums[r][1];
    }
}

/* @columns is a multiple of the lanes. */
PARE_INLINE16 void
multiply_rows (int rows, gint64 inner, gint64 columns, const PareStridedMatrix *a, const float *b, float *c)
{
  gint64 j = 0;

  for (; j + 2 * LANES <= columns; j += 2 * LANES)
    multiply_tile (rows, 2, inner, a, b + j, columns, c + j, columns);
  if (j < columns)
    multiply_tile (rows, 1, inner, a, b + j, columns, c + j, columns);
}

#define EACH_COUNT(X) X (1) X (2) X (3) X (4) X (5) X (6) X (7) X (8)

/* One loop for each number of rows, so that their sums stay in registers. */
static PARE_TARGET16 void
multiply16 (int rows, gint64 inner, gint64 columns, const PareStridedMatrix *a, const float *b, float *c)
{
  switch (rows)
    {
#define CASE(n)                                                                                                        \
  case n:                                                                                                              \
    multiply_rows (n, inner, columns, a, b, c);                                                                        \
    break;
      EACH_COUNT (CASE)
#undef CASE
    default:
      g_assert_not_reached ();
    }
}

static void
multiply (const PareAttentionSizes *sizes, int rows, gint64 inner, gint64 columns, const PareStridedMatrix *a,
          const float *b, float *c)
{
  PareMatrix left = { a->data, a->row, a->column }, right = { b, columns, 1 };

  if (sizes->vectors16)
    {
      multiply16 (rows, inner, columns, a, b, c);
      return;
    }
  memset (c, 0, rows * columns * sizeof *c);
  pare_add_product (rows, columns, inner, &left, &right, c, columns);
}

static void
store_rows (int rows, gint64 width, const float *from, const float *sums, float *y, gint64 y_row)
{
  for (int r = 0; r < rows; r++)
    {
      const float *restrict x = from + r * filled_up (width);
      /* Without any key the sum of the values is zero, and not undefined. */
      float *restrict to = y + r * y_row, factor = sums[r] == 0 ? 0 : 1 / sums[r];
      for (gint64 i = 0; i < width; i++)
        to[i] = x[i] * factor;
    }
}

void
pare_attention_rows (const PareAttentionSizes *sizes, gint64 from, gint64 to, const PareStridedMatrix *q,
                     const PareStridedMatrix *mask, const PareAttentionScratch *scratch, float *y, gint64 y_row)
{
  gint64 keys = filled_up (sizes->keys), width = filled_up (sizes->width);
  /* Equal blocks: a last one of a single row would wait for every multiplication. */
  gint64 blocks = (to - from + ROWS - 1) / ROWS, step = blocks ? (to - from + blocks - 1) / blocks : 1;
  float *scores = scratch->rows, *result = scores + ROWS * keys, sums[ROWS];

  for (gint64 row = from; row < to; row += step)
    {
      int rows = MIN (step, to - row);
      PareStridedMatrix queries = { q->data + row * q->row, q->row, q->column }, weights = { scores, keys, 1 };
      multiply (sizes, rows, sizes->depth, keys, &queries, scratch->keys, scores);
      for (int r = 0; r < rows; r++)
        {
          float *x = scores + r * keys;
          if (mask->data)
            add_mask (sizes->keys, mask, row + r, x);
          sums[r] = sizes->vectors16 ? exponentials16 (sizes->keys, x) : exponentials (sizes->keys, x);
        }
      multiply (sizes, rows, sizes->keys, width, &weights, scratch->values, result);
      store_rows (rows, sizes->width, result, sums, y + row * y_row, y_row);
    }
}
