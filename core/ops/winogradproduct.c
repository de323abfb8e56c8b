/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The products of Winograd's algorithm, for one point of the transformed domain: tiles x channels by channels x
 * channels, and for gradients channels x tiles by tiles x channels. Sums run in one order always. */
#include "ops/winogradkernels.h"

#define TARGET PARE_WINOGRAD_TARGET
#define INLINE PARE_WINOGRAD_INLINE
#define GET PARE_WINOGRAD_GET
#define SET PARE_WINOGRAD_SET
#define LANES PARE_WINOGRAD_LANES
#define ROWS PARE_WINOGRAD_ROWS

gboolean
pare_winograd_supported (void)
{
  return pare_vectors16_supported ();
}

/* Eight tiles by @blocks blocks of output channels: as many sums as hide the multiplications' latency and leave
 * registers for the operands. */
INLINE void
multiply (gint64 tiles, gint64 in, int blocks, const float *v, const float *u, float *m)
{
  PareVector16 sums[2][ROWS];

#pragma GCC unroll 2
  for (int b = 0; b < blocks; b++)
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
      sums[b][r] = (PareVector16){ 0 };
  for (gint64 block = 0; block < in; block += LANES, v += tiles * LANES)
    for (int c = 0; c < LANES; c++, u += LANES)
      {
        PareVector16 first = GET (u), second = blocks > 1 ? GET (u + in * LANES) : first;
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
          {
            PareVector16 x = pare_vector16 (v[r * LANES + c]);
            sums[0][r] = PARE_WINOGRAD_MULTIPLY_ADD (x, first, sums[0][r]);
            if (blocks > 1)
              sums[1][r] = PARE_WINOGRAD_MULTIPLY_ADD (x, second, sums[1][r]);
          }
      }
#pragma GCC unroll 2
  for (int b = 0; b < blocks; b++)
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
      SET (m + (b * tiles + r) * LANES) = sums[b][r];
}

TARGET void
pare_winograd_product (gint64 tiles, gint64 in, gint64 out, const float *v, const float *u, float *m)
{
  gint64 blocks = out / LANES, done = 0;

  for (; done + 2 <= blocks; done += 2)
    for (gint64 t = 0; t < tiles; t += ROWS)
      multiply (tiles, in, 2, v + t * LANES, u + done * in * LANES, m + (done * tiles + t) * LANES);
  for (gint64 t = 0; done < blocks && t < tiles; t += ROWS)
    multiply (tiles, in, 1, v + t * LANES, u + done * in * LANES, m + (done * tiles + t) * LANES);
}

TARGET void
pare_winograd_outer_product (gint64 tiles, const float *a, const float *b, float *m)
{
  PareVector16 sums[LANES];

#pragma GCC unroll 16
  for (int r = 0; r < LANES; r++)
    sums[r] = (PareVector16){ 0 };
  for (gint64 t = 0; t < tiles; t++)
    {
      PareVector16 x = GET (b + t * LANES);
#pragma GCC unroll 16
      for (int r = 0; r < LANES; r++)
        sums[r] = PARE_WINOGRAD_MULTIPLY_ADD (pare_vector16 (a[t * LANES + r]), x, sums[r]);
    }
#pragma GCC unroll 16
  for (int r = 0; r < LANES; r++)
    SET (m + r * LANES) = sums[r];
}
