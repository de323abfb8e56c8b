/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The order of a pass and the split into training and validation samples, by SplitMix64 (Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", 2014): a counter, and a mixing function that makes numbers of it. */
#include "data/shuffle.h"

#define STEP G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static guint64
mix (guint64 counter)
{
  counter = (counter ^ (counter >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  counter = (counter ^ (counter >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return counter ^ (counter >> 31);
}

/* Every one of 0 .. n-1 with the same probability: numbers of the incomplete last round are drawn again. */
static guint64
draw_below (guint64 *counter, guint64 n)
{
  guint64 rest = (G_MAXUINT64 % n + 1) % n;
  guint64 drawn;

  do
    drawn = mix (*counter += STEP);
  while (drawn > G_MAXUINT64 - rest);
  return drawn % n;
}

void
pare_shuffle (guint64 *indices, gsize n, guint64 seed, guint64 pass)
{
  /* Both mixed: neighbouring seeds and passes have nothing in common. */
  guint64 counter = mix (mix (seed + STEP) + pass);

  for (gsize i = n; i > 1; i--)
    {
      gsize other = draw_below (&counter, i);
      guint64 index = indices[i - 1];
      indices[i - 1] = indices[other];
      indices[other] = index;
    }
}

gboolean
pare_is_validation_sample (guint64 index, double fraction, guint64 seed)
{
  /* The upper 53 bits as a number in [0, 1). */
  return (mix (mix (seed + STEP) + (index + 1) * STEP) >> 11) * 0x1p-53 < fraction;
}
