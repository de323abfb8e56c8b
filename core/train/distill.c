/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layer-wise distillation: block after block, then the whole against the teacher. */
#include "train/distill.h"
#include "data/shuffle.h"
#include "graph/extract.h"
#include "quantize/trainable.h"
#include "train/distill-block.h"
#include "train/distill-levels.h"
#include "train/parameters.h"
#include <math.h>

#define STAGE "graphdistiller"

struct _PareDistiller
{
  PareDistillSettings settings;
  PareTrainSettings train;
  const PareLoss *loss;
  PareTrainable trainable;
  PareGraph *student, *teacher;
  PareGraph *opened; /* the student, with opened quantizers and what they learnt so far */
  int quantizers;
};

/* While it runs. */
typedef struct
{
  PareDistiller *distiller;
  PareSamples *samples;
  GPtrArray *blocks;
  guint64 *order; /* samples to judge by, then samples to learn from */
  guint n, n_validation;
  guint64 step, total;
  PareProgress progress;
  gpointer user_data;
  PareRecord *record;
} Run;

void
pare_distill_settings_init (PareDistillSettings *settings)
{
  *settings = (PareDistillSettings){ .blocks = { 1, NULL },
                                     .input = PARE_DISTILL_STUDENT,
                                     .loss = "mse",
                                     .optimizer = "adamw",
                                     .schedule = "cosine",
                                     .quantizers = "ulq",
                                     .learning_rate = 1e-3,
                                     .scale_rate = 1e-4,
                                     .clip_rate = 0.1,
                                     .epochs = 1,
                                     .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
}

static gboolean
set_methods (PareDistiller *distiller, GError **error)
{
  const PareDistillSettings *settings = &distiller->settings;
  PareTrainSettings *train = &distiller->train;

  distiller->loss = pare_loss_find (settings->loss, error);
  if (!distiller->loss || !pare_trainable_find (settings->quantizers, &distiller->trainable, error))
    return FALSE;
  if (distiller->loss->classifies)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The loss '%s' compares with labels, and a block has none: choose mse or l1.", settings->loss);
      return FALSE;
    }
  pare_train_settings_init (train);
  train->loss = settings->loss;
  train->optimizer = settings->optimizer;
  train->schedule = settings->schedule;
  train->quantizers = settings->quantizers;
  train->learning_rate = settings->learning_rate;
  train->quantizer_rate = settings->clip_rate;
  train->weight_quantizer_rate = settings->scale_rate;
  train->weight_decay = settings->weight_decay;
  train->frozen_batchnorm = TRUE;
  train->keep_zeros = settings->keep_zeros;
  return TRUE;
}

static gboolean
open_student (PareDistiller *distiller, PareGraph *graph, GError **error)
{
  pare_graph_take_constants (graph);
  distiller->quantizers = pare_graph_open_quantizers (graph, distiller->trainable, error);
  return distiller->quantizers >= 0;
}

static gboolean
check_interfaces (PareGraph *student, PareGraph *teacher, GError **error)
{
  g_autoptr (GPtrArray) have = pare_graph_free_inputs (student), want = pare_graph_free_inputs (teacher);

  if (have->len == want->len && have->len && student->outputs->len && teacher->outputs->len)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "The student has %u inputs and %u outputs, the teacher %u and %u: use the network that the student was "
               "made from as the teacher.",
               have->len, student->outputs->len, want->len, teacher->outputs->len);
  return FALSE;
}

PareDistiller *
pare_distiller_new (PareGraph *student, PareGraph *teacher, const PareDistillSettings *settings, GError **error)
{
  g_autoptr (PareDistiller) distiller = g_new0 (PareDistiller, 1);

  distiller->settings = *settings;
  distiller->student = g_object_ref (student);
  distiller->teacher = g_object_ref (teacher);
  distiller->opened = pare_graph_copy (student);
  if (!check_interfaces (student, teacher, error) || !set_methods (distiller, error)
      || !open_student (distiller, distiller->opened, error))
    return NULL;
  return g_steal_pointer (&distiller);
}

