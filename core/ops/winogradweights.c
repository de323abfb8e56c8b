/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The gradient of a convolution by its weights, the adjoint of Winograd's F(4x4, 3x3):
 * dw = G' [sum over tiles of (A dy A') (B' x B)] G. Parts of the tiles, cut by the shapes alone, are summed by one
 * thread each and then added up in their order. */
#include "ops/parallel.h"
#include "ops/winograd.h"
#include "ops/winogradkernels.h"
#include "ops/winogradtiles.h"
#include <omp.h>
#include <string.h>

#define LANES PARE_WINOGRAD_LANES
#define POINTS PARE_WINOGRAD_POINTS
#define TAPS 9
/* Jobs for threads: parts of the tiles, each by groups of so many output channels, for which it pays to transform the
 * input again. */
#define JOBS 8
#define GROUP 256
/* The point whose transform of dy is the sum over the tile. */
#define SUM_POINT (PARE_WINOGRAD_IN + 1)

typedef struct
{
  const PareWinograd *winograd;
  PareWinogradTiles tiles;
  gint64 groups, parts;
  const float *x, *dy;
  float *sums; /* per part: [block of out][block of in][16][tap][16], then [out] */
  float *by_weights, *by_bias;
} Work;

static gsize
part_room (const PareWinograd *w)
{
  return w->in * w->out * TAPS + w->out;
}

static gsize
thread_room (const PareWinograd *w)
{
  return POINTS * (pare_winograd_point_step (w->in) + pare_winograd_point_step (LANES) + LANES * LANES);
}

static gint64
count_groups (const PareWinograd *w)
{
  return (w->out + GROUP - 1) / GROUP;
}

/* By the shapes alone: results must not depend on the machine. */
static gint64
count_parts (const PareWinograd *w)
{
  return CLAMP (JOBS / count_groups (w), 1, pare_winograd_tiles (w).pieces);
}

gsize
pare_winograd_weights_room (const PareWinograd *w)
{
  return count_parts (w) * part_room (w) + w->threads * thread_room (w);
}

/* 16 by 16 channels of @n tiles: @d of dy, @v of x. */
static void
add_block (const PareWinograd *w, guint n, const float *d, const float *v, float *m, float *sums)
{
  gsize v_step = pare_winograd_point_step (w->in), d_step = pare_winograd_point_step (LANES);

  for (guint p = 0; p < POINTS; p++)
    pare_winograd_outer_product (n, d + p * d_step, v + p * v_step, m + p * LANES * LANES);
  for (guint row = 0; row < LANES; row++)
    pare_winograd_add_kernel (m + row * LANES, LANES * LANES, sums + row * TAPS * LANES);
}

static void
add_bias (guint n, const float *d, float *sums)
{
  for (guint t = 0; t < n; t++)
    for (guint l = 0; l < LANES; l++)
      sums[l] += d[t * LANES + l];
}

/* A piece of the tiles, for output channels @from up to before @to. */
static void
add_piece (const Work *work, gint64 piece, gint64 from, gint64 to, float *v, float *sums)
{
  const PareWinograd *w = work->winograd;
  gsize v_step = pare_winograd_point_step (w->in), d_step = pare_winograd_point_step (LANES);
  float *d = v + POINTS * v_step, *m = d + POINTS * d_step;
  ParePatch patches[PARE_WINOGRAD_TILES];
  guint n = pare_winograd_input_patches (w, &work->tiles, piece, patches);

  for (gint64 i = 0; i < w->in; i += LANES)
    for (guint t = 0; t < n; t++)
      pare_winograd_transform_input (work->x + i / LANES * w->from.group_step, &patches[t], v + i * n + t * LANES,
                                     v_step);
  pare_winograd_output_patches (w, &work->tiles, piece, patches);
  for (gint64 o = from; o < to; o += LANES)
    {
      for (guint t = 0; t < n; t++)
        pare_winograd_transform_gradient (work->dy + o / LANES * w->to.group_step, &patches[t], d + t * LANES, d_step);
      for (gint64 i = 0; i < w->in; i += LANES)
        add_block (w, n, d, v + i * n, m, sums + (o * w->in + i * LANES) * TAPS);
      add_bias (n, d + SUM_POINT * d_step, sums + w->in * w->out * TAPS + o);
    }
}

static void
run_job (const Work *work, gint64 job, float *own)
{
  const PareWinograd *w = work->winograd;
  gint64 part = job / work->groups, from = job % work->groups * GROUP, to = MIN (from + GROUP, w->out);
  gint64 piece = work->tiles.pieces * part / work->parts, end = work->tiles.pieces * (part + 1) / work->parts;
  float *sums = work->sums + part * part_room (w);

  memset (sums + from * w->in * TAPS, 0, (to - from) * w->in * TAPS * sizeof *sums);
  memset (sums + w->in * w->out * TAPS + from, 0, (to - from) * sizeof *sums);
  for (; piece < end; piece++)
    add_piece (work, piece, from, to, own, sums);
}

/* The sum of all parts for pairs of a block of output channels and one of input channels, as rows of weights. */
static void
finish_weights (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  gint64 in = work->winograd->in, blocks = in / LANES;

  for (gint64 i = from * LANES; i < to * LANES; i++)
    {
      gint64 out = i / LANES / blocks * LANES + i % LANES, block = i / LANES % blocks;
      float *row = work->by_weights + (out * in + block * LANES) * TAPS;
      for (guint k = 0; k < TAPS; k++)
        for (guint l = 0; l < LANES; l++)
          {
            const float *at = work->sums + (i * TAPS + k) * LANES + l;
            float sum = at[0];
            for (gint64 part = 1; part < work->parts; part++)
              sum += at[part * part_room (work->winograd)];
            row[l * TAPS + k] = sum;
          }
    }
}

static void
finish_bias (const Work *work)
{
  const PareWinograd *w = work->winograd;
  const float *sums = work->sums + w->in * w->out * TAPS;

  for (gint64 o = 0; o < w->out; o++)
    {
      work->by_bias[o] = sums[o];
      for (gint64 part = 1; part < work->parts; part++)
        work->by_bias[o] += sums[part * part_room (w) + o];
    }
}

void
pare_winograd_weights_run (const PareWinograd *w, const float *x, const float *dy, float *by_weights, float *by_bias,
                           float *room)
{
  Work work = { w, pare_winograd_tiles (w), count_groups (w), count_parts (w), x, dy, room, by_weights, by_bias };
  float *own = room + work.parts * part_room (w);

#pragma omp parallel for schedule(dynamic) num_threads(w->threads)
  for (gint64 i = 0; i < work.parts * work.groups; i++)
    run_job (&work, i, own + omp_get_thread_num () * thread_room (w));
  pare_parallel (w->in / LANES * (w->out / LANES), 1, finish_weights, &work);
  if (by_bias)
    finish_bias (&work);
}
