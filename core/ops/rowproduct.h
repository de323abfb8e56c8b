/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Matrix products on plain memory, for operators that multiply in the middle of a loop of their own. */
#pragma once
#include <glib.h>

/* A matrix whose element (i, j) is data[i * row + j * column]. */
typedef struct
{
  const float *data;
  gint64 row, column;
} PareMatrix;

/* c += a b with @a m x k and @b k x n, whose rows are contiguous (column 1); rows of @c are @c_row apart. Every element
 * is one sum in the order of k: neither threads nor blocking change a bit. */
void pare_add_product (gint64 m, gint64 n, gint64 k, const PareMatrix *a, const PareMatrix *b, float *c, gint64 c_row);
/* The transpose of the @rows x @columns matrix @from, row-major. */
void pare_transpose (gint64 rows, gint64 columns, const float *from, float *to);
