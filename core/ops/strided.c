/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copying a box of elements between two strided layouts. Axes that lie in one another's extension are merged first, so
 * that most copies become a few long rows; a transposition goes through small square tiles that fit the cache. */
#include "ops/strided.h"
#include "ops/parallel.h"
#include <string.h>

#define TILE 16

void
pare_box_add (PareBox *box, gint64 dim, gint64 source_stride, gint64 target_stride)
{
  g_assert (box->rank < PARE_BOX_RANK);
  box->dims[box->rank] = dim;
  box->source_strides[box->rank] = source_stride;
  box->target_strides[box->rank++] = target_stride;
}

void
pare_box_pack_target (PareBox *box)
{
  gint64 stride = 1;

  for (guint i = box->rank; i-- > 0; stride *= box->dims[i])
    box->target_strides[i] = stride;
}

/* The same box with as few axes as possible, and at least one. */
static PareBox
merge (const PareBox *box)
{
  PareBox merged = { .size = box->size };

  for (guint i = 0; i < box->rank; i++)
    {
      guint last = merged.rank - 1;
      gint64 dim = box->dims[i];
      if (dim == 1)
        continue;
      if (merged.rank && merged.source_strides[last] == box->source_strides[i] * dim
          && merged.target_strides[last] == box->target_strides[i] * dim)
        {
          merged.dims[last] *= dim;
          merged.source_strides[last] = box->source_strides[i];
          merged.target_strides[last] = box->target_strides[i];
          continue;
        }
      pare_box_add (&merged, dim, box->source_strides[i], box->target_strides[i]);
    }
  if (!merged.rank)
    pare_box_add (&merged, 1, 1, 1);
  return merged;
}

typedef struct
{
  guint64 low, high;
} Wide;

#define COPIES(type)                                                                                                   \
  static void copy_row_##type (gint64 n, const void *source, gint64 from, void *target, gint64 to)                     \
  {                                                                                                                    \
    const type *restrict x = source;                                                                                   \
    type *restrict y = target;                                                                                         \
    if (to == 1 && from == 0)                                                                                          \
      for (gint64 i = 0; i < n; i++)                                                                                   \
        y[i] = *x;                                                                                                     \
    else                                                                                                               \
      for (gint64 i = 0; i < n; i++)                                                                                   \
        y[i * to] = x[i * from];                                                                                       \
  }                                                                                                                    \
  /* Rows of the target (@to apart) are columns of the source (@from apart). */                                        \
  static void copy_tile_##type (gint64 rows, gint64 columns, const void *source, gint64 from, void *target, gint64 to) \
  {                                                                                                                    \
    const type *restrict x = source;                                                                                   \
    type *restrict y = target;                                                                                         \
    for (gint64 r = 0; r < rows; r++)                                                                                  \
      for (gint64 c = 0; c < columns; c++)                                                                             \
        y[r * to + c] = x[r + c * from];                                                                               \
  }
COPIES (guint8)
COPIES (guint16)
COPIES (guint32)
COPIES (guint64)
COPIES (Wide)

typedef struct
{
  void (*row) (gint64 n, const void *source, gint64 from, void *target, gint64 to);
  void (*tile) (gint64 rows, gint64 columns, const void *source, gint64 from, void *target, gint64 to);
} Copies;

static const Copies copies[] = {
  [1] = { copy_row_guint8, copy_tile_guint8 },   [2] = { copy_row_guint16, copy_tile_guint16 },
  [4] = { copy_row_guint32, copy_tile_guint32 }, [8] = { copy_row_guint64, copy_tile_guint64 },
  [16] = { copy_row_Wide, copy_tile_Wide },
};

/* A merged box, its outer axes counted as one loop, and one or two inner axes that a single call copies. */
typedef struct
{
  PareBox box;
  guint outer; /* number of outer axes, those before the inner ones */
  gboolean tiled;
  const guint8 *source;
  guint8 *target;
} Job;

static void
copy_plane (const Job *job, const guint8 *source, guint8 *target)
{
  const PareBox *box = &job->box;
  guint row = box->rank - 2, column = box->rank - 1;
  gint64 from = box->source_strides[column], to = box->target_strides[row];

  for (gint64 r = 0; r < box->dims[row]; r += TILE)
    for (gint64 c = 0; c < box->dims[column]; c += TILE)
      copies[box->size].tile (MIN (TILE, box->dims[row] - r), MIN (TILE, box->dims[column] - c),
                              source + (r + c * from) * box->size, from, target + (r * to + c) * box->size, to);
}

static void
copy_outer (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareBox *box = &job->box;
  guint last = box->rank - 1;
  gint64 length = box->dims[last];
  gboolean plain = !job->tiled && box->source_strides[last] == 1 && box->target_strides[last] == 1;

  for (gint64 i = from; i < to; i++)
    {
      gint64 source = 0, target = 0, rest = i;
      for (guint axis = job->outer; axis-- > 0; rest /= box->dims[axis])
        {
          source += rest % box->dims[axis] * box->source_strides[axis];
          target += rest % box->dims[axis] * box->target_strides[axis];
        }
      const guint8 *x = job->source + source * box->size;
      guint8 *y = job->target + target * box->size;
      if (job->tiled)
        copy_plane (job, x, y);
      else if (plain)
        memcpy (y, x, length * box->size);
      else
        copies[box->size].row (length, x, box->source_strides[last], y, box->target_strides[last]);
    }
}

/* Brings an axis along which the source is dense next to the last one, along which the target is. */
static gboolean
find_tiles (PareBox *box)
{
  guint last = box->rank - 1;

  if (box->rank < 2 || box->target_strides[last] != 1 || box->source_strides[last] <= 1)
    return FALSE;
  for (guint i = 0; i < last; i++)
    if (box->source_strides[i] == 1)
      {
        PareBox old = *box;
        box->rank = 0;
        for (guint axis = 0; axis <= last; axis++)
          if (axis != i && axis != last)
            pare_box_add (box, old.dims[axis], old.source_strides[axis], old.target_strides[axis]);
        pare_box_add (box, old.dims[i], old.source_strides[i], old.target_strides[i]);
        pare_box_add (box, old.dims[last], old.source_strides[last], old.target_strides[last]);
        return TRUE;
      }
  return FALSE;
}

void
pare_box_copy (const PareBox *box, gconstpointer source, gpointer target)
{
  Job job = { .source = source, .target = target };
  gint64 count = 1, inner = 1;

  g_assert (box->size < G_N_ELEMENTS (copies) && copies[box->size].row);
  for (guint i = 0; i < box->rank; i++)
    if (box->dims[i] == 0)
      return;
  job.box = merge (box);
  job.tiled = find_tiles (&job.box);
  job.outer = job.box.rank - (job.tiled ? 2 : 1);
  for (guint i = 0; i < job.outer; i++)
    count *= job.box.dims[i];
  for (guint i = job.outer; i < job.box.rank; i++)
    inner *= job.box.dims[i];
  pare_parallel (count, PARE_GRAIN / inner, copy_outer, &job);
}
