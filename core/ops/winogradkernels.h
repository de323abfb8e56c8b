/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What Winograd's algorithm is made of: its transforms (winogradtransform.c) and the products between them
 * (winogradproduct.c). Everything lies in blocks of 16 channels. Private to winograd*.c. */
#pragma once
#include <glib.h>

#define PARE_WINOGRAD_LANES 16
/* Of an input tile and an output tile in one direction, and of points in the transformed domain. */
#define PARE_WINOGRAD_IN 6
#define PARE_WINOGRAD_OUT 4
#define PARE_WINOGRAD_POINTS 36
/* Tiles that a product takes at once. */
#define PARE_WINOGRAD_ROWS 8

/* Sixteen channels. The kernels are plain C but for the multiplication that is not rounded before its sum. */
typedef float PareVector16 __attribute__ ((vector_size (64), aligned (4), may_alias));
#if defined(__x86_64__)
#include <immintrin.h>
#define PARE_WINOGRAD_TARGET __attribute__ ((target ("avx512f")))
#define PARE_WINOGRAD_MULTIPLY_ADD(a, b, c) ((PareVector16)_mm512_fmadd_ps ((__m512)(a), (__m512)(b), (__m512)(c)))
#else
#define PARE_WINOGRAD_TARGET
#define PARE_WINOGRAD_MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif
#define PARE_WINOGRAD_INLINE PARE_WINOGRAD_TARGET static inline __attribute__ ((always_inline))
#define PARE_WINOGRAD_GET(p) (*(const PareVector16 *)(p))
#define PARE_WINOGRAD_SET(p) (*(PareVector16 *)(p))

PARE_WINOGRAD_INLINE PareVector16
pare_vector16 (float x)
{
  return x - (PareVector16){ 0 };
}

/* Whether this processor runs the kernels at all. */
gboolean pare_winograd_supported (void);

/* A square of one block of an image: pixel (i, j) is at @offset + i @row + j @column when bit i of @rows and bit j of
 * @columns are set, and outside of the image else. */
typedef struct
{
  gint64 offset, row, column;
  guint rows, columns;
} ParePatch;

/* Point i of the result is at @to + i @step. */
void pare_winograd_transform_input (const float *x, const ParePatch *patch, float *to, gsize step);
void pare_winograd_transform_gradient (const float *dy, const ParePatch *patch, float *to, gsize step);
void pare_winograd_transform_kernel (const float *weights, float *to, gsize step);

/* What happens to the output: @bias of 16 channels, the sum with what lies there if @add, then max (y, 0) if @relu. */
typedef struct
{
  const float *bias;
  gboolean add, relu;
} PareWinogradFinish;

void pare_winograd_transform_output (const float *from, gsize step, const PareWinogradFinish *finish, float *y,
                                     const ParePatch *patch);
/* Adds to nine vectors. */
void pare_winograd_add_kernel (const float *from, gsize step, float *weights);

/* Sets m [block of @out][tile][16] to the products of v [block of @in][tile][16] and u [block of @out][in][16];
 * @tiles is a multiple of PARE_WINOGRAD_ROWS. */
void pare_winograd_product (gint64 tiles, gint64 in, gint64 out, const float *v, const float *u, float *m);
/* Sets m [16 rows][16] to the sum over tiles of a [tile][row] b [tile][16]. */
void pare_winograd_outer_product (gint64 tiles, const float *a, const float *b, float *m);
