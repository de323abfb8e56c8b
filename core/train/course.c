/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The course of a training from its first step to the best weights, across interruptions. */
#include "train/course.h"
#include "train/checkpoint.h"
#include "train/fingerprint.h"
#include <math.h>

#define EPOCH_TYPE "(ttdddddtb)"
#define WEIGHTS_TYPE "a(saay)"
/* The trainer; the sums of the present epoch; the best epoch and how many came after it; its weights; the epochs. */
#define CHECKPOINT_TYPE "((stt" WEIGHTS_TYPE ")(tdtbd)(iu)" WEIGHTS_TYPE "a" EPOCH_TYPE ")"

/* Sums over the samples of an epoch. */
typedef struct
{
  guint64 samples;
  double loss;
  guint64 correct;
  gboolean classes;
  double rate;
} Sums;

struct _PareCourse
{
  PareTrainer *trainer;
  PareCourseSettings settings;
  char *fingerprint; /* NULL without a checkpoint */
  gboolean saved;
  guint64 steps_seen; /* of this run; those up to the trainer's number are repetitions */
  guint passes_seen;
  Sums sums;
  GArray *epochs; /* of PareEpoch */
  int best;
  guint stale; /* epochs since the best one */
  GVariant *best_weights;
};

static void
begin_epoch (PareCourse *course)
{
  course->sums = (Sums){ .classes = TRUE };
}

void
pare_course_free (PareCourse *course)
{
  g_clear_pointer (&course->best_weights, g_variant_unref);
  g_array_unref (course->epochs);
  g_free (course->fingerprint);
  g_free (course);
}

/* Checkpoints */

static GVariant *
epochs_variant (const PareCourse *course)
{
  GVariantBuilder all;

  g_variant_builder_init (&all, G_VARIANT_TYPE ("a" EPOCH_TYPE));
  for (guint i = 0; i < course->epochs->len; i++)
    {
      const PareEpoch *epoch = pare_course_epoch (course, i);
      g_variant_builder_add (&all, EPOCH_TYPE, epoch->steps, epoch->samples, epoch->loss, epoch->accuracy, epoch->rate,
                             epoch->validation.loss, epoch->validation.accuracy, epoch->validation.n, epoch->best);
    }
  return g_variant_builder_end (&all);
}

static gboolean
save (PareCourse *course, GError **error)
{
  const Sums *sums = &course->sums;
  g_autoptr (GVariant) state = pare_trainer_get_state (course->trainer);
  GVariant *best = course->best_weights ? g_variant_ref (course->best_weights)
                                        : g_variant_new_array (G_VARIANT_TYPE ("(saay)"), NULL, 0);
  GVariant *content;

  content = g_variant_new ("(@(stt" WEIGHTS_TYPE ")(tdtbd)(iu)@" WEIGHTS_TYPE "@a" EPOCH_TYPE ")", state, sums->samples,
                           sums->loss, sums->correct, sums->classes, sums->rate, course->best, course->stale, best,
                           epochs_variant (course));
  if (course->best_weights)
    g_variant_unref (course->best_weights);
  course->saved = pare_checkpoint_save (course->settings.checkpoint, course->fingerprint, content, error);
  return course->saved;
}

static void
restore_epochs (PareCourse *course, GVariant *all)
{
  for (gsize i = 0; i < g_variant_n_children (all); i++)
    {
      PareEpoch epoch;
      g_variant_get_child (all, i, EPOCH_TYPE, &epoch.steps, &epoch.samples, &epoch.loss, &epoch.accuracy, &epoch.rate,
                           &epoch.validation.loss, &epoch.validation.accuracy, &epoch.validation.n, &epoch.best);
      g_array_append_val (course->epochs, epoch);
    }
}

static gboolean
restore (PareCourse *course, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GVariant) state = NULL, best = NULL, epochs = NULL;
  g_autoptr (GVariant) content = pare_checkpoint_load (course->settings.checkpoint, course->fingerprint,
                                                       G_VARIANT_TYPE (CHECKPOINT_TYPE), &problem);
  Sums *sums = &course->sums;

  if (problem)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (!content)
    return TRUE;
  g_variant_get (content, "(@(stt" WEIGHTS_TYPE ")(tdtbd)(iu)@" WEIGHTS_TYPE "@a" EPOCH_TYPE ")", &state,
                 &sums->samples, &sums->loss, &sums->correct, &sums->classes, &sums->rate, &course->best,
                 &course->stale, &best, &epochs);
  restore_epochs (course, epochs);
  if (g_variant_n_children (best))
    course->best_weights = g_steal_pointer (&best);
  course->saved = TRUE;
  if (pare_trainer_set_state (course->trainer, state, error))
    return TRUE;
  g_prefix_error (error, "Checkpoint '%s': ", course->settings.checkpoint);
  return FALSE;
}

