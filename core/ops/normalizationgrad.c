/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LayerNormalizationGrad and InstanceNormalizationGrad (dy, x, scale): the gradients by x, scale and shift. With
 * h = (x - mean) / deviation and g = dy scale, dx = (g - mean (g) - h mean (g h)) / deviation. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

/* So many rows add up their gradients by scale and shift in float32 before they go into the sum in float64. */
#define PIECE 64
#define LANES 16

/* Rows of @n numbers. A row's scale is an array of @n, or with @channels one number per row, in turns. */
typedef struct
{
  gint64 rows, n, channels;
  float epsilon;
  const float *dy, *x, *scale;
  float *dx;
  float *dscale, *dshift; /* per piece [n], or with @channels per row one number */
} Job;

typedef struct
{
  float mean, inverse;
} Moments;

PARE_INLINE Moments
moments_of (const float *x, gint64 n, float epsilon)
{
  double lanes[LANES] = { 0 }, sum = 0, squares = 0;
  gint64 i = 0;
  float mean;

  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] += x[i + lane];
  for (; i < n; i++)
    sum += x[i];
  for (int lane = 0; lane < LANES; lane++)
    {
      sum += lanes[lane];
      lanes[lane] = 0;
    }
  mean = sum / n;
  for (i = 0; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] += (x[i + lane] - mean) * (x[i + lane] - mean);
  for (; i < n; i++)
    squares += (x[i] - mean) * (x[i] - mean);
  for (int lane = 0; lane < LANES; lane++)
    squares += lanes[lane];
  return (Moments){ mean, 1 / sqrt (squares / n + epsilon) };
}

typedef struct
{
  double g, product; /* sums of g and g h */
} Sums;

/* @step is 0 when the row has one scale for all. */
PARE_INLINE Sums
sums_of (const float *dy, const float *x, const float *scale, gint64 step, gint64 n, Moments m)
{
  double g_lanes[LANES] = { 0 }, product_lanes[LANES] = { 0 };
  Sums sums = { 0, 0 };
  gint64 i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      {
        float g = dy[i + lane] * scale[(i + lane) * step];
        g_lanes[lane] += g;
        product_lanes[lane] += g * ((x[i + lane] - m.mean) * m.inverse);
      }
  for (; i < n; i++)
    {
      float g = dy[i] * scale[i * step];
      sums.g += g;
      sums.product += g * ((x[i] - m.mean) * m.inverse);
    }
  for (int lane = 0; lane < LANES; lane++)
    {
      sums.g += g_lanes[lane];
      sums.product += product_lanes[lane];
    }
  return sums;
}

PARE_INLINE void
write_row (const float *restrict dy, const float *restrict x, const float *restrict scale, gint64 step, gint64 n,
           Moments m, Sums sums, float *restrict dx)
{
  float g_mean = sums.g / n, product_mean = sums.product / n;

  for (gint64 i = 0; i < n; i++)
    dx[i] = (dy[i] * scale[i * step] - g_mean - (x[i] - m.mean) * m.inverse * product_mean) * m.inverse;
}

/* Pieces [from, to) of rows that share a scale per element. */
static PARE_VECTOR void
layer_pieces (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  gint64 n = job->n;

  for (gint64 row = from * PIECE; row < MIN (job->rows, to * PIECE); row++)
    {
      const float *restrict dy = job->dy + row * n, *restrict x = job->x + row * n;
      float *restrict dscale = job->dscale + row / PIECE * n, *restrict dshift = job->dshift + row / PIECE * n;
      Moments m = moments_of (x, n, job->epsilon);
      write_row (dy, x, job->scale, 1, n, m, sums_of (dy, x, job->scale, 1, n, m), job->dx + row * n);
      for (gint64 i = 0; i < n; i++)
        {
          dscale[i] += dy[i] * ((x[i] - m.mean) * m.inverse);
          dshift[i] += dy[i];
        }
    }
}

/* Rows [from, to), each with one scale. */
static PARE_VECTOR void
instance_rows (gint64 from, gint64 to, gconstpointer data)
{
  static const float one = 1;
  const Job *job = data;
  gint64 n = job->n;

  for (gint64 row = from; row < to; row++)
    {
      const float *dy = job->dy + row * n, *x = job->x + row * n, *scale = job->scale + row % job->channels;
      Moments m = moments_of (x, n, job->epsilon);
      Sums plain = sums_of (dy, x, &one, 0, n, m), scaled = { plain.g * *scale, plain.product * *scale };
      write_row (dy, x, scale, 0, n, m, scaled, job->dx + row * n);
      job->dscale[row] = plain.product;
      job->dshift[row] = plain.g;
    }
}

/* Sums [pieces, n] over the pieces. */
static void
add_up (const float *parts, gint64 pieces, gint64 n, float *sums)
{
  for (gint64 i = 0; i < n; i++)
    {
      double sum = 0;
      for (gint64 piece = 0; piece < pieces; piece++)
        sum += parts[piece * n + i];
      sums[i] = sum;
    }
}

static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[1].shape;
  gboolean layer = g_str_equal (infer->node->op_type, "LayerNormalizationGrad");
  guint axis = 1;

  if (!pare_infer_counts (infer, 3, 3, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!pare_infer_require_float32 (infer, i, error))
      return FALSE;
  if (layer && !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", -1), x->rank, &axis, error))
    return FALSE;
  if (!pare_shape_equal (&infer->inputs[0].shape, x) || !pare_infer_wants (infer, 1) || !pare_infer_wants (infer, 2)
      || x->rank < (layer ? 1 : 2)
      || pare_shape_elements (&infer->inputs[2].shape) != pare_shape_span (x, axis, layer ? x->rank : 2))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its inputs and outputs do not fit each other.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[1];
  infer->outputs[1] = infer->outputs[2] = infer->inputs[2];
  return TRUE;
}

static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[1].shape;
  gboolean layer = g_str_equal (kernel->node->op_type, "LayerNormalizationGrad");
  gint64 pieces, width;
  g_autofree float *parts = NULL;
  Job job = { .epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f),
              .dy = kernel->inputs[0].data,
              .x = kernel->inputs[1].data,
              .scale = kernel->inputs[2].data,
              .dx = kernel->outputs[0].data };
  guint axis = 2;

  if (layer)
    pare_axis_normalize (pare_node_get_int (kernel->node, "axis", -1), x->rank, &axis);
  job.rows = pare_shape_span (x, 0, axis);
  job.n = pare_shape_span (x, axis, x->rank);
  job.channels = layer ? 0 : x->dims[1];
  width = layer ? job.n : MAX (job.channels, 1);
  pieces = layer ? (job.rows + PIECE - 1) / PIECE : job.rows / width;
  parts = g_new0 (float, 2 * pieces * width + 1);
  job.dscale = parts;
  job.dshift = parts + pieces * width;
  if (layer)
    pare_parallel (pieces, 1, layer_pieces, &job);
  else
    pare_parallel (job.rows, PARE_GRAIN / 4 / MAX (job.n, 1), instance_rows, &job);
  add_up (job.dscale, pieces, width, kernel->outputs[1].data);
  add_up (job.dshift, pieces, width, kernel->outputs[2].data);
  return TRUE;
}

PARE_OPERATORS (normalizationgrad) = {
  { .name = "LayerNormalizationGrad", .domain = PARE_DOMAIN, .infer = gradient_infer, .forward = gradient_forward },
  { .name = "InstanceNormalizationGrad", .domain = PARE_DOMAIN, .infer = gradient_infer, .forward = gradient_forward },
  { NULL },
};
