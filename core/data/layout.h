/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/normalize.h"

G_BEGIN_DECLS

/* Where the channel axis is: before the spatial axes, or last. */
typedef enum
{
  PARE_LAYOUT_NCHW,
  PARE_LAYOUT_NHWC,
} PareLayout;

/**
 * PareLayoutChange:
 * @batch: images in the tensor
 * @channels: of each; 1 when the tensor has at most two axes
 * @spatial: elements of each channel
 * @shape: of the result
 *
 * What it takes to bring a tensor from one layout into another. Three axes are [C,H,W] or [H,W,C]; with four or more
 * the first counts images.
 */
typedef struct
{
  PareLayout from, to;
  gint64 batch, channels, spatial;
  PareShape shape;
} PareLayoutChange;

PareLayoutChange pare_layout_change (const PareShape *shape, PareLayout from, PareLayout to);

/* Normalizes all channels of a dense tensor of @type while its layout changes. @channels has as many entries as the
 * tensor. FALSE when @type is no number. */
gboolean pare_layout_normalize (const PareLayoutChange *change, PareDataType type, gconstpointer from, float *to,
                                const PareChannel *channels);

G_END_DECLS
