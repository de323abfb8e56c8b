/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Matrix products on plain memory, in tiles of the result that stay in registers. */
#include "ops/rowproduct.h"
#include "ops/parallel.h"
#include "ops/vector.h"

#define ROWS 4
#define COLUMNS 32

typedef struct
{
  gint64 m, n, k, row_tiles;
  const PareMatrix *a, *b;
  float *c;
  gint64 c_row;
} Job;

PARE_INLINE void
whole_tile (const Job *job, gint64 row, gint64 column)
{
  const PareMatrix *a = job->a, *b = job->b;
  float sums[ROWS][COLUMNS];

  for (int i = 0; i < ROWS; i++)
    memcpy (sums[i], job->c + (row + i) * job->c_row + column, sizeof sums[i]);
  for (gint64 l = 0; l < job->k; l++)
    {
      const float *right = b->data + l * b->row + column;
      for (int i = 0; i < ROWS; i++)
        {
          const float left = a->data[(row + i) * a->row + l * a->column];
          for (int j = 0; j < COLUMNS; j++)
            sums[i][j] += left * right[j];
        }
    }
  for (int i = 0; i < ROWS; i++)
    memcpy (job->c + (row + i) * job->c_row + column, sums[i], sizeof sums[i]);
}

PARE_INLINE void
part_of_tile (const Job *job, gint64 row, gint64 rows, gint64 column, gint64 columns)
{
  const PareMatrix *a = job->a, *b = job->b;

  for (gint64 i = row; i < row + rows; i++)
    {
      float *restrict sums = job->c + i * job->c_row + column;
      for (gint64 l = 0; l < job->k; l++)
        {
          const float *restrict right = b->data + l * b->row + column;
          const float left = a->data[i * a->row + l * a->column];
          for (gint64 j = 0; j < columns; j++)
            sums[j] += left * right[j];
        }
    }
}

/* Tiles of one column of tiles follow each other: they share a panel of b. */
static PARE_VECTOR void
run_tiles (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 tile = from; tile < to; tile++)
    {
      gint64 row = tile % job->row_tiles * ROWS, column = tile / job->row_tiles * COLUMNS;
      gint64 rows = MIN (ROWS, job->m - row), columns = MIN (COLUMNS, job->n - column);
      if (rows == ROWS && columns == COLUMNS)
        whole_tile (job, row, column);
      else
        part_of_tile (job, row, rows, column, columns);
    }
}

void
pare_add_product (gint64 m, gint64 n, gint64 k, const PareMatrix *a, const PareMatrix *b, float *c, gint64 c_row)
{
  Job job = { m, n, k, (m + ROWS - 1) / ROWS, a, b, c, c_row };
  gint64 tiles = job.row_tiles * ((n + COLUMNS - 1) / COLUMNS);

  pare_parallel (tiles, MAX (PARE_GRAIN * 4 / (ROWS * COLUMNS * MAX (k, 1)), 1), run_tiles, &job);
}

void
pare_transpose (gint64 rows, gint64 columns, const float *from, float *to)
{
  for (gint64 j = 0; j < columns; j++)
    for (gint64 i = 0; i < rows; i++)
      to[j * rows + i] = from[i * columns + j];
}
