/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sums and affine functions per channel. A tensor is a set of planes; a plane is a row of vectors of 16 floats, of 16
 * neighbouring channels or of one, in which case up to 15 single elements follow. Sums are formed per plane and added
 * up in a fixed order, so they do not depend on the number of threads. */
#include "ops/channelwise.h"
#include "ops/parallel.h"
#include "ops/vector.h"

#define LANES 16

typedef float Vector __attribute__ ((vector_size (64), aligned (4), may_alias));
typedef gint32 Mask __attribute__ ((vector_size (64)));
/* The vector where the comparison holds, else 0. */
#define WHERE(comparison, v) ((Vector)((Mask)(comparison) & (Mask)(v)))
#define AT(p) (*(Vector *)(p))
#define GET(p) (*(const Vector *)(p))

static gint64
groups (const PareChannels *c)
{
  return c->lanes == LANES ? (c->channels + LANES - 1) / LANES : c->channels;
}

gint64
pare_channels_padded (const PareChannels *c)
{
  return groups (c) * LANES;
}

gint64
pare_channels_planes (const PareChannels *c)
{
  return c->batch * groups (c);
}

/* What all plane functions work on. */
typedef struct
{
  const PareChannels *channels;
  const float *x, *dy, *mean, *k, *p, *q;
  PareAffine affine;
  float *y, *sums;
} Work;

typedef struct
{
  gint64 offset, vectors, step, tail;
  float parameters[7][LANES]; /* of the plane's channels: factor, offset, mean, k, p, q */
} Plane;

enum
{
  FACTOR,
  OFFSET,
  MEAN,
  K,
  P,
  Q,
};

static void
find_plane (const Work *work, gint64 index, Plane *plane)
{
  const PareChannels *c = work->channels;
  const float *from[] = { work->affine.factor, work->affine.offset, work->mean, work->k, work->p, work->q };
  gint64 group = index % groups (c);
  gboolean lanes = c->lanes == LANES;

  plane->offset = index / groups (c) * c->batch_step + group * c->group_step;
  plane->vectors = lanes ? c->inner : c->inner / LANES;
  plane->tail = lanes ? 0 : c->inner % LANES;
  plane->step = lanes ? c->step : LANES;
  for (guint i = 0; i < G_N_ELEMENTS (from); i++)
    for (guint l = 0; l < LANES; l++)
      plane->parameters[i][l] = from[i] ? from[i][lanes ? group * LANES + l : group] : 0;
}

/* Sums of x - mean and its square, lane by lane. */
static PARE_VECTOR void
plane_moments (const Plane *plane, const float *x, float *sums)
{
  Vector shift = GET (plane->parameters[MEAN]), first = { 0 }, second = { 0 };

  for (gint64 i = 0; i < plane->vectors; i++)
    {
      Vector d = GET (x + i * plane->step) - shift;
      first += d;
      second += d * d;
    }
  AT (sums) = first;
  AT (sums + LANES) = second;
  for (gint64 i = 0; i < plane->tail; i++)
    {
      float d = x[plane->vectors * LANES + i] - shift[0];
      sums[i] += d;
      sums[LANES + i] += d * d;
    }
}

#define POSITIVE(y) ((y) > 0 ? (y) : 0)

/* @addend lies like @x; NULL: none. */
static PARE_VECTOR void
plane_apply (const Plane *plane, const float *x, const float *addend, gboolean relu, float *y)
{
  Vector factor = GET (plane->parameters[FACTOR]), offset = GET (plane->parameters[OFFSET]), zero = { 0 };
  gint64 done = plane->vectors * LANES;

  for (gint64 i = 0; i < plane->vectors; i++)
    {
      Vector v = GET (x + i * plane->step) * factor + offset;
      if (addend)
        v += GET (addend + i * plane->step);
      AT (y + i * plane->step) = relu ? WHERE (v > zero, v) : v;
    }
  for (gint64 i = done; i < done + plane->tail; i++)
    {
      float v = x[i] * factor[0] + offset[0];
      if (addend)
        v += addend[i];
      y[i] = relu ? POSITIVE (v) : v;
    }
}

static PARE_VECTOR void
plane_gradient_sums (const Plane *plane, const float *dy, const float *x, gboolean relu, float *sums)
{
  Vector factor = GET (plane->parameters[FACTOR]), offset = GET (plane->parameters[OFFSET]);
  Vector mean = GET (plane->parameters[MEAN]), zero = { 0 }, first = { 0 }, second = { 0 };
  gint64 done = plane->vectors * LANES;

  for (gint64 i = 0; i < plane->vectors; i++)
    {
      Vector v = GET (x + i * plane->step), g = GET (dy + i * plane->step);
      if (relu)
        g = WHERE (v * factor + offset > zero, g);
      first += g;
      second += g * (v - mean);
    }
  AT (sums) = first;
  AT (sums + LANES) = second;
  for (gint64 i = 0; i < plane->tail; i++)
    {
      float v = x[done + i], g = relu && !(v * factor[0] + offset[0] > 0) ? 0 : dy[done + i];
      sums[i] += g;
      sums[LANES + i] += g * (v - mean[0]);
    }
}

