/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Epochs of one block, and its loss before and after them. */
#include "train/distill-block.h"
#include "data/shuffle.h"
#include "train/validator.h"
#include <math.h>

gboolean
pare_block_measure (const PareGraph *piece, PareBlockSource *source, const PareLoss *loss, double *result,
                    GError **error)
{
  g_autoptr (PareValidator) validator = pare_validator_new (piece, loss);
  guint valid;

  for (guint i = 0; i < pare_block_source_batches (source); i++)
    {
      g_autoptr (GPtrArray) batch = pare_block_source_get (source, i, &valid, error);
      if (!batch || !pare_validator_add (validator, (PareTensor **)batch->pdata, batch->len, valid, error))
        return FALSE;
    }
  *result = pare_validator_result (validator).loss;
  return TRUE;
}

static gboolean
learn_from (PareBlockLesson *lesson, PareTrainer *trainer, guint index, GError **error)
{
  PareTrainStep step;
  guint valid;
  g_autoptr (GPtrArray) batch = pare_block_source_get (lesson->training, index, &valid, error);

  return batch && pare_trainer_step (trainer, (PareTensor **)batch->pdata, batch->len, valid, &step, error)
         && lesson->step (lesson->user_data);
}

static gboolean
learn_all (PareBlockLesson *lesson, PareTrainer *trainer, GError **error)
{
  guint n = pare_block_source_batches (lesson->training);
  g_autofree guint64 *order = g_new (guint64, n);

  pare_trainer_set_length (trainer, n, (guint64)n * lesson->epochs);
  for (guint epoch = 0; epoch < lesson->epochs; epoch++)
    {
      for (guint i = 0; i < n; i++)
        order[i] = i;
      pare_shuffle (order, n, lesson->seed, epoch);
      for (guint i = 0; i < n; i++)
        if (!learn_from (lesson, trainer, order[i], error))
          return FALSE;
    }
  return TRUE;
}

gboolean
pare_block_learn (PareBlockLesson *lesson, PareTrainer *trainer, const PareLoss *loss, GError **error)
{
  g_autoptr (PareGraph) trained = pare_graph_copy (lesson->piece);
  g_autoptr (GError) reason = NULL;

  if (!pare_block_measure (lesson->piece, lesson->validation, loss, &lesson->before, error))
    return FALSE;
  if (!learn_all (lesson, trainer, &reason))
    {
      /* A block that runs away is left as it was; the others may do better. */
      if (reason && pare_trainer_has_diverged (trainer))
        {
          lesson->after = INFINITY;
          return TRUE;
        }
      if (reason)
        g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  return pare_trainer_apply (trainer, trained, error)
         && pare_block_measure (trained, lesson->validation, loss, &lesson->after, error);
}
