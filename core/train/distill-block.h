/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How one block learns. */
#pragma once
#include "train/distill-source.h"
#include "train/trainer.h"

G_BEGIN_DECLS

/* Called after every step; FALSE stops. */
typedef gboolean (*PareBlockStep) (gpointer user_data);

/**
 * PareBlockLesson:
 * @piece: the block alone, with its quantizers opened
 * @training: batches to learn from
 * @validation: batches to judge by
 * @before: loss on these; likewise @after
 */
typedef struct
{
  PareGraph *piece;
  PareBlockSource *training, *validation;
  guint epochs;
  guint64 seed;
  PareBlockStep step;
  gpointer user_data;
  double before, after;
} PareBlockLesson;

/* Trains a copy of the block; @trainer has the result. FALSE without an error when @step stopped it. */
gboolean pare_block_learn (PareBlockLesson *lesson, PareTrainer *trainer, const PareLoss *loss, GError **error);

/* The mean loss of @piece on the batches of @source. */
gboolean pare_block_measure (const PareGraph *piece, PareBlockSource *source, const PareLoss *loss, double *result,
                             GError **error);

G_END_DECLS
