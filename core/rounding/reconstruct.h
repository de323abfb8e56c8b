/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Learning which way weights are rounded. */
#pragma once
#include "rounding/rounding.h"
#include "rounding/softblock.h"

G_BEGIN_DECLS

/**
 * PareReconstruction:
 * @iterations: steps, where the user says nothing
 * @learning_rate: of the rounding, where the user says nothing
 * @penalty: weight of what drives every weight to one of its neighbours
 * @activation_rate: learning rate of the steps of activations, in multiples of them
 *
 * How a block is reconstructed.
 */
typedef struct
{
  guint iterations;
  double learning_rate;
  double penalty;
  double activation_rate;
  PareSoftBlockSettings block;
} PareReconstruction;

/* Rounds layers @first to @first + @n - 1 of @work such that the block that they make computes what it does in the
 * teacher; to the nearest, when that is better. */
gboolean
pare_rounding_reconstruct (PareRoundingWork *work, guint first, guint n, const PareReconstruction *how, GError **error);

G_END_DECLS