void
pare_distiller_free (PareDistiller *distiller)
{
  g_object_unref (distiller->student);
  g_object_unref (distiller->teacher);
  g_object_unref (distiller->opened);
  g_free (distiller);
}

/* Which samples are for what */

static gboolean
choose_samples (Run *run, GError **error)
{
  guint64 n = pare_samples_count (run->samples);

  if (n < 2 || n > G_MAXINT)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                   "%" G_GUINT64_FORMAT
                   " samples came, and distillation needs at least 2, one to learn from and one to judge by.",
                   n);
      return FALSE;
    }
  run->n = n;
  run->n_validation = MAX (n / 10, 1);
  run->order = g_new (guint64, n);
  for (guint i = 0; i < n; i++)
    run->order[i] = i;
  pare_shuffle (run->order, n, run->distiller->settings.seed, 0);
  return TRUE;
}

/* One block */

static PareBlockSource *
source_new (const Run *run, const PareBlock *block, gboolean validation, GError **error)
{
  const PareDistiller *distiller = run->distiller;
  guint first = validation ? 0 : run->n_validation, n = validation ? run->n_validation : run->n - run->n_validation;
  /* About in proportion to the samples: both together keep to the limit. */
  guint64 eighth = distiller->settings.memory_limit / 8, memory = validation ? eighth : 7 * eighth;

  return pare_block_source_new (distiller->opened, distiller->teacher, block, run->samples, n, run->order + first,
                                distiller->settings.input == PARE_DISTILL_TEACHER, memory, error);
}

static gboolean
count_step (gpointer data)
{
  Run *run = data;

  run->step++;
  return !run->progress || run->progress (run->step, run->total, run->user_data);
}

static void
record_block (const Run *run, const PareBlock *block, const PareBlockLesson *lesson)
{
  gboolean better = lesson->after < lesson->before;
  const char *reason = better                      ? NULL
                       : !isfinite (lesson->after) ? "its numbers ran away: smaller learning rates may help"
                                                   : "its loss on samples that it did not learn from did not fall";

  for (guint i = 0; block->layers[i]; i++)
    if (isfinite (lesson->after))
      pare_record_add (run->record, STAGE, block->layers[i], better ? "distilled" : "left as it was", reason, "before",
                       lesson->before, "after", lesson->after, NULL);
    else
      pare_record_add (run->record, STAGE, block->layers[i], "left as it was", reason, "before", lesson->before, NULL);
}

static gboolean
distill_block (Run *run, const PareBlock *block, GError **error)
{
  PareDistiller *distiller = run->distiller;
  g_autoptr (PareGraph) piece
      = pare_graph_extract (distiller->opened, block->inputs->len, (PareValue **)block->inputs->pdata, 1,
                            (PareValue **)&block->output, error);
  g_autoptr (PareTrainer) trainer = piece ? pare_trainer_new (piece, &distiller->train, error) : NULL;
  g_autoptr (PareBlockSource) training = trainer ? source_new (run, block, FALSE, error) : NULL;
  g_autoptr (PareBlockSource) validation = training ? source_new (run, block, TRUE, error) : NULL;
  PareBlockLesson lesson = { .piece = piece,
                             .training = training,
                             .validation = validation,
                             .epochs = distiller->settings.epochs,
                             .seed = distiller->settings.seed,
                             .step = count_step,
                             .user_data = run };

  if (!validation || !pare_block_learn (&lesson, trainer, distiller->loss, error))
    return FALSE;
  record_block (run, block, &lesson);
  return !(lesson.after < lesson.before) || pare_trainer_apply (trainer, distiller->opened, error);
}

static gboolean
distill_blocks (Run *run, GError **error)
{
  guint size = pare_samples_batch (run->samples);
  guint steps = (run->n - run->n_validation + size - 1) / size;

  run->total = (guint64)run->blocks->len * steps * run->distiller->settings.epochs;
  for (guint i = 0; i < run->blocks->len; i++)
    {
      guint64 end = run->total / run->blocks->len * (i + 1);
      if (!distill_block (run, run->blocks->pdata[i], error))
        return FALSE;
      run->step = end; /* also when a block gave up */
    }
  return TRUE;
}

/* The whole */

