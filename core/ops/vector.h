/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Vectorised loops: one build of a row function per instruction set, chosen when the library is loaded, and functions
 * of one float that the compiler can vectorise. */
#pragma once
#include <glib.h>
#include <string.h>

/* Every build gives the same bits: contraction is off, and no loop below is reassociated. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__AVX512F__)
#define PARE_VECTOR __attribute__ ((target_clones ("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PARE_VECTOR
#endif

/* An output row may be one of the inputs (same start, same type); rows never overlap otherwise. */
#define PARE_INDEPENDENT _Pragma ("GCC ivdep")

/* A row function inlines these into its own build of the loop. */
#define PARE_INLINE static inline __attribute__ ((always_inline))

PARE_INLINE guint32
pare_float_bits (float x)
{
  guint32 bits;

  memcpy (&bits, &x, sizeof bits);
  return bits;
}

PARE_INLINE float
pare_float_from_bits (guint32 bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

/* Adding and subtracting 3 * 2^22 rounds half to even, for magnitudes below 2^22. */
#define PARE_ROUNDING_MAGIC 12582912.0f

PARE_INLINE float
pare_round_small (float x)
{
  return (x + PARE_ROUNDING_MAGIC) - PARE_ROUNDING_MAGIC;
}

/* e^x = 2^n e^r with |r| <= ln 2 / 2; degree 6, relative error below 2e-7. */
PARE_INLINE float
pare_expf (float x)
{
  float clamped = x > 89.0f ? 89.0f : x < -104.0f ? -104.0f : x;
  float shifted = clamped * 1.44269504f + PARE_ROUNDING_MAGIC;
  float n = shifted - PARE_ROUNDING_MAGIC;
  float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  gint32 exponent = (gint32)(pare_float_bits (shifted) - 0x4b400000u);
  gint32 half = exponent >> 1;
  float p = 0.00139485899f;

  p = p * r + 0.00837513527f;
  p = p * r + 0.0416662181f;
  p = p * r + 0.166664154f;
  p = p * r + 0.500000011f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  /* In two steps, so that the ends of the range (subnormals, infinity) come out right. */
  return p * pare_float_from_bits ((guint32)(half + 127) << 23)
         * pare_float_from_bits ((guint32)(exponent - half + 127) << 23);
}

/* x p(x^2) / q(x^2), fitted to erf (x) / x for |x| <= 3.9 by weighted least squares; relative error below 4e-7. Beyond,
 * erf is 1 in single precision. */
PARE_INLINE float
pare_erff (float x)
{
  float t = x > 3.9f ? 3.9f : x < -3.9f ? -3.9f : x;
  float s = t * t;
  float p = 2.06630899e-06f;
  float q = 3.82678625e-05f;
  float y;

  p = p * s + 0.000285053429f;
  p = p * s + 0.00373842515f;
  p = p * s + 0.0526682895f;
  p = p * s + 0.18967008f;
  p = p * s + 1.12837915f;
  q = q * s + 0.00115737573f;
  q = q * s + 0.0149144433f;
  q = q * s + 0.1138201f;
  q = q * s + 0.501423515f;
  q = q * s + 1.0f;
  y = t * p / q;
  y = y > 1.0f ? 1.0f : y < -1.0f ? -1.0f : y;
  return x > 3.9f ? 1.0f : x < -3.9f ? -1.0f : y;
}

PARE_INLINE float
pare_sigmoidf (float x)
{
  return 1.0f / (1.0f + pare_expf (-x));
}

/* Near zero an odd polynomial, where 1 - 2 / (e^2x + 1) would cancel. */
PARE_INLINE float
pare_tanhf (float x)
{
  float a = x < 0 ? -x : x;
  float s = x * x;
  float low = -0.00560768872f;
  float high = 1.0f - 2.0f / (pare_expf (2.0f * a) + 1.0f);

  s = s > 0.4f ? 0.4f : s;
  low = low * s + 0.0205449053f;
  low = low * s - 0.0537070676f;
  low = low * s + 0.133309573f;
  low = low * s - 0.333332535f;
  low = low * s * x + x;
  return a < 0.625f ? low : x < 0 ? -high : high;
}
