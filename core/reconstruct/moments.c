/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sums over the rows of a layer's patches: in double precision and in the order of the samples. */
#include "reconstruct/moments.h"
#include "ops/compute.h"
#include "linalg/linalg.h"
#include <math.h>
#include <string.h>

/* Rows that are gathered before they are multiplied: enough for the matrix product to pay, little enough for the cache.
 */
#define CHUNK 1024

PareMoments *
pare_moments_new (const PareLayerMatrix *matrix)
{
  PareMoments *moments = g_new0 (PareMoments, 1);
  gsize groups = matrix->groups, outputs = groups * matrix->outputs, columns = matrix->columns;

  moments->groups = matrix->groups;
  moments->outputs = matrix->outputs;
  moments->columns = matrix->columns;
  moments->x = g_new0 (double, groups *columns);
  moments->xx = g_new0 (double, groups *columns *columns);
  moments->y = g_new0 (double, outputs);
  moments->yx = g_new0 (double, outputs *columns);
  moments->yy = g_new0 (double, outputs);
  return moments;
}

void
pare_moments_free (PareMoments *moments)
{
  g_free (moments->x);
  g_free (moments->xx);
  g_free (moments->y);
  g_free (moments->yx);
  g_free (moments->yy);
  g_free (moments);
}

/* Columns [@first, @first + @width) of @rows. */
static double *
take_columns (const double *rows, gint64 n, gint64 stride, gint64 first, gint64 width)
{
  double *columns = g_new (double, n *width);

  for (gint64 r = 0; r < n; r++)
    memcpy (columns + r * width, rows + r * stride + first, width * sizeof *columns);
  return columns;
}

static void
add_sums (double *sums, const double *rows, gint64 n, gint64 width)
{
  for (gint64 r = 0; r < n; r++)
    for (gint64 c = 0; c < width; c++)
      sums[c] += rows[r * width + c];
}

static void
add_squares (double *sums, const double *rows, gint64 n, gint64 width)
{
  for (gint64 r = 0; r < n; r++)
    for (gint64 c = 0; c < width; c++)
      sums[c] += rows[r * width + c] * rows[r * width + c];
}

static void
add_group (PareMoments *moments, gint64 group, gint64 n, const double *x, const double *y)
{
  gint64 k = moments->columns, outputs = moments->outputs;
  double *xx = moments->xx + group * k * k, *yx = moments->yx + group * outputs * k;

  add_sums (moments->x + group * k, x, n, k);
  add_sums (moments->y + group * outputs, y, n, outputs);
  add_squares (moments->yy + group * outputs, y, n, outputs);
  pare_linalg_gemm (TRUE, FALSE, k, k, n, 1, x, x, 1, xx);
  pare_linalg_gemm (TRUE, FALSE, outputs, k, n, 1, y, x, 1, yx);
}

void
pare_moments_add (PareMoments *moments, gint64 n, const double *x, const double *y)
{
  gint64 groups = moments->groups, k = moments->columns, outputs = moments->outputs;

  moments->rows += n;
  for (gint64 g = 0; g < groups; g++)
    {
      g_autofree double *x_group = take_columns (x, n, groups * k, g * k, k);
      g_autofree double *y_group = take_columns (y, n, groups * outputs, g * outputs, outputs);
      add_group (moments, g, n, x_group, y_group);
    }
}

/* One batch of both networks. */
typedef struct
{
  PareMoments *moments;
  const PareLayerMatrix *matrix;
  const ParePatches *patches;
  const PareNode *layer;
  PareTensor *x, *y;
  gint64 samples, rows;
} Batch;

static gboolean
widen (const Batch *batch, gint64 n, const float *from, double *to, const char *what, GError **error)
{
  double sum = 0;

  for (gint64 i = 0; i < n; i++)
    sum += (to[i] = from[i]) * 0.0;
  if (sum == 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, batch->layer,
                   "%s is not finite for some of the samples: look at these, or leave the layer alone.", what);
  return FALSE;
}

