/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Quantization that is driven by accuracy: as little of a network as possible is raised to meet a target, or bits are
 * shared out within a budget. */
#include "tune/tune.h"
#include "onnx/onnx.h"
#include "rounding/rounding.h"
#include "tune/budget.h"
#include "tune/configuration.h"
#include "tune/search.h"
#include "tune/tuner.h"
#include <math.h>
#include <string.h>

void
pare_tune_settings_init (PareTuneSettings *settings)
{
  *settings = (PareTuneSettings){ .target_drop = 0.1,
                                  .sensitivity_samples = 256,
                                  .rounding_samples = 512,
                                  .ladder = "8,float",
                                  .limit = 0.15,
                                  .candidates = "8,6,4",
                                  .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
  pare_quantize_settings_init (&settings->quantize);
}

static void
tuner_free (PareTuner *tuner)
{
  g_clear_pointer (&tuner->whole, pare_yardstick_free);
  g_clear_pointer (&tuner->brief, pare_yardstick_free);
  g_clear_pointer (&tuner->evaluation, pare_evaluation_free);
  g_clear_pointer (&tuner->layers, g_ptr_array_unref);
  g_ptr_array_unref (tuner->rounded);
  g_clear_pointer (&tuner->learn, pare_samples_free);
  g_clear_pointer (&tuner->chosen, pare_rounded_free);
  g_hash_table_unref (tuner->tried);
  g_object_unref (tuner->graph);
  g_free (tuner);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareTuner, tuner_free)

static const char *
metric_name (const PareTuner *tuner)
{
  const char *said = tuner->settings->metric;

  if (said && *said)
    return said;
  if (!pare_evaluation_has_classes (tuner->evaluation))
    return "sqnr";
  return pare_evaluation_has_labels (tuner->evaluation) ? "top1" : "agreement";
}

static PareYardstick *
yardstick (PareTuner *tuner, const char *name, guint64 n, gboolean hardest_first, GError **error)
{
  const PareMetric *metric = pare_metric_find (name, error);

  return metric ? pare_yardstick_new (tuner->evaluation, metric, n, hardest_first, error) : NULL;
}

static gboolean
rounds (const PareTuneSettings *settings)
{
  return settings->rounding && *settings->rounding && strcmp (settings->rounding, "none") != 0;
}

/* What costs nothing is checked before the float network runs. */
static gboolean
check_settings (const PareTuneSettings *settings, GError **error)
{
  if (settings->metric && *settings->metric && !pare_metric_find (settings->metric, error))
    return FALSE;
  if (settings->sensitivity && *settings->sensitivity && !pare_metric_find (settings->sensitivity, error))
    return FALSE;
  if (rounds (settings) && !pare_rounding_find (settings->rounding, TRUE, error))
    return FALSE;
  if (settings->budget == PARE_TUNE_BUDGET_NONE || settings->limit > 0)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "A budget needs a limit above 0: a share of what float32 takes up to 1, or above that bytes or bit "
               "operations.");
  return FALSE;
}

/* Those that only rounding looks at; the others only evaluation. */
static guint64
samples_apart (const PareTuneSettings *settings)
{
  return rounds (settings) ? settings->rounding_samples : 0;
}

static gboolean
check_samples (const PareTuneSettings *settings, PareSamples *samples, GError **error)
{
  if (pare_samples_count (samples) > samples_apart (settings))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
               "%" G_GUINT64_FORMAT " samples came, and rounding takes the first %u: give more, some of which are left "
               "to evaluate on, or lower rounding-samples.",
               pare_samples_count (samples), settings->rounding_samples);
  return FALSE;
}

static PareTuner *
tuner_new (PareGraph *graph, PareSamples *samples, const PareTuneSettings *settings, PareProgress progress,
           gpointer user_data, GError **error)
{
  g_autoptr (PareTuner) tuner = g_new0 (PareTuner, 1);
  guint64 apart = samples_apart (settings);

  tuner->graph = pare_graph_copy (graph);
  tuner->record = graph->record;
  tuner->settings = settings;
  tuner->progress = progress;
  tuner->user_data = user_data;
  tuner->rounded = pare_tuner_rounded_new ();
  tuner->tried = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
  if (!check_settings (settings, error) || !check_samples (settings, samples, error))
    return NULL;
  /* Whatever is wrong with ranges, layers and bits shows here. */
  tuner->layers = pare_tune_layers_new (tuner->graph, &settings->quantize, pare_samples_specs (samples), error);
  if (!tuner->layers)
    return NULL;
  if (!(settings->budget ? pare_tune_layers_offer (tuner->layers, settings->candidates, error)
                         : pare_tune_layers_climb (tuner->layers, settings->ladder, error)))
    return NULL;
  if (apart && !pare_tuner_round (tuner, samples, apart, error))
    return NULL;
  tuner->evaluation
      = pare_evaluation_new (tuner->graph, samples, apart, settings->memory_limit, progress, user_data, error);
  if (!tuner->evaluation)
    return NULL;
  tuner->whole = yardstick (tuner, metric_name (tuner), G_MAXUINT64, TRUE, error);
  return tuner->whole ? g_steal_pointer (&tuner) : NULL;
}

