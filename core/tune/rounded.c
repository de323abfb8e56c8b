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
round_all (const PareTuner *tuner, const guint8 *choice, GError **error)
{
  g_autoptr (PareGraph) graph = pare_tuner_build (tuner, choice, error);
  PareRoundingSettings settings;

  pare_rounding_settings_init (&settings);
  settings.algorithm = tuner->settings->rounding;
  settings.memory_limit = tuner->settings->memory_limit;
  if (!graph || !pare_graph_round (graph, NULL, tuner->learn, &settings, tuner->progress, tuner->user_data, error))
    return NULL;
  return pare_rounded_new (graph, error);
}

static void
clear_rounded (gpointer rounded)
{
  if (rounded)
    pare_rounded_free (rounded);
}

GPtrArray *
pare_tuner_rounded_new (void)
{
  return g_ptr_array_new_with_free_func (clear_rounded);
}

gboolean
pare_tuner_round (PareTuner *tuner, PareSamples *samples, guint64 n, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (tuner->graph);
  g_autoptr (GPtrArray) rounded = pare_tuner_rounded_new ();
  g_autofree guint8 *choice = g_new (guint8, tuner->layers->len);

  tuner->learn = pare_samples_new (inputs->len, tuner->settings->memory_limit);
  if (!keep_inputs (samples, n, inputs->len, tuner->learn, error))
    return FALSE;
  for (guint o = 0; o < most_options (tuner); o++)
    {
      const gboolean few = choose_all (tuner, o, choice);
      PareRounded *option = few ? round_all (tuner, choice, error) : NULL;
      if (few && !option)
        return FALSE;
      g_ptr_array_add (rounded, option);
    }
  /* Only now, since each is rounded from float weights. */
  g_ptr_array_extend_and_steal (tuner->rounded, g_steal_pointer (&rounded));
  return TRUE;
}

gboolean
pare_tuner_round_choice (PareTuner *tuner, const guint8 *choice, GError **error)
{
  if (!tuner->learn)
    return TRUE;
  g_ptr_array_set_size (tuner->rounded, 0);
  tuner->chosen = round_all (tuner, choice, error);
  return tuner->chosen != NULL;
}

/* The layers at option @index; or all with -1. */
static GHashTable *
labels_at (const PareTuner *tuner, const guint8 *choice, int index)
{
  GHashTable *labels = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < tuner->layers->len; i++)
    if (index < 0 || choice[i] == index)
      g_hash_table_add (labels, ((PareTuneLayer *)tuner->layers->pdata[i])->label);
  return labels;
}

gboolean
pare_tuner_apply_rounding (const PareTuner *tuner, PareGraph *graph, const guint8 *choice, GError **error)
{
  if (tuner->chosen)
    {
      g_autoptr (GHashTable) all = labels_at (tuner, choice, -1);
      return pare_rounded_apply (tuner->chosen, graph, all, error);
    }
  for (guint o = 0; o < tuner->rounded->len; o++)
    {
      const PareRounded *rounded = tuner->rounded->pdata[o];
      g_autoptr (GHashTable) labels = labels_at (tuner, choice, o);
      if (rounded && g_hash_table_size (labels) && !pare_rounded_apply (rounded, graph, labels, error))
        return FALSE;
    }
  return TRUE;
}
