/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/samples.h"
#include "graph/graph.h"
#include "graph/progress.h"
#include "train/distill-blocks.h"

G_BEGIN_DECLS

/**
 * PareDistillInput:
 * @PARE_DISTILL_STUDENT: what the student computed so far, errors included: the block learns to make up for them
 * @PARE_DISTILL_TEACHER: what the teacher computes
 *
 * What a block reads while it learns.
 */
typedef enum
{
  PARE_DISTILL_STUDENT,
  PARE_DISTILL_TEACHER,
} PareDistillInput;

/**
 * PareDistillSettings:
 * @loss: between what a block computes and what the teacher does, by name; likewise @optimizer, @schedule and how
 *   @quantizers learn
 * @learning_rate: of weights and biases
 * @scale_rate: of scales of quantized weights
 * @clip_rate: of ranges (or scales) of quantized activations
 * @keep_zeros: weights that are exactly zero stay zero
 * @epochs: passes over the samples for each block
 * @seed: of the order of samples
 * @memory_limit: bytes that what blocks read and should compute may take
 *
 * How to distill.
 */
typedef struct
{
  PareBlockSettings blocks;
  PareDistillInput input;
  const char *loss, *optimizer, *schedule, *quantizers;
  double learning_rate, scale_rate, clip_rate, weight_decay;
  gboolean keep_zeros;
  guint epochs;
  guint64 seed;
  guint64 memory_limit;
} PareDistillSettings;

/* Blocks of one layer on the student's own input, mse, adamw, range learning, rates 1e-3, 1e-4 and 0.1, one epoch. */
void pare_distill_settings_init (PareDistillSettings *settings);

/**
 * PareDistiller:
 *
 * Layer-wise distillation: the blocks of a student learn, one after the other from the inputs on, to compute what the
 * teacher computes at the same place. No labels are needed, and little data, for each block has few weights and many
 * numbers to learn from. (As in Nagel et al., Up or Down?, 2020 and Li et al., BRECQ, 2021, with all parameters of the
 * quantizers instead of the rounding alone.)
 *
 * A tenth of the samples is not learnt from. A block whose loss on these did not fall gets its parameters back, and so
 * does the whole student when what it computes in the end is not closer to the teacher than it was.
 */
typedef struct _PareDistiller PareDistiller;

/* Both graphs are referenced, and must not change while the distiller lives. */
PareDistiller *
pare_distiller_new (PareGraph *student, PareGraph *teacher, const PareDistillSettings *settings, GError **error);
void pare_distiller_free (PareDistiller *distiller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareDistiller, pare_distiller_free)

/* Trains on @samples, and puts the result into @graph, a copy of the student; its record gets an entry (stage
 * "graphdistiller") for every block and one for the whole. FALSE without an error when @progress stopped it. */
gboolean pare_distiller_run (PareDistiller *distiller, PareSamples *samples, PareGraph *graph, PareProgress progress,
                             gpointer user_data, GError **error);

G_END_DECLS
