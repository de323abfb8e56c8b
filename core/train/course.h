/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "train/trainer.h"
#include "train/validator.h"

G_BEGIN_DECLS

/**
 * PareCourseSettings:
 * @epochs: passes over the samples
 * @patience: epochs without progress on validation samples after which training ends; 0: never
 * @checkpoint: file that it can go on from, or NULL
 * @checkpoint_interval: steps between writing it; 0: at the end of an epoch only
 */
typedef struct
{
  guint epochs;
  guint patience;
  const char *checkpoint;
  guint64 checkpoint_interval;
} PareCourseSettings;

/**
 * PareEpoch:
 * @steps: done by its end, since the beginning
 * @loss: mean over its samples while it was trained; likewise @accuracy, NaN when labels are no class numbers
 * @rate: learning rate of the last step
 * @validation: at its end; @validation.n is 0 when there was none
 * @best: no epoch before was better on the validation samples
 */
typedef struct
{
  guint64 steps, samples;
  double loss, accuracy;
  double rate;
  PareValidation validation;
  gboolean best;
} PareEpoch;

/**
 * PareCourse:
 *
 * A whole training: epochs, the best of them, when to stop, and going on where an earlier run was interrupted. A run
 * that goes on is given the same samples from the start and passes over those that it has learnt from, so that it ends
 * with the same weights.
 */
typedef struct _PareCourse PareCourse;

/* @network is what @trainer was made for; both outlive the course. Reads the checkpoint when there is one. */
PareCourse *
pare_course_new (PareTrainer *trainer, const PareGraph *network, const PareCourseSettings *settings, GError **error);
void pare_course_free (PareCourse *course);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareCourse, pare_course_free)

/* Trains on a batch. @step->step is 0 when an earlier run has learnt from it. */
gboolean pare_course_step (PareCourse *course, PareTensor *const *batch, guint n, guint valid, PareTrainStep *step,
                           GError **error);
/* Whether the pass that ends now was not ended by an earlier run: validate and end it. */
gboolean pare_course_is_new_pass (const PareCourse *course);
/* Ends a pass. @validation may be NULL. */
gboolean pare_course_end_pass (PareCourse *course, const PareValidation *validation, GError **error);
/* All epochs are done, or there was no progress for too long. */
gboolean pare_course_is_over (const PareCourse *course);
/* Epochs that are done, earlier runs' included. */
guint pare_course_epochs (const PareCourse *course);
const PareEpoch *pare_course_epoch (const PareCourse *course, guint index);
/* Samples of the present epoch so far, the mean of their loss, and the accuracy or NaN. */
PareEpoch pare_course_present (const PareCourse *course);
/* Gives the trainer the weights of the best epoch, if any was validated; @best receives its index, or -1. */
gboolean pare_course_finish (PareCourse *course, int *best, GError **error);

G_END_DECLS
