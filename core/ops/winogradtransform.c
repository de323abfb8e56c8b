/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The transforms of Winograd's F(4x4, 3x3) with the points 0, 1, -1, 2, -2 and infinity: B' x B of a tile of the input,
 * G w G' of the kernel, A' m A to the output, and the adjoint A dy A' and G' m G for the gradient by the weights. */
#include "ops/winogradkernels.h"

#define TARGET PARE_WINOGRAD_TARGET
#define INLINE PARE_WINOGRAD_INLINE
#define GET PARE_WINOGRAD_GET
#define SET PARE_WINOGRAD_SET
typedef gint32 Mask __attribute__ ((vector_size (64)));

#define IN PARE_WINOGRAD_IN
#define OUT PARE_WINOGRAD_OUT
#define LANES PARE_WINOGRAD_LANES
#define TAPS 3

/* a + k b */
INLINE PareVector16
plus (PareVector16 a, float k, PareVector16 b)
{
  return PARE_WINOGRAD_MULTIPLY_ADD (pare_vector16 (k), b, a);
}

/* The matrices, applied to one line */

INLINE void
input_line (const PareVector16 *d, PareVector16 *r)
{
  PareVector16 even = plus (d[4], -4, d[2]), odd = plus (d[3], -4, d[1]);
  PareVector16 near = d[4] - d[2], far = d[3] - d[1];

  r[0] = plus (plus (d[4], -5, d[2]), 4, d[0]);
  r[1] = even + odd;
  r[2] = even - odd;
  r[3] = plus (near, 2, far);
  r[4] = plus (near, -2, far);
  r[5] = plus (plus (d[5], -5, d[3]), 4, d[1]);
}

INLINE void
kernel_line (const PareVector16 *g, PareVector16 *r)
{
  PareVector16 outer = (g[0] + g[2]) * -1.f / 6, wide = plus (g[0] * 1.f / 24, 1.f / 6, g[2]);

  r[0] = g[0] * 0.25f;
  r[1] = plus (outer, -1.f / 6, g[1]);
  r[2] = plus (outer, 1.f / 6, g[1]);
  r[3] = plus (wide, 1.f / 12, g[1]);
  r[4] = plus (wide, -1.f / 12, g[1]);
  r[5] = g[2];
}

INLINE void
output_line (const PareVector16 *m, PareVector16 *r)
{
  PareVector16 a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];

  r[0] = m[0] + a + c;
  r[1] = plus (b, 2, d);
  r[2] = plus (a, 4, c);
  r[3] = plus (b, 8, d) + m[5];
}

INLINE void
gradient_line (const PareVector16 *y, PareVector16 *r)
{
  PareVector16 even = y[0] + y[2], odd = y[1] + y[3], far_even = plus (y[0], 4, y[2]), far_odd = plus (y[1], 4, y[3]);

  r[0] = y[0];
  r[1] = even + odd;
  r[2] = even - odd;
  r[3] = plus (far_even, 2, far_odd);
  r[4] = plus (far_even, -2, far_odd);
  r[5] = y[3];
}

INLINE void
weights_line (const PareVector16 *m, PareVector16 *r)
{
  PareVector16 a = m[1] + m[2], b = m[2] - m[1], c = m[3] + m[4], d = m[3] - m[4];

  r[0] = plus (plus (m[0] * 0.25f, -1.f / 6, a), 1.f / 24, c);
  r[1] = plus (b * 1.f / 6, 1.f / 12, d);
  r[2] = plus (m[5], 1.f / 6, c - a);
}

/* Both directions: lines first, then columns of what they gave */

typedef void (*Line) (const PareVector16 *from, PareVector16 *to);

/* Column @j of @half ([@n][@k]), transformed. */
INLINE void
transform_column (Line line, int n, int k, int j, const PareVector16 *half, PareVector16 *result)
{
  PareVector16 column[IN];

#pragma GCC unroll 6
  for (int i = 0; i < n; i++)
    column[i] = half[i * k + j];
  line (column, result);
}

/* Whether all of @n x @n pixels are inside of the image. */
INLINE gboolean
is_whole (const ParePatch *patch, int n)
{
  return (patch->rows & patch->columns) == (1u << n) - 1;
}

INLINE gboolean
is_inside (const ParePatch *patch, int i, int j)
{
  return (patch->rows >> i) & (patch->columns >> j) & 1;
}

