/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cuts a student into the blocks that learn one after the other, and finds what each should compute in the teacher. */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * PareBlock:
 * @name: "conv1", or "conv1..conv3" of more layers
 * @layers: labels of its weighted layers, NULL-terminated
 * @inputs: values of the student that it reads (of PareValue)
 * @teacher_inputs: their counterparts in the teacher, NULL where there is none
 * @output: of the student
 * @target: value of the teacher that @output should equal
 *
 * Weighted layers with what follows them.
 */
typedef struct
{
  char *name;
  char **layers;
  GPtrArray *inputs;
  GPtrArray *teacher_inputs;
  PareValue *output;
  PareValue *target;
} PareBlock;

/**
 * PareBlockSettings:
 * @group_size: weighted layers in a block, at least 1
 * @groups: "start:end,start:end": labels of the first and the last layer of each block; layers that are in none are
 *   left alone. NULL or "": blocks of @group_size
 */
typedef struct
{
  guint group_size;
  const char *groups;
} PareBlockSettings;

/**
 * pare_blocks_find:
 * @student: its quantizers are opened or not
 * @specs: of the inputs of both graphs, @n_specs of them
 *
 * A block ends at a value that the teacher has too: of the same name (fusing and quantizing keep the names of results),
 * with a quantizer behind it or not, and of the same shape. A layer without one, like the first half of a decomposed
 * one, shares the block of the next layer.
 *
 * Returns: blocks in order (of PareBlock), or NULL and an error that names the layers that have no match
 */
GPtrArray *pare_blocks_find (PareGraph *student, PareGraph *teacher, guint n_specs, const PareSpec *specs,
                             const PareBlockSettings *settings, GError **error);

/**
 * pare_block_find:
 * @first: a weighted layer of @student
 * @last: the same or a later one
 *
 * The one block from @first to @last, with what follows them.
 *
 * Returns: a new block, or NULL and an error when one of them is no such layer or the teacher has no match
 */
PareBlock *pare_block_find (PareGraph *student, PareGraph *teacher, guint n_specs, const PareSpec *specs,
                            const PareNode *first, const PareNode *last, GError **error);
void pare_block_free (PareBlock *block);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareBlock, pare_block_free)

G_END_DECLS
