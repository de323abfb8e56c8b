/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How Winograd's algorithm cuts images into tiles: 4x4 squares of the output side, and for each the 6x6 square of the
 * input side that it depends on. Private to winograd*.c. */
#pragma once
#include "ops/winograd.h"
#include "ops/winogradkernels.h"

/* Tiles of a piece at most, which one thread takes at a time: a multiple of PARE_WINOGRAD_ROWS. */
#define PARE_WINOGRAD_TILES 32

typedef struct
{
  gint64 columns, per_image, n, per_piece, pieces;
} PareWinogradTiles;

PareWinogradTiles pare_winograd_tiles (const PareWinograd *winograd);
/* With smaller pieces when there are too few for all threads. */
PareWinogradTiles pare_winograd_tiles_for_threads (const PareWinograd *winograd);
/* Floats between two points of a piece with @channels channels. */
gsize pare_winograd_point_step (gint64 channels);
/* The squares of piece @piece on either side; both return how many there are. */
guint pare_winograd_input_patches (const PareWinograd *winograd, const PareWinogradTiles *tiles, gint64 piece,
                                   ParePatch *patches);
guint pare_winograd_output_patches (const PareWinograd *winograd, const PareWinogradTiles *tiles, gint64 piece,
                                    ParePatch *patches);
