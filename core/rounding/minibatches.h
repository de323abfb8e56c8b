/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a block reads and should compute, as batches of samples drawn at random. */
#pragma once
#include "reconstruct/walk.h"
#include "train/distill-blocks.h"

G_BEGIN_DECLS

/**
 * PareMinibatches:
 *
 * The samples of two walks, for one block: each tensor list holds what the block reads as the student computes it, then
 * the target, and then, if asked for, what it reads as the teacher computes it. What does not fit the memory is drawn
 * from part after part. The order depends on the seed only.
 */
typedef struct _PareMinibatches PareMinibatches;

/* Both walks must live as long. @memory_limit: bytes to keep of what they computed. @with_teacher_inputs: those follow
 * the target; every input of the block needs a counterpart then. */
PareMinibatches *
pare_minibatches_new (PareWalk *student, PareWalk *teacher, const PareBlock *block, gboolean with_teacher_inputs,
                      guint64 memory_limit, guint64 seed, GError **error);
void pare_minibatches_free (PareMinibatches *minibatches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareMinibatches, pare_minibatches_free)

/* Batches of the samples in order: their number, and one of them (of PareTensor). The first @valid samples count. */
guint pare_minibatches_count (const PareMinibatches *minibatches);
GPtrArray *pare_minibatches_get (PareMinibatches *minibatches, guint index, guint *valid, GError **error);
/* The next batch at random: samples of one batch size that differ, as far as there are as many. */
GPtrArray *pare_minibatches_draw (PareMinibatches *minibatches, guint *valid, GError **error);

G_END_DECLS
