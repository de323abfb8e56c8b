/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What must be known of a layer's input and wanted output to solve for its weights. */
#pragma once
#include "reconstruct/layermatrix.h"
#include "reconstruct/patches.h"
#include "reconstruct/target.h"

G_BEGIN_DECLS

/**
 * PareMoments:
 * @groups, @outputs, @columns: as in PareLayerMatrix
 * @rows: how many rows were summed up
 * @x: sums of the patches, [groups][columns]
 * @xx: sums of their products, [groups][columns][columns]
 * @y: sums of the wanted outputs, [groups * outputs]
 * @yx: sums of their products with the patches, [groups * outputs][columns]
 * @yy: sums of their squares, [groups * outputs]
 *
 * Sums over positions of a layer's patches x and of what it should compute from them, y. All that a least-squares
 * problem knows of its data, in memory that does not depend on their amount.
 */
typedef struct
{
  gint64 groups, outputs, columns;
  double rows;
  double *x, *xx, *y, *yx, *yy;
} PareMoments;

PareMoments *pare_moments_new (const PareLayerMatrix *matrix);
void pare_moments_free (PareMoments *moments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareMoments, pare_moments_free)

/* Adds @n rows: @x [n][groups * columns], @y [n][groups * outputs]. */
void pare_moments_add (PareMoments *moments, gint64 n, const double *x, const double *y);

/**
 * pare_moments_collect:
 * @matrix: of @layer
 * @layer: reads what the compressed network computed so far
 * @student: walks that network; advanced to @layer
 * @counterpart: the layer of the original network whose output is wanted
 * @teacher: walks that one; advanced to @counterpart
 * @rows: the most positions to take of each sample, in turns all over it; 0: all
 *
 * Runs all samples and sums up. Fails when a number is not finite, and names the layer.
 */
PareMoments *pare_moments_collect (const PareLayerMatrix *matrix, PareNode *layer, PareWalk *student,
                                   PareNode *counterpart, PareWalk *teacher, gint64 rows, GError **error);

/* The same for any @target. */
PareMoments *pare_moments_collect_for (const PareLayerMatrix *matrix, PareNode *layer, PareWalk *student,
                                       const PareOutputTarget *target, gint64 rows, GError **error);

G_END_DECLS
