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
/* More threads than this find nothing to do. Large weights have fewer parts, whose sums would take longer than they
 * save. */
#define MAX_PARTS 8
#define MAX_ELEMENTS (1 << 22)
/* The point whose transform of dy is the sum over the tile. */
#define SUM_POINT (PARE_WINOGRAD_IN + 1)

typedef struct
{
  const PareWinograd *winograd;
  PareWinogradTiles tiles;
  gint64 parts;
  const float *x, *dy;
  float *sums; /* per part: [block of in][out][tap][16], then [out] */
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
  return POINTS * (pare_winograd_point_step (w->in) + pare_winograd_point_step (w->out) + LANES * LANES);
}

static gint64
count_parts (const PareWinograd *w)
{
  gint64 limit = MAX_ELEMENTS / (w->in * w->out * TAPS);

  return MIN (CLAMP (limit, 2, MAX_PARTS), pare_winograd_tiles (w).pieces);
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
  gsize v_step = pare_winograd_point_step (w->in), d_step = pare_winograd_point_step (w->out);

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

static void
add_piece (const Work *work, gint64 piece, float *v, float *sums)
{
  const PareWinograd *w = work->winograd;
  gsize v_step = pare_winograd_point_step (w->in), d_step = pare_winograd_point_step (w->out);
  float *d = v + POINTS * v_step, *m = d + POINTS * d_step;
  ParePatch patches[PARE_WINOGRAD_TILES];
  guint n = pare_winograd_input_patches (w, &work->tiles, piece, patches);

  for (gint64 c = 0; c < w->in / LANES; c++)
    for (guint t = 0; t < n; t++)
      pare_winograd_transform_input (work->x + c * w->height * w->width * LANES, &patches[t], v + (c * n + t) * LANES,
                                     v_step);
  pare_winograd_output_patches (w, &work->tiles, piece, patches);
  for (gint64 c = 0; c < w->out / LANES; c++)
    for (guint t = 0; t < n; t++)
      pare_winograd_transform_gradient (work->dy + c * w->out_height * w->out_width * LANES, &patches[t],
                                        d + (c * n + t) * LANES, d_step);
  for (gint64 o = 0; o < w->out / LANES; o++)
    {
      for (gint64 i = 0; i < w->in / LANES; i++)
        add_block (w, n, d + o * n * LANES, v + i * n * LANES, m, sums + (i * w->out + o * LANES) * TAPS * LANES);
      add_bias (n, d + SUM_POINT * d_step + o * n * LANES, sums + w->in * w->out * TAPS + o * LANES);
    }
}

static void
run_part (const Work *work, gint64 part, float *own)
{
  float *sums = work->sums + part * part_room (work->winograd);

  memset (sums, 0, part_room (work->winograd) * sizeof *sums);
  for (gint64 i = work->tiles.pieces * part / work->parts; i < work->tiles.pieces * (part + 1) / work->parts; i++)
    add_piece (work, i, own, sums);
}

/* The sum of all parts for pairs of an output channel and a block of input channels, as rows of weights. */
static void
finish_weights (gint64 from, gint64 to, gconstpointer data)
{
  const Work *work = data;
  const PareWinograd *w = work->winograd;

  for (gint64 i = from; i < to; i++)
    {
      gint64 block = i % (w->in / LANES), out = i / (w->in / LANES);
      float *row = work->by_weights + (out * w->in + block * LANES) * TAPS;
      for (guint k = 0; k < TAPS; k++)
        for (guint l = 0; l < LANES; l++)
          {
            const float *at = work->sums + ((block * w->out + out) * TAPS + k) * LANES + l;
            float sum = at[0];
            for (gint64 part = 1; part < work->parts; part++)
              sum += at[part * part_room (w)];
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
  Work work = { w, pare_winograd_tiles (w), count_parts (w), x, dy, room, by_weights, by_bias };
  float *own = room + work.parts * part_room (w);

#pragma omp parallel for schedule(dynamic) num_threads(w->threads)
  for (gint64 i = 0; i < work.parts; i++)
    run_part (&work, i, own + omp_get_thread_num () * thread_room (w));
  pare_parallel (w->in / LANES * w->out, 16, finish_weights, &work);
  if (by_bias)
    finish_bias (&work);
}