/* A first look that is needed only when layers have to be compared. */
static gboolean
rank (PareTuner *tuner, GError **error)
{
  const PareTuneSettings *settings = tuner->settings;
  const char *name = settings->sensitivity && *settings->sensitivity ? settings->sensitivity : "sqnr";
  double share, runs = 0;

  tuner->brief = yardstick (tuner, name, MAX (settings->sensitivity_samples, 1), FALSE, error);
  if (!tuner->brief)
    return FALSE;
  share = (double)tuner->brief->n / tuner->whole->n;
  for (guint i = 0; i < tuner->layers->len; i++)
    runs += ((PareTuneLayer *)tuner->layers->pdata[i])->options->len;
  /* Some halvings follow, most of which end early. */
  pare_evaluation_expect (tuner->evaluation, pare_evaluation_used (tuner->evaluation) + share * runs + log2 (1 + runs));
  return pare_tuner_rank (tuner, error);
}

/* A target */

/* Without evaluations left, nothing more is accepted. */
static gboolean
try_choice (const guint8 *choice, const char *step, gboolean *met, gpointer user_data, GError **error)
{
  PareTuner *tuner = user_data;
  const PareTuneTried *tried;

  *met = FALSE;
  if (pare_tuner_is_exhausted (tuner))
    return TRUE;
  tried = pare_tuner_try (tuner, choice, step, tuner->settings->target_drop * (1 + 1e-9), error);
  if (tried)
    *met = tried->met;
  return tried != NULL;
}

/* With every layer that was quantized at its last option in float, the float network is left. */
static gboolean
ends_in_float (const PareTuner *tuner)
{
  GHashTable *said = tuner->settings->quantize.layers;
  gboolean all = TRUE;

  for (guint i = 0; i < tuner->layers->len; i++)
    {
      const GArray *options = ((PareTuneLayer *)tuner->layers->pdata[i])->options;
      all &= g_array_index (options, PareTuneOption, options->len - 1).bits == 0;
    }
  return all && tuner->settings->target_drop >= 0 && !(said && g_hash_table_size (said));
}

static gboolean
set_missed (const PareTuner *tuner, GError **error)
{
  const PareTuneSettings *settings = tuner->settings;

  if (settings->allow_miss)
    return TRUE;
  if (pare_tuner_is_exhausted (tuner))
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "After %g evaluations no network was found that loses at most %g%% (%s): allow more of them with "
                 "max-evaluations, or take what there is with allow-miss=true.",
                 pare_evaluation_used (tuner->evaluation), settings->target_drop, tuner->whole->metric->name);
  else
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "The network loses more than %g%% (%s) even with all layers at the end of the ladder '%s': add float "
                 "to it, ask for less, or take what there is with allow-miss=true.",
                 settings->target_drop, tuner->whole->metric->name, settings->ladder);
  return FALSE;
}

static void
take_last (const PareTuner *tuner, guint8 *choice)
{
  for (guint i = 0; i < tuner->layers->len; i++)
    choice[i] = ((PareTuneLayer *)tuner->layers->pdata[i])->options->len - 1;
}

/* The float network, which every search could have had for nothing. */
static gboolean
is_given_up (const PareTuner *tuner, const guint8 *choice)
{
  g_autofree guint8 *last = g_new0 (guint8, tuner->layers->len + 1);

  take_last (tuner, last);
  return pare_tuner_is_exhausted (tuner) && memcmp (choice, last, tuner->layers->len) == 0;
}

static gboolean
meet_target (PareTuner *tuner, guint8 *choice, GError **error)
{
  gboolean found;
  double before = pare_evaluation_used (tuner->evaluation), miss_cost;

  if (!try_choice (choice, "all layers quantized", &found, tuner, error))
    return FALSE;
  if (found)
    return TRUE;
  miss_cost = pare_evaluation_used (tuner->evaluation) - before;
  if (!pare_tuner_is_exhausted (tuner)
      && (!rank (tuner, error)
          || !pare_tune_search (tuner->layers, ends_in_float (tuner), miss_cost, try_choice, tuner, choice, &found,
                                error)))
    return FALSE;
  if (found && !is_given_up (tuner, choice))
    return TRUE;
  take_last (tuner, choice);
  return set_missed (tuner, error);
}

