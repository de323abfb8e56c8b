/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What Winograd's algorithm is made of: its transforms (winogradtransform.c) and the products between them
 * (winogradproduct.c). Everything lies in blocks of 16 channels. Private to winograd*.c. */
#pragma once
#include "ops/vector16.h"

#define PARE_WINOGRAD_LANES PARE_LANES16
/* Of an input tile and an output tile in one direction, and of points in the transformed domain. */
#define PARE_WINOGRAD_IN 6
#define PARE_WINOGRAD_OUT 4
#define PARE_WINOGRAD_POINTS 36
/* Tiles that a product takes at once. */
#define PARE_WINOGRAD_ROWS 8

/* Vectors are sixteen channels. */
#define PARE_WINOGRAD_TARGET PARE_TARGET16
#define PARE_WINOGRAD_MULTIPLY_ADD PARE_MULTIPLY_ADD16
#define PARE_WINOGRAD_INLINE PARE_INLINE16
#define PARE_WINOGRAD_GET PARE_GET16
#define PARE_WINOGRAD_SET PARE_SET16

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
