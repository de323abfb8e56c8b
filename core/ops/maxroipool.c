/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MaxRoiPool (Girshick, Fast R-CNN, 2015; ONNX operator of that name): each region of an image is divided into bins, of
 * which the largest value is taken; 0 where a bin is empty. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include <math.h>

typedef struct
{
  gint64 channels, height, width, rows, columns;
  float scale;
  const float *x, *regions;
  float *y;
} Job;

static gboolean
pool_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *regions = &infer->inputs[1].shape;
  guint n;
  const gint64 *pooled = pare_node_get_ints (infer->node, "pooled_shape", &n);

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error) || !pare_infer_require_rank (infer, 0, 4, error)
      || !pare_infer_require_rank (infer, 1, 2, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, { .rank = 4, .dims = { regions->dims[0], x->dims[1] } } };
  if (regions->dims[1] == 5 && pooled && n == 2 && pooled[0] >= 1 && pooled[1] >= 1)
    {
      infer->outputs[0].shape.dims[2] = pooled[0];
      infer->outputs[0].shape.dims[3] = pooled[1];
      if (pare_shape_elements (&infer->outputs[0].shape) >= 0)
        return TRUE;
    }
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "its regions are no rows of 5 numbers, or pooled_shape is impossible.");
  return FALSE;
}

/* A region's end in pixels, within the range that integers hold. */
static gint64
to_pixel (const Job *job, float place)
{
  double pixel = round ((double)place * job->scale);

  return pixel == pixel ? (gint64)CLAMP (pixel, -1e9, 1e9) : 0;
}

/* Pixels [*from, *to) of bin @at of @n in a region from @first to @last. */
static void
bin_of (gint64 at, gint64 n, gint64 first, gint64 last, gint64 size, gint64 *from, gint64 *to)
{
  double step = (double)MAX (last - first + 1, 1) / n;

  *from = CLAMP ((gint64)floor (at * step) + first, 0, size);
  *to = CLAMP ((gint64)ceil ((at + 1) * step) + first, 0, size);
}

/* Rows [from, to) of [region, channel]. */
static void
pool_planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 i = from; i < to; i++)
    {
      const float *region = job->regions + i / job->channels * 5;
      const float *plane = job->x + ((gint64)region[0] * job->channels + i % job->channels) * job->height * job->width;
      for (gint64 o = 0; o < job->rows * job->columns; o++)
        {
          gint64 top, bottom, left, right;
          float largest = -INFINITY;
          bin_of (o / job->columns, job->rows, to_pixel (job, region[2]), to_pixel (job, region[4]), job->height, &top,
                  &bottom);
          bin_of (o % job->columns, job->columns, to_pixel (job, region[1]), to_pixel (job, region[3]), job->width,
                  &left, &right);
          for (gint64 row = top; row < bottom; row++)
            for (gint64 column = left; column < right; column++)
              largest = MAX (largest, plane[row * job->width + column]);
          job->y[i * job->rows * job->columns + o] = bottom > top && right > left ? largest : 0;
        }
    }
}

static gboolean
pool_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape, *y = &kernel->outputs[0].shape;
  const float *regions = kernel->inputs[1].data;
  Job job = { x->dims[1], x->dims[2], x->dims[3],
              y->dims[2], y->dims[3], pare_node_get_float (kernel->node, "spatial_scale", 1) };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, pool_forward, error);
  for (gint64 i = 0; i < y->dims[0]; i++)
    if (!(regions[i * 5] >= 0 && regions[i * 5] < x->dims[0]))
      {
        pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                         "region %" G_GINT64_FORMAT " is of image %g of %" G_GINT64_FORMAT ".", i, regions[i * 5],
                         x->dims[0]);
        return FALSE;
      }
  job.x = kernel->inputs[0].data;
  job.regions = regions;
  job.y = kernel->outputs[0].data;
  pare_parallel (y->dims[0] * y->dims[1], 1, pool_planes, &job);
  return TRUE;
}

PARE_OPERATORS (maxroipool) = {
  { .name = "MaxRoiPool", .infer = pool_infer, .forward = pool_forward },
  { NULL },
};
