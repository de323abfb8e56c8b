/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rows of softmax (scale Q K + mask) V on memory that is strided in any way. Private to attention. */
#pragma once
#include <glib.h>

/* Element (i, j) of one matrix of a batch. */
typedef struct
{
  const float *data;
  gint64 row, column;
} PareStridedMatrix;

/* Q [rows, depth], K [depth, keys], V [keys, width], mask [rows, keys]. */
typedef struct
{
  gint64 rows, depth, keys, width;
  float scale;
  gboolean vectors16; /* pare_vectors16_supported() */
} PareAttentionSizes;

/* What one head's rows share, in the order in which they read it. */
typedef struct
{
  float *keys;   /* scaled, [depth][keys, filled up] */
  float *values; /* [keys][width, filled up] */
  float *rows;   /* a few rows of scores, and of the result */
} PareAttentionScratch;

/* Floats that a scratch takes. */
gsize pare_attention_scratch (const PareAttentionSizes *sizes);
PareAttentionScratch pare_attention_scratch_at (const PareAttentionSizes *sizes, float *memory);

/* Takes over the keys and values of a head. */
void pare_attention_load (const PareAttentionSizes *sizes, const PareStridedMatrix *k, const PareStridedMatrix *v,
                          PareAttentionScratch *scratch);
/* Computes rows [from, to) of the result, whose columns are side by side and rows @y_row apart. @mask->data may be
 * NULL. */
void pare_attention_rows (const PareAttentionSizes *sizes, gint64 from, gint64 to, const PareStridedMatrix *q,
                          const PareStridedMatrix *mask, const PareAttentionScratch *scratch, float *y, gint64 y_row);
