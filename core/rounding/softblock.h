/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A block whose weights stand between two neighbours on their grids. */
#pragma once
#include "rounding/rounding.h"
#include "train/distill-blocks.h"
#include "train/parameters.h"

G_BEGIN_DECLS

/**
 * PareSoftBlock:
 * @opened: the network with quantizers that learn
 * @block: a part of it: what it reads and should compute
 * @layers: of const PareRoundingLayer
 * @bases: of a tensor for each: integers below its weights
 * @training: inputs: what the block reads; the target; what it reads in the teacher, if that is mixed in; weights of
 * the samples; the parameters. Outputs: the loss and the gradients by the parameters
 * @judging: the same inputs, and the loss alone, without anything random
 * @parameters: of PareParameter: the variable of AdaptiveRound for every layer, then what quantizers of activations
 *   learn
 *
 * A block with its loss, as graphs to be run.
 */
typedef struct
{
  PareGraph *opened;
  PareBlock *block;
  GPtrArray *layers;
  GPtrArray *bases;
  PareGraph *training, *judging;
  GPtrArray *parameters;
  gboolean mixes;
} PareSoftBlock;

/**
 * PareSoftBlockSettings:
 * @learn_activations: the steps of quantized activations inside of the block are learnt too
 * @drop: part of the activations that are not quantized while the block learns, chosen at random for every batch; of
 *   what the block reads, too
 */
typedef struct
{
  gboolean learn_activations;
  double drop;
} PareSoftBlockSettings;

/* Of layers @first to @first + @n - 1. */
PareSoftBlock *pare_soft_block_new (const PareRoundingWork *work, guint first, guint n,
                                    const PareSoftBlockSettings *settings, GError **error);
void pare_soft_block_free (PareSoftBlock *soft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareSoftBlock, pare_soft_block_free)

/* Writes what quantizers of activations learnt into the pairs of @graph. */
void pare_soft_block_write_activations (const PareSoftBlock *soft, PareGraph *graph);
/* The weights of layer @index as it decided now, in the order of its matrix. */
double *pare_soft_block_decide (const PareSoftBlock *soft, guint index);

G_END_DECLS