/* @n x @n pixels to 36 points. */
INLINE void
transform_pixels (Line line, const float *x, const ParePatch *patch, gboolean whole, int n, float *to, gsize step)
{
  static const PareVector16 zero;
  PareVector16 row[IN], half[IN * IN];

#pragma GCC unroll 6
  for (int i = 0; i < n; i++)
    {
      const float *at = x + (patch->offset + i * patch->row);
#pragma GCC unroll 6
      for (int j = 0; j < n; j++)
        row[j] = GET (whole || is_inside (patch, i, j) ? at + j * patch->column : (const float *)&zero);
      line (row, half + i * IN);
      /* For the next tiles: rows are too short for the processor to foresee. */
#pragma GCC unroll 4
      for (int j = 0; j < OUT; j++)
        __builtin_prefetch (x + (patch->offset + i * patch->row + (n + OUT + j) * patch->column));
    }
#pragma GCC unroll 6
  for (int j = 0; j < IN; j++)
    {
      transform_column (line, n, IN, j, half, row);
#pragma GCC unroll 6
      for (int i = 0; i < IN; i++)
        SET (to + (i * IN + j) * step) = row[i];
    }
}

INLINE void
transform_patch (Line line, const float *x, const ParePatch *patch, int n, float *to, gsize step)
{
  if (is_whole (patch, n))
    transform_pixels (line, x, patch, TRUE, n, to, step);
  else
    transform_pixels (line, x, patch, FALSE, n, to, step);
}

TARGET void
pare_winograd_transform_input (const float *x, const ParePatch *patch, float *to, gsize step)
{
  transform_patch (input_line, x, patch, IN, to, step);
}

TARGET void
pare_winograd_transform_gradient (const float *dy, const ParePatch *patch, float *to, gsize step)
{
  transform_patch (gradient_line, dy, patch, OUT, to, step);
}

TARGET void
pare_winograd_transform_kernel (const float *weights, float *to, gsize step)
{
  const ParePatch patch = { 0, TAPS * LANES, LANES };

  transform_pixels (kernel_line, weights, &patch, TRUE, TAPS, to, step);
}

/* The lines of 36 points, @k numbers each. */
INLINE void
transform_point_lines (Line line, int k, const float *from, gsize step, PareVector16 *half)
{
  PareVector16 row[IN];

#pragma GCC unroll 6
  for (int i = 0; i < IN; i++)
    {
#pragma GCC unroll 6
      for (int j = 0; j < IN; j++)
        row[j] = GET (from + (i * IN + j) * step);
      line (row, half + i * k);
    }
}

INLINE void
write_pixel (PareVector16 v, const PareWinogradFinish *finish, float *y)
{
  if (finish->add)
    v += GET (y);
  if (finish->relu)
    v = (PareVector16)((Mask)(v > 0) & (Mask)v);
  SET (y) = v;
}

INLINE void
transform_output (const float *from, gsize step, const PareWinogradFinish *finish, float *y, const ParePatch *patch,
                  gboolean whole)
{
  PareVector16 half[IN * OUT], column[OUT], bias = GET (finish->bias);

  transform_point_lines (output_line, OUT, from, step, half);
#pragma GCC unroll 4
  for (int j = 0; j < OUT; j++)
    {
      transform_column (output_line, IN, OUT, j, half, column);
#pragma GCC unroll 4
      for (int i = 0; i < OUT; i++)
        if (whole || is_inside (patch, i, j))
          write_pixel (column[i] + bias, finish, y + (patch->offset + i * patch->row + j * patch->column));
    }
}

TARGET void
pare_winograd_transform_output (const float *from, gsize step, const PareWinogradFinish *finish, float *y,
                                const ParePatch *patch)
{
  if (is_whole (patch, OUT))
    transform_output (from, step, finish, y, patch, TRUE);
  else
    transform_output (from, step, finish, y, patch, FALSE);
}

TARGET void
pare_winograd_add_kernel (const float *from, gsize step, float *weights)
{
  PareVector16 half[IN * TAPS], column[TAPS];

  transform_point_lines (weights_line, TAPS, from, step, half);
#pragma GCC unroll 3
  for (int j = 0; j < TAPS; j++)
    {
      transform_column (weights_line, IN, TAPS, j, half, column);
#pragma GCC unroll 3
      for (int i = 0; i < TAPS; i++)
        {
          float *at = weights + (i * TAPS + j) * LANES;
          SET (at) = GET (at) + column[i];
        }
    }
}
