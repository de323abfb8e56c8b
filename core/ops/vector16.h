/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sixteen floats at once, for kernels whose sums have to stay in registers: plain C but for the multiplication that is
 * not rounded before its sum. Functions that use it are run where pare_vectors16_supported() says so. */
#pragma once
#include <glib.h>
#include <math.h>

#define PARE_LANES16 16

typedef float PareVector16 __attribute__ ((vector_size (64), aligned (4), may_alias));
#if defined(__x86_64__)
#include <immintrin.h>
#define PARE_TARGET16 __attribute__ ((target ("avx512f")))
#define PARE_MULTIPLY_ADD16(a, b, c) ((PareVector16)_mm512_fmadd_ps ((__m512)(a), (__m512)(b), (__m512)(c)))
#else
#define PARE_TARGET16
#define PARE_MULTIPLY_ADD16(a, b, c) ((a) * (b) + (c))
#endif
#define PARE_INLINE16 PARE_TARGET16 static inline __attribute__ ((always_inline))
#define PARE_GET16(p) (*(const PareVector16 *)(p))
#define PARE_SET16(p) (*(PareVector16 *)(p))

PARE_INLINE16 PareVector16
pare_vector16 (float x)
{
  return x - (PareVector16){ 0 };
}

PARE_INLINE16 PareVector16
pare_max16 (PareVector16 a, PareVector16 b)
{
  typeof (a > b) mask = a > b;

  return (PareVector16)((mask & (typeof (mask))a) | (~mask & (typeof (mask))b));
}

/* The sum of all lanes, and the largest of them: by halves, which do not wait for each other. */
PARE_INLINE16 float
pare_sum16 (PareVector16 x)
{
#if defined(__x86_64__)
  return _mm512_reduce_add_ps ((__m512)x);
#else
  for (int half = PARE_LANES16 / 2; half; half /= 2)
    for (int i = 0; i < half; i++)
      x[i] += x[i + half];
  return x[0];
#endif
}

PARE_INLINE16 float
pare_largest16 (PareVector16 x)
{
#if defined(__x86_64__)
  return _mm512_reduce_max_ps ((__m512)x);
#else
  for (int half = PARE_LANES16 / 2; half; half /= 2)
    for (int i = 0; i < half; i++)
      x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  return x[0];
#endif
}

/* e^x for x <= 0, and 0 where that is below the normal numbers. 2^n e^r with |r| <= ln 2 / 2, degree 5; relative error
 * below 2.5e-7. */
PARE_INLINE16 PareVector16
pare_exp_below16 (PareVector16 x)
{
  PareVector16 lowest = pare_vector16 (-87.3f), y;
#if defined(__x86_64__)
  __m512 n = _mm512_roundscale_ps (_mm512_mul_ps ((__m512)x, _mm512_set1_ps (1.44269504f)), 0);
  __m512 r = _mm512_fnmadd_ps (n, _mm512_set1_ps (0.693147182f), (__m512)x), p = _mm512_set1_ps (0.00831251f);

  r = _mm512_fmadd_ps (n, _mm512_set1_ps (1.90465421e-9f), r);
  p = _mm512_fmadd_ps (p, r, _mm512_set1_ps (0.0418902f));
  p = _mm512_fmadd_ps (p, r, _mm512_set1_ps (0.16667115f));
  p = _mm512_fmadd_ps (p, r, _mm512_set1_ps (0.49999231f));
  p = _mm512_fmadd_ps (p, r, _mm512_set1_ps (1.0f));
  p = _mm512_fmadd_ps (p, r, _mm512_set1_ps (1.0f));
  y = (PareVector16)_mm512_scalef_ps (p, n);
#else
  for (int i = 0; i < PARE_LANES16; i++)
    y[i] = expf (x[i]);
#endif
  /* What is no number stays so. */
  return (PareVector16)(~(x < lowest) & (typeof (x < lowest))y);
}

static inline gboolean
pare_vectors16_supported (void)
{
#if defined(__x86_64__)
  return __builtin_cpu_supports ("avx512f");
#else
  return FALSE;
#endif
}
