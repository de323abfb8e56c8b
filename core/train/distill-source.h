/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a block learns from: what it reads, and what the teacher says that it should compute. */
#pragma once
#include "train/distill-blocks.h"
#include "data/samples.h"

G_BEGIN_DECLS

/**
 * PareBlockSource:
 *
 * Batches for one block. The samples run through the student up to the block (or through the teacher, up to the same
 * values), and through the teacher up to the block's end. Batches that fit into memory are computed once.
 */
typedef struct _PareBlockSource PareBlockSource;

/**
 * pare_block_source_new:
 * @order: indices of the samples, of which batches take their part in order; @n of them
 * @from_teacher: the block reads what the teacher computes
 * @memory_limit: bytes of batches to keep
 */
PareBlockSource *
pare_block_source_new (PareGraph *student, PareGraph *teacher, const PareBlock *block, PareSamples *samples, guint n,
                       const guint64 *order, gboolean from_teacher, guint64 memory_limit, GError **error);
void pare_block_source_free (PareBlockSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareBlockSource, pare_block_source_free)

guint pare_block_source_batches (const PareBlockSource *source);
/* Batch @index: one tensor per input of the block, then the target. @valid receives how many samples are no repetition.
 */
GPtrArray *pare_block_source_get (PareBlockSource *source, guint index, guint *valid, GError **error);

G_END_DECLS
