/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Lowest, highest, finite: one vectorised pass. */
#include "calibrate/extremes.h"
#include "graph/vectorize.h"
#include <math.h>
#include <string.h>

/* A block's results are combined in order: the outcome does not depend on the number of threads, since minimum and
 * maximum are exact. */
#define BLOCK ((gsize)1 << 13)

void
pare_extremes_init (PareExtremes *extremes)
{
  *extremes = (PareExtremes){ INFINITY, -INFINITY, TRUE };
}

PARE_VECTORIZED static void
scan_block (const float *data, gsize n, float *low, float *high, guint32 *infinite)
{
  float least = *low, most = *high;
  guint32 bad = 0;

#pragma omp simd reduction(min : least) reduction(max : most) reduction(| : bad)
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits;
      memcpy (&bits, &data[i], sizeof bits);
      /* An exponent of all ones is an infinity or NaN. */
      bad |= (bits & 0x7f800000u) == 0x7f800000u;
      least = data[i] < least ? data[i] : least;
      most = data[i] > most ? data[i] : most;
    }
  *low = least;
  *high = most;
  *infinite |= bad;
}

gboolean
pare_extremes_update (PareExtremes *extremes, const float *data, gsize n)
{
  float low = extremes->low, high = extremes->high;
  guint32 infinite = 0;
  gint64 blocks = (n + BLOCK - 1) / BLOCK;

#pragma omp parallel for schedule(static) reduction(min                                                                \
                                                    : low) reduction(max                                               \
                                                                     : high) reduction(|                               \
                                                                                       : infinite) if (blocks > 1)
  for (gint64 b = 0; b < blocks; b++)
    scan_block (data + b * BLOCK, MIN (BLOCK, n - b * BLOCK), &low, &high, &infinite);
  extremes->low = low;
  extremes->high = high;
  extremes->finite &= !infinite;
  return extremes->finite;
}

gboolean
pare_extremes_range (const PareExtremes *extremes, PareRange *range)
{
  if (!extremes->finite)
    {
      *range = (PareRange){ NAN, NAN };
      return TRUE;
    }
  *range = (PareRange){ extremes->low, extremes->high };
  return extremes->low <= extremes->high;
}
