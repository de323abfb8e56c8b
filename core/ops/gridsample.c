/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GridSample (Jaderberg et al., Spatial Transformer Networks, 2015; ONNX operator of that name): an image or volume
 * read at the places that a grid names, in [-1, 1], by nearest, linear or cubic interpolation along each axis. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include <math.h>
#include <string.h>

#define MOST_AXES 3

typedef enum
{
  NEAREST,
  LINEAR,
  CUBIC,
} Mode;

typedef enum
{
  ZEROS,
  BORDER,
  REFLECTION,
} Padding;

typedef struct
{
  const char *name;
  int value;
} Word;

/* Version 16 knew images alone, and named the modes after them. */
static const Word modes[] = { { "linear", LINEAR }, { "bilinear", LINEAR }, { "nearest", NEAREST },
                              { "cubic", CUBIC },   { "bicubic", CUBIC },   { NULL, -1 } };
static const Word paddings[] = { { "zeros", ZEROS }, { "border", BORDER }, { "reflection", REFLECTION }, { NULL, -1 } };

/* @sizes of the spatial axes, of which there are @n, outermost first. */
typedef struct
{
  gint64 channels, sizes[MOST_AXES], volume, places;
  guint n;
  Mode mode;
  Padding padding;
  gboolean aligned;
  const float *x, *grid;
  float *y;
} Job;

/* What attribute @name says, of the first word when it is absent; -1 when it is none of them. */
static int
find_word (const PareNode *node, const char *name, const Word *words)
{
  g_autofree char *word = pare_node_get_string (node, name);

  if (!word)
    return words->value;
  while (words->name && strcmp (words->name, word))
    words++;
  return words->value;
}

static gboolean
gridsample_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *grid = &infer->inputs[1].shape;
  gboolean fits;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error)
      || !pare_infer_require_rank (infer, 1, x->rank, error))
    return FALSE;
  fits = x->rank >= 3 && x->rank <= 2 + MOST_AXES && grid->dims[0] == x->dims[0]
         && grid->dims[x->rank - 1] == x->rank - 2 && find_word (infer->node, "mode", modes) >= 0
         && find_word (infer->node, "padding_mode", paddings) >= 0;
  for (guint i = 2; fits && i < x->rank; i++)
    fits = x->dims[i] >= 1;
  if (!fits)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its grid does not fit its image, or its mode is unknown.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  for (guint i = 2; i < x->rank; i++)
    infer->outputs[0].shape.dims[i] = grid->dims[i - 1];
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
pixel (const Job *job, const float *plane, const double *at)
{
  gint64 index = 0;

  for (guint i = 0; i < job->n; i++)
    {
      double place = job->padding == REFLECTION ? reflect (job, at[i], job->sizes[i]) : at[i];
      if (job->padding == ZEROS && !(place >= 0 && place <= job->sizes[i] - 1))
        return 0;
      index = index * job->sizes[i] + (gint64)fmin (fmax (place, 0), job->sizes[i] - 1);
    }
  return plane[index];
}

/* Weights of the pixels around a place that is @t behind one of them; the first of them is returned, as an offset. */
static int
taps_of (const Job *job, double t, double weights[4], guint *n)
{
  const double a = -0.75;

  if (job->mode == LINEAR)
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

/* The sum over all combinations of taps. */
static float
interpolate (const Job *job, const float *plane, const double *at)
{
  double weights[MOST_AXES][4], sum = 0;
  guint n = 1, all = 1;
  int first = 0;

  for (guint i = 0; i < job->n; i++, all *= n)
    first = taps_of (job, at[i] - floor (at[i]), weights[i], &n);
  for (guint k = 0; k < all; k++)
    {
      double place[MOST_AXES], weight = 1;
      guint rest = k;
      for (guint i = job->n; i-- > 0; rest /= n)
        {
          place[i] = floor (at[i]) + first + rest % n;
          weight *= weights[i][rest % n];
        }
      sum += weight * pixel (job, plane, place);
    }
  return sum;
}

/* Where the grid says to read, in pixels; its last axis names the innermost of the image first. Cubic weights are those
 * of the place itself, even beyond the border. */
static void
place_of (const Job *job, const float *grid, double at[MOST_AXES])
{
  for (guint i = 0; i < job->n; i++)
    {
      gint64 size = job->sizes[i];
      at[i] = to_pixel (job, grid[job->n - 1 - i], size);
      if (job->padding == BORDER && job->mode != CUBIC)
        at[i] = CLAMP (at[i], 0, size - 1);
      else if (job->padding == REFLECTION)
        at[i] = reflect (job, at[i], size);
      if (job->mode == NEAREST)
        at[i] = nearbyint (at[i]);
    }
}

/* Planes [from, to) of [batch, channels]. */
static void
sample_planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 plane = from; plane < to; plane++)
    for (gint64 i = 0; i < job->places; i++)
      {
        const float *x = job->x + plane * job->volume;
        double at[MOST_AXES];
        place_of (job, job->grid + (plane / job->channels * job->places + i) * job->n, at);
        job->y[plane * job->places + i] = job->mode == NEAREST ? pixel (job, x, at) : interpolate (job, x, at);
      }
}

static gboolean
gridsample_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape, *y = &kernel->outputs[0].shape;
  Job job = { .channels = x->dims[1],
              .volume = pare_shape_span (x, 2, x->rank),
              .places = pare_shape_span (y, 2, y->rank),
              .n = x->rank - 2 };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, gridsample_forward, error);
  memcpy (job.sizes, x->dims + 2, job.n * sizeof *job.sizes);
  job.mode = find_word (kernel->node, "mode", modes);
  job.padding = find_word (kernel->node, "padding_mode", paddings);
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
