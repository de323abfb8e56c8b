/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How Winograd's algorithm cuts images into tiles. */
#include "ops/winogradtiles.h"

#define LANES PARE_WINOGRAD_LANES

PareWinogradTiles
pare_winograd_tiles (const PareWinograd *w)
{
  PareWinogradTiles tiles = { (w->out_width + PARE_WINOGRAD_OUT - 1) / PARE_WINOGRAD_OUT };

  tiles.per_image = tiles.columns * ((w->out_height + PARE_WINOGRAD_OUT - 1) / PARE_WINOGRAD_OUT);
  tiles.n = tiles.per_image * w->batch;
  tiles.per_piece = PARE_WINOGRAD_TILES;
  tiles.pieces = (tiles.n + tiles.per_piece - 1) / tiles.per_piece;
  return tiles;
}

PareWinogradTiles
pare_winograd_tiles_for_threads (const PareWinograd *w)
{
  PareWinogradTiles tiles = pare_winograd_tiles (w);
  gint64 share = (tiles.n + w->threads - 1) / w->threads;
  gint64 rounded = (share + PARE_WINOGRAD_ROWS - 1) / PARE_WINOGRAD_ROWS * PARE_WINOGRAD_ROWS;

  tiles.per_piece = MIN (rounded, PARE_WINOGRAD_TILES);
  tiles.pieces = (tiles.n + tiles.per_piece - 1) / tiles.per_piece;
  return tiles;
}

/* A line more than is needed keeps the points of a tile out of each other's cache sets. */
gsize
pare_winograd_point_step (gint64 channels)
{
  return channels * PARE_WINOGRAD_TILES + LANES;
}

/* One side of the convolution. */
typedef struct
{
  const PareChannels *channels;
  gint64 height, width, top, left;
  int size;
} Side;

/* The bits of those of @size positions from @from on that lie in [0, @limit). */
static guint
inside_bits (gint64 from, gint64 limit, int size)
{
  guint first = CLAMP (-from, 0, size), end = CLAMP (limit - from, 0, size);

  return ((1u << end) - 1) & ~((1u << first) - 1);
}

static guint
find_patches (const PareWinogradTiles *tiles, const Side *side, gint64 piece, ParePatch *patches)
{
  const PareChannels *channels = side->channels;
  gint64 first = piece * tiles->per_piece;
  guint n = MIN (tiles->n - first, tiles->per_piece);

  for (guint i = 0; i < n; i++)
    {
      gint64 image = (first + i) / tiles->per_image, tile = (first + i) % tiles->per_image;
      gint64 y = tile / tiles->columns * PARE_WINOGRAD_OUT - side->top;
      gint64 x = tile % tiles->columns * PARE_WINOGRAD_OUT - side->left;
      patches[i] = (ParePatch){
        .offset = image * channels->batch_step + (y * side->width + x) * channels->step,
        .row = side->width * channels->step,
        .column = channels->step,
        .rows = inside_bits (y, side->height, side->size),
        .columns = inside_bits (x, side->width, side->size),
      };
    }
  return n;
}

guint
pare_winograd_input_patches (const PareWinograd *w, const PareWinogradTiles *tiles, gint64 piece, ParePatch *patches)
{
  return find_patches (tiles, &(Side){ &w->from, w->height, w->width, w->top, w->left, PARE_WINOGRAD_IN }, piece,
                       patches);
}

guint
pare_winograd_output_patches (const PareWinograd *w, const PareWinogradTiles *tiles, gint64 piece, ParePatch *patches)
{
  return find_patches (tiles, &(Side){ &w->to, w->out_height, w->out_width, 0, 0, PARE_WINOGRAD_OUT }, piece, patches);
}
