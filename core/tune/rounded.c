/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rounded weights for candidates: each number of bits is rounded once, with all layers at it, and every layer of a
 * candidate takes what fits its option. */
#include "exec/inference.h"
#include "rounding/rounding.h"
#include "tune/tuner.h"

/* From here on, rounding to the nearest loses nothing to speak of. */
#define ENOUGH_BITS 8

static gboolean
keep_inputs (PareSamples *from, guint64 n, guint n_inputs, PareSamples *to, GError **error)
{
  guint size = pare_samples_batch (from);
  g_autofree guint64 *indices = g_new (guint64, size);

  for (guint64 first = 0; first < n; first += size)
    {
      guint valid = MIN (size, n - first);
      g_autoptr (GPtrArray) batch = NULL;
      for (guint i = 0; i < valid; i++)
        indices[i] = first + i;
      batch = pare_samples_stack (from, indices, valid, error);
      if (!batch || !pare_samples_add (to, (PareTensor **)batch->pdata, n_inputs, valid, error))
        return FALSE;
    }
  return TRUE;
}

/* Every layer at option @index, or its last; FALSE when none has few bits there. */
static gboolean
choose_all (const PareTuner *tuner, guint index, guint8 *choice)
{
  gboolean few = FALSE;

  for (guint i = 0; i < tuner->layers->len; i++)
    {
      const GArray *options = ((PareTuneLayer *)tuner->layers->pdata[i])->options;
      const PareTuneOption *option;
      choice[i] = MIN (index, options->len - 1);
      option = &g_array_index (options, PareTuneOption, choice[i]);
      few |= choice[i] == index && option->bits && option->bits < ENOUGH_BITS;
    }
  return few;
}

static guint
most_options (const PareTuner *tuner)
{
  guint most = 0;

  for (guint i = 0; i < tuner->layers->len; i++)
    most = MAX (most, ((PareTuneLayer *)tuner->layers->pdata[i])->options->len);
  return most;
}

static PareRounded *
round_option (const PareTuner *tuner, const guint8 *choice, PareSamples *samples, PareProgress progress,
              gpointer user_data, GError **error)
{
  g_autoptr (PareGraph) graph = pare_tuner_build (tuner, choice, error);
  PareRoundingSettings settings;

  pare_rounding_settings_init (&settings);
  settings.algorithm = tuner->settings->rounding;
  settings.memory_limit = tuner->settings->memory_limit;
  if (!graph || !pare_graph_round (graph, NULL, samples, &settings, progress, user_data, error))
    return NULL;
  return pare_rounded_new (graph, error);
}

gboolean
pare_tuner_round (PareTuner *tuner, PareSamples *samples, guint64 n, PareProgress progress, gpointer user_data,
                  GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (tuner->graph);
  g_autoptr (PareSamples) learn = pare_samples_new (inputs->len, tuner->settings->memory_limit);
  g_autofree guint8 *choice = g_new (guint8, tuner->layers->len);

  if (!keep_inputs (samples, n, inputs->len, learn, error))
    return FALSE;
  for (guint o = 0; o < most_options (tuner); o++)
    {
      PareRounded *rounded = NULL;
      if (choose_all (tuner, o, choice))
        {
          rounded = round_option (tuner, choice, learn, progress, user_data, error);
          if (!rounded)
            return FALSE;
        }
      g_ptr_array_add (tuner->rounded, rounded);
    }
  return TRUE;
}

gboolean
pare_tuner_apply_rounding (const PareTuner *tuner, PareGraph *graph, const guint8 *choice, GError **error)
{
  for (guint o = 0; o < tuner->rounded->len; o++)
    {
      const PareRounded *rounded = tuner->rounded->pdata[o];
      g_autoptr (GHashTable) labels = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; i < tuner->layers->len; i++)
        if (choice[i] == o)
          g_hash_table_add (labels, ((PareTuneLayer *)tuner->layers->pdata[i])->label);
      if (rounded && g_hash_table_size (labels) && !pare_rounded_apply (rounded, graph, labels, error))
        return FALSE;
    }
  return TRUE;
}