static PARE_VECTOR void
plane_gradient_apply (const Plane *plane, const float *dy, const float *x, gboolean relu, float *dx)
{
  Vector factor = GET (plane->parameters[FACTOR]), offset = GET (plane->parameters[OFFSET]);
  Vector mean = GET (plane->parameters[MEAN]), zero = { 0 };
  Vector k = GET (plane->parameters[K]), p = GET (plane->parameters[P]), q = GET (plane->parameters[Q]);
  gint64 done = plane->vectors * LANES;

  for (gint64 i = 0; i < plane->vectors; i++)
    {
      Vector v = GET (x + i * plane->step), g = GET (dy + i * plane->step);
      if (relu)
        g = WHERE (v * factor + offset > zero, g);
      AT (dx + i * plane->step) = k * g - (p * (v - mean) + q);
    }
  for (gint64 i = done; i < done + plane->tail; i++)
    {
      float g = relu && !(x[i] * factor[0] + offset[0] > 0) ? 0 : dy[i];
      dx[i] = k[0] * g - (p[0] * (x[i] - mean[0]) + q[0]);
    }
}

static void
run_moments (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  Plane plane;

  for (gint64 i = from; i < to; i++)
    {
      find_plane (work, i, &plane);
      plane_moments (&plane, work->x + plane.offset, work->sums + i * PARE_CHANNEL_SUMS);
    }
}

static void
run_apply (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  Plane plane;

  for (gint64 i = from; i < to; i++)
    {
      find_plane (work, i, &plane);
      plane_apply (&plane, work->x + plane.offset, work->affine.addend ? work->affine.addend + plane.offset : NULL,
                   work->affine.relu, work->y + plane.offset);
    }
}

static void
run_gradient_sums (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  Plane plane;

  for (gint64 i = from; i < to; i++)
    {
      find_plane (work, i, &plane);
      plane_gradient_sums (&plane, work->dy + plane.offset, work->x + plane.offset, work->affine.relu,
                           work->sums + i * PARE_CHANNEL_SUMS);
    }
}

static void
run_gradient_apply (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  Plane plane;

  for (gint64 i = from; i < to; i++)
    {
      find_plane (work, i, &plane);
      plane_gradient_apply (&plane, work->dy + plane.offset, work->x + plane.offset, work->affine.relu,
                            work->y + plane.offset);
    }
}

static void
over_planes (const PareChannels *c, PareLoop run, const Work *work)
{
  gint64 elements = c->inner * c->lanes;

  pare_parallel (pare_channels_planes (c), MAX (PARE_GRAIN / MAX (elements, 1), 1), run, work);
}

/* The two sums of channel @channel, over the planes of @batch samples. */
static void
add_up (const PareChannels *c, gint64 batch, const float *sums, gint64 channel, double total[2])
{
  gboolean lanes = c->lanes == LANES;
  gint64 group = lanes ? channel / LANES : channel;
  guint first = lanes ? channel % LANES : 0, last = lanes ? first + 1 : LANES;

  total[0] = total[1] = 0;
  for (gint64 n = 0; n < batch; n++)
    for (guint l = first; l < last; l++)
      for (guint i = 0; i < 2; i++)
        total[i] += sums[(n * groups (c) + group) * PARE_CHANNEL_SUMS + i * LANES + l];
}

/* In one pass over x, around the mean of the first sample, which is near enough not to lose digits. */
void
pare_channels_statistics (const PareChannels *c, const float *x, float *sums, float *mean, float *variance)
{
  g_autofree float *shift = g_new0 (float, pare_channels_padded (c));
  Work work = { .channels = c, .x = x, .sums = sums, .mean = shift };
  double n = (double)c->batch * c->inner, total[2];

  run_moments (0, groups (c), &work);
  for (gint64 i = 0; i < c->channels; i++)
    {
      add_up (c, 1, sums, i, total);
      mean[i] = total[0] / c->inner;
    }
  memcpy (shift, mean, c->channels * sizeof *shift);
  over_planes (c, run_moments, &work);
  for (gint64 i = 0; i < c->channels; i++)
    {
      add_up (c, c->batch, sums, i, total);
      mean[i] = shift[i] + total[0] / n;
      variance[i] = MAX (total[1] / n - total[0] / n * (total[0] / n), 0);
    }
}

void
pare_channels_apply (const PareChannels *c, const float *x, const PareAffine *affine, float *y)
{
  Work work = { .channels = c, .x = x, .affine = *affine, .y = y };

  over_planes (c, run_apply, &work);
}

void
pare_channels_gradient_sums (const PareChannels *c, const float *dy, const float *x, const float *mean,
                             const PareAffine *affine, float *sums, float *by_g, float *by_product)
{
  Work work = { .channels = c, .x = x, .dy = dy, .mean = mean, .affine = *affine, .sums = sums };
  double total[2];

  over_planes (c, run_gradient_sums, &work);
  for (gint64 i = 0; i < c->channels; i++)
    {
      add_up (c, c->batch, sums, i, total);
      by_g[i] = total[0];
      by_product[i] = total[1];
    }
}

void
pare_channels_gradient_apply (const PareChannels *c, const float *dy, const float *x, const float *mean,
                              const PareAffine *affine, const float *k, const float *p, const float *q, float *dx)
{
  Work work = { .channels = c, .x = x, .dy = dy, .mean = mean, .k = k, .p = p, .q = q, .affine = *affine, .y = dx };

  over_planes (c, run_gradient_apply, &work);
}