/* The student with what was learnt, as it will go on. */
static gboolean
close_student (PareDistiller *distiller, PareGraph *graph, GError **error)
{
  if (!open_student (distiller, graph, error))
    return FALSE;
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      const PareValue *learnt = pare_graph_find_value (distiller->opened, value->name);
      if (value->constant && learnt && learnt->constant && value->constant != learnt->constant)
        pare_value_set_constant (value, learnt->constant);
    }
  return !distiller->quantizers || pare_graph_close_quantizers (graph, error);
}

/* The mean squared difference of the first outputs of @student and the teacher, on samples that were not learnt from.
 */
static gboolean
distance (const Run *run, PareGraph *student, double *result, GError **error)
{
  PareDistiller *distiller = run->distiller;
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (student),
                        teachers = pare_graph_free_inputs (distiller->teacher);
  const PareBlock whole = { .name = (char *)"",
                            .inputs = inputs,
                            .teacher_inputs = teachers,
                            .output = student->outputs->pdata[0],
                            .target = distiller->teacher->outputs->pdata[0] };
  g_autoptr (PareBlockSource) source = pare_block_source_new (student, distiller->teacher, &whole, run->samples,
                                                              run->n_validation, run->order, FALSE, 0, error);
  const PareLoss *mse = pare_loss_find ("mse", error);

  return source && mse && pare_block_measure (student, source, mse, result, error);
}

static void
record_whole (const Run *run, gboolean better, double before, double after)
{
  pare_record_add (run->record, STAGE, "", better ? "distilled" : "left as it was",
                   better ? NULL : "its output did not come closer to the teacher's", "before", before, "after", after,
                   "blocks", (double)run->blocks->len, "samples", (double)run->n, NULL);
}

static void
record_rest (const Run *run)
{
  g_autoptr (PareLevels) levels = pare_levels_new (run->distiller->opened);
  const GPtrArray *layers = pare_levels_layers (levels);

  for (guint i = 0; i < layers->len; i++)
    {
      const char *label = pare_node_label (layers->pdata[i]);
      gboolean found = FALSE;
      for (guint b = 0; !found && b < run->blocks->len; b++)
        found = g_strv_contains ((const char *const *)((PareBlock *)run->blocks->pdata[b])->layers, label);
      if (!found)
        pare_record_add (run->record, STAGE, label, "left as it was", "it is in no group", NULL);
    }
}

static gboolean
check_finite (double before, GError **error)
{
  if (!isfinite (before))
    g_set_error (
        error, PARE_ERROR, PARE_ERROR_FORMAT,
        "The outputs of student and teacher are not finite, or do not belong together: check both networks, the "
        "samples and their normalization.");
  return isfinite (before);
}

static gboolean
run_all (Run *run, PareGraph *graph, GError **error)
{
  PareDistiller *distiller = run->distiller;
  const GArray *specs = pare_samples_specs (run->samples);
  g_autoptr (PareGraph) result = pare_graph_copy (distiller->student);
  double before, after;

  run->blocks = pare_blocks_find (distiller->opened, distiller->teacher, specs->len, (const PareSpec *)specs->data,
                                  &distiller->settings.blocks, error);
  if (!run->blocks || !distance (run, distiller->student, &before, error) || !check_finite (before, error)
      || !distill_blocks (run, error) || !close_student (distiller, result, error)
      || !distance (run, result, &after, error))
    return FALSE;
  record_rest (run);
  record_whole (run, after < before, before, after);
  if (after < before && !close_student (distiller, graph, error))
    return FALSE;
  pare_record_free (graph->record);
  graph->record = pare_record_copy (run->record);
  return TRUE;
}

gboolean
pare_distiller_run (PareDistiller *distiller, PareSamples *samples, PareGraph *graph, PareProgress progress,
                    gpointer user_data, GError **error)
{
  g_autoptr (PareRecord) record = pare_record_copy (graph->record);
  Run run
      = { .distiller = distiller, .samples = samples, .progress = progress, .user_data = user_data, .record = record };
  gboolean done = choose_samples (&run, error) && run_all (&run, graph, error);

  g_clear_pointer (&run.blocks, g_ptr_array_unref);
  g_free (run.order);
  return done;
}