static gboolean
add_rows (const Batch *batch, gint64 n, const gint64 *rows, GError **error)
{
  const PareLayerMatrix *matrix = batch->matrix;
  gint64 channels = matrix->groups * matrix->inputs, width = channels * matrix->taps;
  gint64 outputs = matrix->groups * matrix->outputs;
  g_autofree float *values = g_new (float, n *MAX (width, outputs));
  g_autofree double *x = g_new (double, n *width), *y = g_new (double, n *outputs);

  pare_patches_read (batch->patches, pare_tensor_data (batch->x), 0, channels, n, rows, values);
  if (!widen (batch, n * width, values, x, "what it reads", error))
    return FALSE;
  pare_patches_read_output (batch->patches, pare_tensor_data (batch->y), 0, outputs, n, rows, values);
  if (!widen (batch, n * outputs, values, y, "what it should compute", error))
    return FALSE;
  pare_moments_add (batch->moments, n, x, y);
  return TRUE;
}

/* Of each sample every so manieth position, another one first each time, so that no place is left out. */
static gboolean
add_batch (gpointer data, GError **error)
{
  const Batch *batch = data;
  gint64 positions = pare_patches_per_sample (batch->patches);
  gint64 step = batch->rows > 0 ? (positions + batch->rows - 1) / batch->rows : 1;
  gint64 total = positions * batch->samples;
  gint64 rows[CHUNK], n = 0;

  for (gint64 s = 0; s < batch->samples; s++)
    for (gint64 p = s % step; p < positions; p += step)
      {
        rows[n++] = s * positions + p;
        if (n < CHUNK)
          continue;
        if (!add_rows (batch, n, rows, error))
          return FALSE;
        n = 0;
      }
  g_assert (n <= total);
  return n == 0 || add_rows (batch, n, rows, error);
}

static gboolean
collect_batch (Batch *batch, PareWalk *student, const PareOutputTarget *target, guint index, GError **error)
{
  guint valid;
  g_autoptr (GPtrArray) known = pare_walk_get (student, index, &valid, error);
  g_autoptr (GPtrArray) wanted = known ? pare_walk_get (target->teacher, index, &valid, error) : NULL;
  g_autoptr (PareTensor) y = NULL;
  g_autoptr (ParePatches) patches = NULL;
  guint axis = wanted && batch->matrix->trait.channels_last ? ((PareTensor *)wanted->pdata[0])->shape.rank - 1 : 1;

  if (!wanted)
    return FALSE;
  y = pare_target_compute (target, batch->layer, axis, wanted->pdata[0], target->minus ? known->pdata[1] : NULL, error);
  if (!y)
    return FALSE;
  batch->x = known->pdata[0];
  batch->y = y;
  if (batch->x->type != PARE_FLOAT32)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, batch->layer, "it does not compute in float32.");
      return FALSE;
    }
  patches = pare_patches_new (batch->layer, &batch->x->shape, &batch->matrix->shape, &batch->y->shape, error);
  if (!patches)
    return FALSE;
  batch->patches = patches;
  batch->samples = batch->x->shape.dims[0] * valid / MAX (pare_walk_batch_size (student), 1);
  return pare_compute (add_batch, batch, error);
}

PareMoments *
pare_moments_collect_for (const PareLayerMatrix *matrix, PareNode *layer, PareWalk *student,
                          const PareOutputTarget *target, gint64 rows, GError **error)
{
  g_autoptr (PareMoments) moments = pare_moments_new (matrix);
  Batch batch = { .moments = moments, .matrix = matrix, .layer = layer, .rows = rows };
  guint n = pare_walk_batches (student);
  PareValue *known[] = { pare_node_input (layer, 0), target->minus };

  if (!pare_walk_ask (student, target->minus ? 2 : 1, known, error)
      || !pare_walk_ask (target->teacher, 1, &target->value, error))
    return NULL;
  for (guint i = 0; i < n; i++)
    if (!collect_batch (&batch, student, target, i, error))
      return NULL;
  return g_steal_pointer (&moments);
}

PareMoments *
pare_moments_collect (const PareLayerMatrix *matrix, PareNode *layer, PareWalk *student, PareNode *counterpart,
                      PareWalk *teacher, gint64 rows, GError **error)
{
  PareOutputTarget target = { .teacher = teacher, .value = pare_node_output (counterpart, 0) };

  return pare_moments_collect_for (matrix, layer, student, &target, rows, error);
}
