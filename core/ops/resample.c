/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Resampling along one axis: where an output lies in the input (ONNX operator Resize,
 * coordinate_transformation_mode), which positions around it count how much, and the weighted sums. */
#include "ops/resample.h"
#include "ops/parallel.h"
#include <math.h>
#include <string.h>

/* In float32, as the scale is: 4 / (4 / 3) is 3 again, and not a little less, which rounding would see. */
static double
half_pixel (const PareResampleAxis *axis, gint64 at)
{
  return (at + 0.5f) / axis->scale - 0.5f;
}

static double
half_pixel_symmetric (const PareResampleAxis *axis, gint64 at)
{
  double adjustment = axis->to / ((double)axis->scale * axis->from), centre = axis->from / 2.0;

  return centre * (1 - adjustment) + (at + 0.5) / axis->scale - 0.5;
}

static double
pytorch_half_pixel (const PareResampleAxis *axis, gint64 at)
{
  return axis->to > 1 ? half_pixel (axis, at) : 0;
}

static double
align_corners (const PareResampleAxis *axis, gint64 at)
{
  return axis->to > 1 ? at * (double)(axis->from - 1) / (axis->to - 1) : 0;
}

static double
asymmetric (const PareResampleAxis *axis, gint64 at)
{
  return at / axis->scale;
}

static double
tf_half_pixel (const PareResampleAxis *axis, gint64 at)
{
  return (at + 0.5f) / axis->scale;
}

static double
crop_and_resize (const PareResampleAxis *axis, gint64 at)
{
  double last = axis->from - 1;

  if (axis->to > 1)
    return axis->start * last + at * (double)(axis->end - axis->start) * last / (axis->to - 1);
  return 0.5 * ((double)axis->start + axis->end) * last;
}

static double
round_prefer_floor (double position)
{
  return ceil (position - 0.5);
}

static double
round_prefer_ceil (double position)
{
  return floor (position + 0.5);
}

static const struct
{
  const char *name;
  double (*position) (const PareResampleAxis *axis, gint64 at);
} positions[] = {
  { "half_pixel", half_pixel },
  { "half_pixel_symmetric", half_pixel_symmetric },
  { "asymmetric", asymmetric },
  { "pytorch_half_pixel", pytorch_half_pixel },
  { "align_corners", align_corners },
  { "tf_half_pixel_for_nn", tf_half_pixel },
  { "tf_crop_and_resize", crop_and_resize },
};

static const struct
{
  const char *name;
  double (*round) (double position);
} roundings[] = {
  { "round_prefer_floor", round_prefer_floor },
  { "round_prefer_ceil", round_prefer_ceil },
  { "floor", floor },
  { "ceil", ceil },
};

static const char *const kinds[] = { "nearest", "linear", "cubic" };

gboolean
pare_resample_set (PareResample *method, const char *mode, const char *coordinates, const char *rounding)
{
  guint kind = 0;

  while (kind < G_N_ELEMENTS (kinds) && strcmp (kinds[kind], mode))
    kind++;
  method->kind = kind;
  for (guint i = 0; i < G_N_ELEMENTS (positions); i++)
    if (strcmp (positions[i].name, coordinates) == 0)
      method->position = positions[i].position;
  for (guint i = 0; i < G_N_ELEMENTS (roundings); i++)
    if (strcmp (roundings[i].name, rounding) == 0)
      method->round = roundings[i].round;
  method->crop = method->position == crop_and_resize;
  return kind < G_N_ELEMENTS (kinds) && method->position && method->round;
}

gboolean
pare_resample_changes (const PareResample *method, const PareResampleAxis *axis)
{
  return axis->from != axis->to || axis->scale != 1 || (method->crop && (axis->start != 0 || axis->end != 1));
}

/* Of each of the axis's outputs @n positions and their weights; @outside where it is the value for outside instead. */
typedef struct
{
  guint n;
  gint64 *at;
  float *weights;
  gboolean *outside;
} Taps;

static void
taps_clear (Taps *taps)
{
  g_free (taps->at);
  g_free (taps->weights);
  g_free (taps->outside);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Taps, taps_clear)

