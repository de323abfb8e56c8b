/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GridSample (Jaderberg et al., Spatial Transformer Networks, 2015): an image read at the places that a grid names, in
 * [-1, 1], by nearest, bilinear or bicubic interpolation. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include <math.h>

static const char *const modes[] = { "nearest", "bilinear", "bicubic", NULL };
static const char *const paddings[] = { "zeros", "border", "reflection", NULL };

enum
{
  NEAREST,
  BILINEAR,
  BICUBIC,
};

enum
{
  ZEROS,
  BORDER,
  REFLECTION,
};

typedef struct
{
  gint64 channels, height, width, places;
  int mode, padding;
  gboolean aligned;
  const float *x, *grid;
  float *y;
} Job;

/* Index of attribute @name in @words, of its first when it is absent; -1 when it is none of them. */
static int
find_word (const PareNode *node, const char *name, const char *fallback, const char *const *words)
{
  g_autofree char *word = pare_node_get_string (node, name);

  for (int i = 0; words[i]; i++)
    if (g_str_equal (words[i], word ? word : fallback))
      return i;
  return -1;
}

static gboolean
gridsample_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *grid = &infer->inputs[1].shape;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error) || !pare_infer_require_rank (infer, 0, 4, error)
      || !pare_infer_require_rank (infer, 1, 4, error))
    return FALSE;
  if (grid->dims[0] != x->dims[0] || grid->dims[3] != 2 || x->dims[2] < 1 || x->dims[3] < 1
      || find_word (infer->node, "mode", "bilinear", modes) < 0
      || find_word (infer->node, "padding_mode", "zeros", paddings) < 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its grid does not fit its image, or its mode is unknown.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  infer->outputs[0].shape.dims[2] = grid->dims[1];
  infer->outputs[0].shape.dims[3] = grid->dims[2];
  return TRUE;
}

/* From [-1, 1] to pixels. */
static double
to_pixel (const Job *job, double place, gint64 size)
{
  return job->aligned ? (place + 1) / 2 * (size - 1) : ((place + 1) * size - 1) / 2;
}

/* Folds @at into the pixels' extent, as between two mirrors. */
static double
reflect (const Job *job, double at, gint64 size)
{
  double low = job->aligned ? 0 : -0.5, span = job->aligned ? size - 1 : size, folded;

  if (!(span > 0) || !isfinite (at))
    return 0;
  folded = fmod (fabs (at - low), 2 * span);
  return (folded > span ? 2 * span - folded : folded) + low;
}

/* A pixel of the padded image. fmin and fmax bring even a place that is no number into it. */
static float
pixel (const Job *job, const float *plane, double row, double column)
{
  if (job->padding == REFLECTION)
    {
      row = reflect (job, row, job->height);
      column = reflect (job, column, job->width);
    }
  else if (job->padding == ZEROS && !(row >= 0 && row <= job->height - 1 && column >= 0 && column <= job->width - 1))
    return 0;
  return plane[(gint64)fmin (fmax (row, 0), job->height - 1) * job->width
               + (gint64)fmin (fmax (column, 0), job->width - 1)];
}

/* Weights of the pixels around a place that is @t behind one of them; the first of them is returned, as an offset. */
static int
taps_of (const Job *job, double t, double weights[4], int *n)
{
  const double a = -0.75;

  if (job->mode == BILINEAR)
    {
      *n = 2;
      weights[0] = 1 - t;
      weights[1] = t;
      return 0;
    }
  *n = 4;
  for (int i = 0; i < 4; i++)
    {
      double d = fabs (t - (i - 1));
      weights[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
  return -1;
}

static float
sample (const Job *job, const float *plane, double row, double column)
{
  double by_row[4], by_column[4], sum = 0;
  int n, first;

  if (job->mode == NEAREST)
    return pixel (job, plane, nearbyint (row), nearbyint (column));
  first = taps_of (job, row - floor (row), by_row, &n);
  taps_of (job, column - floor (column), by_column, &n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      sum += by_row[i] * by_column[j] * pixel (job, plane, floor (row) + first + i, floor (column) + first + j);
  return sum;
}

/* Planes [from, to) of [batch, channels]. */
static void
sample_planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 plane = from; plane < to; plane++)
    for (gint64 i = 0; i < job->places; i++)
      {
        const float *place = job->grid + (plane / job->channels * job->places + i) * 2;
        double column = to_pixel (job, place[0], job->width), row = to_pixel (job, place[1], job->height);
        if (job->padding == BORDER)
          {
            column = CLAMP (column, 0, job->width - 1);
            row = CLAMP (row, 0, job->height - 1);
          }
        else if (job->padding == REFLECTION)
          {
            column = reflect (job, column, job->width);
            row = reflect (job, row, job->height);
          }
        job->y[plane * job->places + i] = sample (job, job->x + plane * job->height * job->width, row, column);
      }
}

static gboolean
gridsample_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape;
  Job job = { x->dims[1], x->dims[2], x->dims[3], pare_shape_span (&kernel->outputs[0].shape, 2, 4) };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, gridsample_forward, error);
  job.mode = find_word (kernel->node, "mode", "bilinear", modes);
  job.padding = find_word (kernel->node, "padding_mode", "zeros", paddings);
  job.aligned = pare_node_get_int (kernel->node, "align_corners", 0) != 0;
  job.x = kernel->inputs[0].data;
  job.grid = kernel->inputs[1].data;
  job.y = kernel->outputs[0].data;
  pare_parallel (x->dims[0] * job.channels, MAX (PARE_GRAIN / 64 / MAX (job.places, 1), 1), sample_planes, &job);
  return TRUE;
}

PARE_OPERATORS (gridsample) = {
  { .name = "GridSample", .since = 16, .infer = gridsample_infer, .forward = gridsample_forward },
  { NULL },
};
