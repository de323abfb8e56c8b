/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Resampling along one axis: where an output lies in the input (ONNX operator Resize,
 * coordinate_transformation_mode), which positions around it count how much, and the weighted sums. */
#include "ops/resample.h"
#include "ops/parallel.h"
#include <math.h>
#include <string.h>

#define MAX_TAPS 4

static double
half_pixel (const PareResampleAxis *axis, gint64 at)
{
  return (at + 0.5) / axis->scale - 0.5;
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
  return at / (double)axis->scale;
}

static double
tf_half_pixel (const PareResampleAxis *axis, gint64 at)
{
  return (at + 0.5) / axis->scale;
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

typedef struct
{
  gint64 at[MAX_TAPS];
  float weight[MAX_TAPS];
  gboolean outside;
} Taps;

/* Keys' cubic convolution; @t is the distance. */
static double
cubic_weight (double t, double a)
{
  t = fabs (t);
  return t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

static Taps
taps_of (const PareResample *method, const PareResampleAxis *axis, gint64 output)
{
  double position = method->position (axis, output), last = axis->from - 1, sum = 0;
  guint n = 1u << method->kind;
  Taps taps = { .outside = method->crop && (position < 0 || position > last) };
  double first;

  /* A hostile scale can put the position anywhere. */
  position = isfinite (position) ? CLAMP (position, -4, axis->from + 4.0) : 0;
  first = method->kind == PARE_RESAMPLE_NEAREST ? method->round (position) : floor (position) + 1 - n / 2;
  for (guint i = 0; i < n; i++)
    {
      double at = first + i, distance = position - at;
      taps.weight[i] = n == 1 ? 1 : n == 2 ? 1 - fabs (distance) : cubic_weight (distance, method->cubic_a);
      if (method->exclude_outside && n == 4 && (at < 0 || at > last))
        taps.weight[i] = 0;
      taps.at[i] = CLAMP (at, 0, last);
      sum += taps.weight[i];
    }
  for (guint i = 0; method->exclude_outside && n == 4 && sum != 0 && i < n; i++)
    taps.weight[i] /= sum;
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
  guint n = 1u << job->method->kind;

  for (gint64 row = from; row < to; row++)
    {
      const Taps *taps = &job->taps[row % job->axis->to];
      const float *restrict x = job->x + row / job->axis->to * job->axis->from * inner;
      float *restrict y = job->y + row * inner;
      for (gint64 i = 0; i < inner; i++)
        y[i] = taps->outside ? job->method->outside : x[taps->at[0] * inner + i] * taps->weight[0];
      for (guint k = 1; !taps->outside && k < n; k++)
        for (gint64 i = 0; i < inner; i++)
          y[i] += x[taps->at[k] * inner + i] * taps->weight[k];
    }
}

float *
pare_resample (const PareResample *method, const PareResampleAxis *axis, gint64 outer, const float *x)
{
  g_autofree Taps *taps = g_new (Taps, MAX (axis->to, 1));
  Job job = { method, axis, taps, x, g_new (float, MAX (outer * axis->to * axis->inner, 1)) };

  for (gint64 i = 0; i < axis->to; i++)
    taps[i] = taps_of (method, axis, i);
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
  guint n = 1u << job->method->kind;

  for (gint64 row = from * axis->to; row < to * axis->to; row++)
    {
      const Taps *taps = &job->taps[row % axis->to];
      const float *restrict dy = job->x + row * inner;
      float *restrict dx = job->y + row / axis->to * axis->from * inner;
      for (guint k = 0; !taps->outside && k < n; k++)
        for (gint64 i = 0; i < inner; i++)
          dx[taps->at[k] * inner + i] += dy[i] * taps->weight[k];
    }
}

float *
pare_resample_transposed (const PareResample *method, const PareResampleAxis *axis, gint64 outer, const float *dy)
{
  g_autofree Taps *taps = g_new (Taps, MAX (axis->to, 1));
  Job job = { method, axis, taps, dy, g_new0 (float, MAX (outer * axis->from * axis->inner, 1)) };

  for (gint64 i = 0; i < axis->to; i++)
    taps[i] = taps_of (method, axis, i);
  pare_parallel (outer, PARE_GRAIN / 4 / MAX (axis->to * axis->inner, 1), share_out, &job);
  return job.y;
}