/* Keys' cubic convolution; @t is the distance. */
static double
cubic_weight (double t, double a)
{
  t = fabs (t);
  return t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* How far apart the filter sees two neighbouring positions: less than 1 when it covers more of them. */
static double
filter_step (const PareResample *method, const PareResampleAxis *axis)
{
  gboolean wide = method->antialias && method->kind != PARE_RESAMPLE_NEAREST && axis->scale < 1;

  /* At least one output lies in the input: 1 / scale is at most its size. */
  return wide ? MAX (axis->scale, 1.0 / (axis->from + 1)) : 1;
}

static double
weight_of (const PareResample *method, double distance)
{
  switch (method->kind)
    {
    case PARE_RESAMPLE_LINEAR:
      return MAX (1 - fabs (distance), 0);
    case PARE_RESAMPLE_CUBIC:
      return cubic_weight (distance, method->cubic_a);
    default:
      return 1;
    }
}

static void
fill_taps (const PareResample *method, const PareResampleAxis *axis, gint64 output, Taps *taps)
{
  double position = method->position (axis, output), last = axis->from - 1, sum = 0, first;
  double step = filter_step (method, axis);
  gboolean exclude = method->exclude_outside && method->kind != PARE_RESAMPLE_NEAREST;
  float *weights = taps->weights + output * taps->n;

  taps->outside[output] = method->crop && (position < 0 || position > last);
  /* A hostile scale can put the position anywhere. */
  position = isfinite (position) ? CLAMP (position, -4, axis->from + 4.0) : 0;
  first = method->kind == PARE_RESAMPLE_NEAREST ? method->round (position) : floor (position) + 1 - taps->n / 2;
  for (guint i = 0; i < taps->n; i++)
    {
      double at = first + i;
      weights[i] = exclude && (at < 0 || at > last) ? 0 : weight_of (method, (position - at) * step);
      taps->at[output * taps->n + i] = CLAMP (at, 0, last);
      sum += weights[i];
    }
  for (guint i = 0; (exclude || step < 1) && sum != 0 && i < taps->n; i++)
    weights[i] /= sum;
}

static Taps
taps_new (const PareResample *method, const PareResampleAxis *axis)
{
  guint reach = method->kind == PARE_RESAMPLE_CUBIC ? 2 : 1;
  gsize to = MAX (axis->to, 1);
  Taps taps = { .n = method->kind == PARE_RESAMPLE_NEAREST ? 1 : 2 * (guint)ceil (reach / filter_step (method, axis)) };

  taps.at = g_new (gint64, to * taps.n);
  taps.weights = g_new (float, to *taps.n);
  taps.outside = g_new (gboolean, to);
  for (gint64 i = 0; i < axis->to; i++)
    fill_taps (method, axis, i, &taps);
  return taps;
}

typedef struct
{
  const PareResample *method;
  const PareResampleAxis *axis;
  const Taps *taps;
  const float *x;
  float *y;
} Job;

/* Output positions [from, to) of all outer ones. */
static void
sum_taps (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  gint64 inner = job->axis->inner;
  guint n = job->taps->n;

  for (gint64 row = from; row < to; row++)
    {
      gint64 output = row % job->axis->to;
      const gint64 *at = job->taps->at + output * n;
      const float *weights = job->taps->weights + output * n;
      gboolean outside = job->taps->outside[output];
      const float *restrict x = job->x + row / job->axis->to * job->axis->from * inner;
      float *restrict y = job->y + row * inner;
      for (gint64 i = 0; i < inner; i++)
        y[i] = outside ? job->method->outside : x[at[0] * inner + i] * weights[0];
      for (guint k = 1; !outside && k < n; k++)
        for (gint64 i = 0; i < inner; i++)
          y[i] += x[at[k] * inner + i] * weights[k];
    }
}

float *
pare_resample (const PareResample *method, const PareResampleAxis *axis, gint64 outer, const float *x)
{
  g_auto (Taps) taps = taps_new (method, axis);
  Job job = { method, axis, &taps, x, g_new (float, MAX (outer * axis->to * axis->inner, 1)) };

  pare_parallel (outer * axis->to, PARE_GRAIN / 4 / MAX (axis->inner, 1), sum_taps, &job);
  return job.y;
}

/* All positions of the outer ones [from, to): what each read is given its share. */
static void
share_out (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareResampleAxis *axis = job->axis;
  gint64 inner = axis->inner;
  guint n = job->taps->n;

  for (gint64 row = from * axis->to; row < to * axis->to; row++)
    {
      gint64 output = row % axis->to;
      const gint64 *at = job->taps->at + output * n;
      const float *weights = job->taps->weights + output * n;
      const float *restrict dy = job->x + row * inner;
      float *restrict dx = job->y + row / axis->to * axis->from * inner;
      for (guint k = 0; !job->taps->outside[output] && k < n; k++)
        for (gint64 i = 0; i < inner; i++)
          dx[at[k] * inner + i] += dy[i] * weights[k];
    }
}

float *
pare_resample_transposed (const PareResample *method, const PareResampleAxis *axis, gint64 outer, const float *dy)
{
  g_auto (Taps) taps = taps_new (method, axis);
  Job job = { method, axis, &taps, dy, g_new0 (float, MAX (outer * axis->from * axis->inner, 1)) };

  pare_parallel (outer, PARE_GRAIN / 4 / MAX (axis->to * axis->inner, 1), share_out, &job);
  return job.y;
}