/* A budget */

static guint
bits_of_activations (const PareTuneOption *option, const PareQuantizeSettings *settings)
{
  if (settings->weights_only)
    return 32;
  return option->activation_bits ? option->activation_bits : settings->activation_bits;
}

static void
set_prices (const PareTuner *tuner)
{
  const PareTuneSettings *settings = tuner->settings;

  for (guint i = 0; i < tuner->layers->len; i++)
    {
      PareTuneLayer *layer = tuner->layers->pdata[i];
      for (guint o = 0; o < layer->options->len; o++)
        {
          PareTuneOption *option = &g_array_index (layer->options, PareTuneOption, o);
          guint activations = bits_of_activations (option, &settings->quantize);
          option->price = settings->budget == PARE_TUNE_BUDGET_SIZE ? layer->parameters * option->bits / 8.0
                                                                    : (double)layer->macs * option->bits * activations;
        }
    }
}

/* The same for all layers in float32. */
static double
float_price (const PareTuner *tuner)
{
  double sum = 0;

  for (guint i = 0; i < tuner->layers->len; i++)
    {
      const PareTuneLayer *layer = tuner->layers->pdata[i];
      sum += tuner->settings->budget == PARE_TUNE_BUDGET_SIZE ? layer->parameters * 4.0 : layer->macs * 32.0 * 32.0;
    }
  return sum;
}

static gboolean
keep_budget (PareTuner *tuner, guint8 *choice, GError **error)
{
  const PareTuneSettings *settings = tuner->settings;
  double limit = settings->limit <= 1 ? settings->limit * float_price (tuner) : settings->limit;

  if (!rank (tuner, error))
    return FALSE;
  set_prices (tuner);
  if (!pare_tune_allocate (tuner->layers, limit, choice))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Even with the fewest of the bits %s everywhere the layers take %.4g of what they take in float32, "
                   "and the limit is %.4g: raise it, or add fewer bits to the candidates.",
                   settings->candidates, pare_tune_price (tuner->layers, choice) / float_price (tuner),
                   limit / float_price (tuner));
      return FALSE;
    }
  pare_record_add (tuner->record, "graphtuner", "", "shared out", "bits within a budget", "limit", limit, "used",
                   pare_tune_price (tuner->layers, choice), "share",
                   pare_tune_price (tuner->layers, choice) / float_price (tuner), "sensitivity",
                   pare_tune_sensitivity (tuner->layers, choice), NULL);
  return pare_tuner_round_choice (tuner, choice, error);
}

/* The end */

static gboolean
write_text (int fd, gpointer text, GError **error)
{
  return pare_write_all (fd, text, strlen (text), "the configuration", error);
}

static gboolean
write_configuration (const PareTuner *tuner, const guint8 *choice, GError **error)
{
  const PareTuneSettings *settings = tuner->settings;
  g_autofree char *text = NULL;

  if (!settings->configuration || !*settings->configuration)
    return TRUE;
  text = pare_configuration_text (tuner->layers, choice, &settings->quantize, error);
  return text && pare_replace_file (settings->configuration, write_text, text, error);
}

/* The drop of the choice, which may be known. The float network has none. */
static gboolean
measure_result (PareTuner *tuner, const guint8 *choice, PareTuneResult *result, GError **error)
{
  guint raised = pare_tuner_count_raised (tuner, choice);
  const PareTuneTried *tried = pare_tuner_try (tuner, choice, "the result", INFINITY, error);

  if (!tried)
    return FALSE;
  *result = (PareTuneResult){ .drop = tried->drop,
                              .met = tried->met,
                              .evaluations = pare_evaluation_used (tuner->evaluation),
                              .layers = tuner->layers->len,
                              .raised = raised };
  return TRUE;
}

gboolean
pare_graph_tune (PareGraph *graph, PareSamples *samples, const PareTuneSettings *settings, PareProgress progress,
                 gpointer user_data, PareTuneResult *result, GError **error)
{
  g_autoptr (PareTuner) tuner = tuner_new (graph, samples, settings, progress, user_data, error);
  g_autofree guint8 *choice = tuner ? g_new0 (guint8, tuner->layers->len) : NULL;
  PareTuneResult found;

  if (!tuner || !(settings->budget ? keep_budget (tuner, choice, error) : meet_target (tuner, choice, error))
      || !measure_result (tuner, choice, &found, error) || !write_configuration (tuner, choice, error))
    return FALSE;
  if (result)
    *result = found;
  pare_tuner_record_result (tuner, choice, &found);
  return pare_tuner_quantize (tuner, graph, choice, error);
}
