/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Nodes that compute scale x + shift with constants per channel: BatchNormalization, and Add, Sub, Mul, Div. */
#pragma once
#include "fuse/fuse.h"

G_BEGIN_DECLS

/**
 * PareAffine:
 * @data: the x
 * @n: how many numbers there are; 1 means the same for every element
 * @scale: @n factors
 * @shift: @n summands
 * @axis: the axis that the numbers run along, when @n > 1
 * @from_end: @axis counts from the last axis
 * @least_rank: x must have at least this rank, or the node would add axes to it
 *
 * What such a node computes.
 */
typedef struct
{
  PareValue *data;
  gint64 n;
  double *scale;
  double *shift;
  guint axis;
  gboolean from_end;
  guint least_rank;
} PareAffine;

void pare_affine_free (PareAffine *affine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareAffine, pare_affine_free)

/* Reads a BatchNormalization; NULL with a reason when it is not constant, NULL without one when @node is another
 * operator. */
PareAffine *pare_affine_read_batchnorm (const PareNode *node, const char **reason);
/* Reads Add, Sub, Mul or Div by a constant; else NULL. */
PareAffine *pare_affine_read_arithmetic (const PareNode *node);

/* Moves @affine, which @node computes, into the layer that computes its input; TRUE when done and @node is gone. A
 * pattern that is there but cannot be moved is reported. */
gboolean pare_absorb_behind (PareFuse *fuse, PareNode *node, const PareAffine *affine);
/* The same with the layer that reads @node's output. */
gboolean pare_absorb_before (PareFuse *fuse, PareNode *node, const PareAffine *affine);

G_END_DECLS
