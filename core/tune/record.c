/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the tuner writes into the record: every trial, the ranking, and what was chosen. */
#include "tune/tuner.h"

#define STAGE "graphtuner"

void
pare_tuner_record_trial (const PareTuner *tuner, const guint8 *choice, const char *step, const PareTuneTried *tried,
                         double evaluations)
{
  pare_record_add (tuner->record, STAGE, "", tried->complete ? "evaluated" : "evaluated in part", step,
                   tried->complete ? "drop" : "drop_at_least", tried->drop, "met", (double)tried->met, "raised",
                   (double)pare_tuner_count_raised (tuner, choice), "evaluations", evaluations, NULL);
}

static double
first_sensitivity (gconstpointer layer)
{
  return g_array_index (((const PareTuneLayer *)layer)->options, PareTuneOption, 0).sensitivity;
}

/* 1 for the most sensitive one. */
static guint
rank_of (const PareTuner *tuner, guint index)
{
  double mine = first_sensitivity (tuner->layers->pdata[index]);
  guint rank = 1;

  for (guint i = 0; i < tuner->layers->len; i++)
    {
      double other = first_sensitivity (tuner->layers->pdata[i]);
      rank += other > mine || (other == mine && i < index);
    }
  return rank;
}

/* "sensitivity_w4", "sensitivity_w8a16". */
static char *
number_name (const PareTuneOption *option)
{
  if (!option->activation_bits)
    return g_strdup_printf ("sensitivity_w%u", option->bits);
  return g_strdup_printf ("sensitivity_w%ua%u", option->bits, option->activation_bits);
}

/* Its rank, and what each of its options would do to the network. */
static void
record_ranked (const PareTuner *tuner, guint index)
{
  const PareTuneLayer *layer = tuner->layers->pdata[index];
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));
  double rank = rank_of (tuner, index);

  g_ptr_array_add (names, g_strdup ("rank"));
  g_array_append_val (values, rank);
  for (guint o = 0; o < layer->options->len; o++)
    {
      const PareTuneOption *option = &g_array_index (layer->options, PareTuneOption, o);
      if (!option->bits)
        continue;
      g_ptr_array_add (names, number_name (option));
      g_array_append_val (values, option->sensitivity);
    }
  pare_record_add_numbers (tuner->record, STAGE, layer->label, "ranked", tuner->brief->metric->description, names->len,
                           (const char *const *)names->pdata, (const double *)values->data);
}

/* 0: float. */
static guint
activation_bits_of (const PareTuner *tuner, const PareTuneOption *option)
{
  if (!option->bits || tuner->settings->quantize.weights_only)
    return 0;
  return option->activation_bits ? option->activation_bits : tuner->settings->quantize.activation_bits;
}

void
pare_tuner_record_result (const PareTuner *tuner, const guint8 *choice, const PareTuneResult *result)
{
  for (guint i = 0; i < tuner->layers->len; i++)
    {
      const PareTuneLayer *layer = tuner->layers->pdata[i];
      const PareTuneOption *option = &g_array_index (layer->options, PareTuneOption, choice[i]);
      g_autofree char *name = pare_tune_option_name (option);
      if (tuner->brief)
        record_ranked (tuner, i);
      pare_record_add (tuner->record, STAGE, layer->label, "chosen", name, "weight_bits", (double)option->bits,
                       "activation_bits", (double)activation_bits_of (tuner, option), "parameters",
                       (double)layer->parameters, NULL);
    }
  pare_record_add (tuner->record, STAGE, "", "tuned", tuner->whole->metric->description, "drop", result->drop, "target",
                   tuner->settings->target_drop, "met", (double)result->met, "evaluations", result->evaluations,
                   "layers", (double)result->layers, "raised", (double)result->raised, "samples",
                   (double)tuner->whole->n, NULL);
}