PareCourse *
pare_course_new (PareTrainer *trainer, const PareGraph *network, const PareCourseSettings *settings, GError **error)
{
  g_autoptr (PareCourse) course = g_new0 (PareCourse, 1);

  course->trainer = trainer;
  course->settings = *settings;
  course->epochs = g_array_new (FALSE, TRUE, sizeof (PareEpoch));
  course->best = -1;
  begin_epoch (course);
  if (!settings->checkpoint)
    return g_steal_pointer (&course);
  course->fingerprint = pare_graph_fingerprint (network);
  /* From the start there is something to go back to, and a place that cannot be written shows before hours of work. */
  return restore (course, error) && (course->saved || save (course, error)) ? g_steal_pointer (&course) : NULL;
}

/* Steps */

/* Numbers that are not finite end the training; what was saved before is where it can go on with other settings. */
static void
keep_last_good (PareCourse *course, GError **error)
{
  GError *told = *error;

  if (!course->settings.checkpoint)
    return;
  *error = g_error_new (told->domain, told->code, "%s The weights before it are kept in the checkpoint '%s'.",
                        told->message, course->settings.checkpoint);
  g_error_free (told);
}

static void
add_step (Sums *sums, const PareTrainStep *step)
{
  sums->samples += step->samples;
  sums->loss += step->loss * step->samples;
  sums->correct += MAX (step->correct, 0);
  sums->classes &= step->correct >= 0;
  sums->rate = step->rate;
}

gboolean
pare_course_step (PareCourse *course, PareTensor *const *batch, guint n, guint valid, PareTrainStep *step,
                  GError **error)
{
  guint64 interval = course->settings.checkpoint_interval;
  g_autoptr (GError) problem = NULL;

  *step = (PareTrainStep){ 0 };
  if (course->steps_seen++ < pare_trainer_steps (course->trainer))
    return TRUE;
  if (!pare_trainer_step (course->trainer, batch, n, valid, step, &problem))
    {
      if (pare_trainer_has_diverged (course->trainer))
        keep_last_good (course, &problem);
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  add_step (&course->sums, step);
  return !course->settings.checkpoint || !interval || step->step % interval || save (course, error);
}

PareEpoch
pare_course_present (const PareCourse *course)
{
  const Sums *sums = &course->sums;
  double n = sums->samples;

  return (PareEpoch){ .steps = pare_trainer_steps (course->trainer),
                      .samples = sums->samples,
                      .loss = sums->loss / n,
                      .accuracy = sums->classes ? sums->correct / n : NAN,
                      .rate = sums->rate };
}

/* Epochs */

gboolean
pare_course_is_new_pass (const PareCourse *course)
{
  return course->passes_seen >= course->epochs->len;
}

/* A pass that an earlier run has ended must have been as long. */
static gboolean
check_repetition (PareCourse *course, GError **error)
{
  if (course->steps_seen == pare_course_epoch (course, course->passes_seen)->steps)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "The checkpoint '%s' was made with other samples or another batch-size: epoch %u had %" G_GUINT64_FORMAT
               " steps and has %" G_GUINT64_FORMAT " now; give the same, or remove the checkpoint.",
               course->settings.checkpoint, course->passes_seen + 1,
               pare_course_epoch (course, course->passes_seen)->steps, course->steps_seen);
  return FALSE;
}

static void
judge (PareCourse *course, PareEpoch *epoch)
{
  const PareEpoch *best = course->best >= 0 ? pare_course_epoch (course, course->best) : NULL;

  epoch->best = !best || pare_validation_is_better (&epoch->validation, &best->validation);
  course->stale = epoch->best ? 0 : course->stale + 1;
  if (!epoch->best)
    return;
  course->best = course->epochs->len;
  g_clear_pointer (&course->best_weights, g_variant_unref);
  course->best_weights = pare_trainer_get_weights (course->trainer);
}

gboolean
pare_course_end_pass (PareCourse *course, const PareValidation *validation, GError **error)
{
  PareEpoch epoch = pare_course_present (course);

  if (!pare_course_is_new_pass (course))
    {
      gboolean fits = check_repetition (course, error);
      course->passes_seen++;
      return fits;
    }
  course->passes_seen++;
  epoch.validation = validation ? *validation : (PareValidation){ .loss = NAN, .accuracy = NAN };
  if (validation)
    judge (course, &epoch);
  g_array_append_val (course->epochs, epoch);
  begin_epoch (course);
  return !course->settings.checkpoint || save (course, error);
}

gboolean
pare_course_is_over (const PareCourse *course)
{
  return course->epochs->len >= course->settings.epochs
         || (course->settings.patience && course->stale >= course->settings.patience);
}

guint
pare_course_epochs (const PareCourse *course)
{
  return course->epochs->len;
}

const PareEpoch *
pare_course_epoch (const PareCourse *course, guint index)
{
  return &g_array_index (course->epochs, PareEpoch, index);
}

gboolean
pare_course_finish (PareCourse *course, int *best, GError **error)
{
  *best = course->best;
  return !course->best_weights || pare_trainer_set_weights (course->trainer, course->best_weights, error);
}
