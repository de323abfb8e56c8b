/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a layer reads for each position of its output (im2col). */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * ParePatches:
 *
 * A weighted layer's view of its input. Row r of the patches is what position r of the output is made of (positions:
 * all axes of the output but that of channels, in order): for every input channel and position of the kernel, in this
 * order, the number that the weight multiplies there, and 0 in the padding.
 */
typedef struct _ParePatches ParePatches;

/* For data of @x, a weight of @w and a result of @y. Fails when @node is no layer with a weight in a usual place. */
ParePatches *
pare_patches_new (const PareNode *node, const PareShape *x, const PareShape *w, const PareShape *y, GError **error);
void pare_patches_free (ParePatches *patches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParePatches, pare_patches_free)

/* Positions in one sample of the output. */
gint64 pare_patches_per_sample (const ParePatches *patches);
/* Positions of the kernel. */
gint64 pare_patches_taps (const ParePatches *patches);
/* @values[@n][@channels * taps]: the rows with the indices @rows, of @channels input channels from @first on. */
void pare_patches_read (const ParePatches *patches, const float *x, gint64 first, gint64 channels, gint64 n,
                        const gint64 *rows, float *values);
/* @values[@n][@channels]: the output at these rows. */
void pare_patches_read_output (const ParePatches *patches, const float *y, gint64 first, gint64 channels, gint64 n,
                               const gint64 *rows, float *values);

G_END_DECLS
