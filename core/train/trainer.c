/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The training step: run the training graph, check, clip, update. */
#include "train/trainer.h"
#include "ops/compute.h"
#include "exec/executor.h"
#include "ops/parallel.h"
#include "quantize/trainable.h"
#include "train/divergence.h"
#include "train/labelled.h"
#include "train/mask.h"
#include "train/traininggraph.h"
#include <math.h>
#include <string.h>

/* Outputs of the training graph. */
enum
{
  LOSS,
  SCORES,
  REST
};

struct _PareTrainer
{
  PareTrainSettings settings;
  const PareLoss *loss;
  const PareOptimizer *optimizer;
  const PareSchedule *schedule;
  PareTrainable trainable;
  PareGraph *network; /* with opened quantizers */
  int quantizers;     /* how many */
  PareTrainingGraph *training;
  PareLabelled *labelled;
  PareExecutor *executor;
  guint64 steps, samples;
  gboolean diverged;
};

void
pare_train_settings_init (PareTrainSettings *settings)
{
  *settings = (PareTrainSettings){ .loss = "cross-entropy",
                                   .optimizer = "sgd",
                                   .schedule = "constant",
                                   .quantizers = "lsq",
                                   .learning_rate = 0.01,
                                   .quantizer_rate = 0.01,
                                   .mask_decay = 2e-4 };
  pare_optimizer_settings_init (&settings->optimizer_settings);
}

static gboolean
find_methods (PareTrainer *trainer, GError **error)
{
  const PareTrainSettings *settings = &trainer->settings;

  return (trainer->loss = pare_loss_find (settings->loss, error))
         && (trainer->optimizer = pare_optimizer_find (settings->optimizer, error))
         && (trainer->schedule = pare_schedule_find (settings->schedule, error))
         && pare_trainable_find (settings->quantizers, &trainer->trainable, error);
}

static gboolean
open_quantizers (const PareTrainer *trainer, PareGraph *graph, int *n, GError **error)
{
  pare_graph_take_constants (graph);
  *n = pare_graph_open_quantizers (graph, trainer->trainable, error);
  return *n >= 0;
}

PareTrainer *
pare_trainer_new (const PareGraph *graph, const PareTrainSettings *settings, GError **error)
{
  g_autoptr (PareTrainer) trainer = g_new0 (PareTrainer, 1);

  trainer->settings = *settings;
  if (!find_methods (trainer, error))
    return NULL;
  trainer->network = pare_graph_copy (graph);
  if (!open_quantizers (trainer, trainer->network, &trainer->quantizers, error))
    return NULL;
  trainer->training = pare_training_graph_new (trainer->network, settings, trainer->loss, error);
  if (!trainer->training)
    return NULL;
  for (guint i = 0; i < trainer->training->n_trained; i++)
    pare_parameter_add_states (trainer->training->parameters->pdata[i], trainer->optimizer->states);
  trainer->labelled = pare_labelled_new (trainer->network, trainer->loss);
  trainer->executor = pare_executor_new (trainer->training->graph);
  return g_steal_pointer (&trainer);
}

void
pare_trainer_free (PareTrainer *trainer)
{
  g_clear_pointer (&trainer->executor, pare_executor_free);
  g_clear_pointer (&trainer->labelled, pare_labelled_free);
  g_clear_pointer (&trainer->training, pare_training_graph_free);
  g_clear_object (&trainer->network);
  g_free (trainer);
}

void
pare_trainer_set_length (PareTrainer *trainer, guint64 epoch, guint64 total)
{
  trainer->settings.schedule_settings.epoch = epoch;
  trainer->settings.schedule_settings.total = total;
}

gboolean
pare_trainer_needs_length (const PareTrainer *trainer)
{
  return trainer->schedule->needs_total;
}

guint64
pare_trainer_steps (const PareTrainer *trainer)
{
  return trainer->steps;
}

gboolean
pare_trainer_has_diverged (const PareTrainer *trainer)
{
  return trainer->diverged;
}

guint
pare_trainer_parameters (const PareTrainer *trainer)
{
  return trainer->training->n_trained;
}

/* The tensors that the training graph takes: samples, target, weights, parameters. */
static GPtrArray *
gather_inputs (PareTrainer *trainer, PareTensor *const *batch, guint n, guint valid, GError **error)
{
  const GPtrArray *parameters = trainer->training->parameters;
  GPtrArray *inputs = pare_labelled_inputs (trainer->labelled, batch, n, valid, trainer->samples, error);

  for (guint i = 0; inputs && i < parameters->len; i++)
    g_ptr_array_add (inputs, pare_tensor_ref (((PareParameter *)parameters->pdata[i])->tensor));
  return inputs;
}

/* The gradient's length */

typedef struct
{
  const float *numbers;
  gint64 n;
  double *sums;
} Squares;

#define SQUARES_PIECE 16384

static void
square_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Squares *squares = data;
  double sum = 0;

  for (gint64 i = from; i < to; i++)
    sum += (double)squares->numbers[i] * squares->numbers[i];
  squares->sums[from / SQUARES_PIECE] = sum;
}

/* In pieces of a fixed size and then in order, so that the number of threads does not show. */
static double
sum_of_squares (const float *numbers, gint64 n)
{
  gint64 pieces = (n + SQUARES_PIECE - 1) / SQUARES_PIECE;
  g_autofree double *sums = g_new0 (double, MAX (pieces, 1));
  Squares squares = { numbers, n, sums };
  double total = 0;

  pare_parallel (n, SQUARES_PIECE, square_piece, &squares);
  for (gint64 i = 0; i < pieces; i++)
    total += sums[i];
  return total;
}

/* One step, on the compute thread */

typedef struct
{
  PareTrainer *trainer;
  GPtrArray *inputs;
  GPtrArray *outputs;
  PareTrainStep *step;
} Work;

static PareTensor *
gradient_of (const Work *work, guint index)
{
  const PareTrainingGraph *training = work->trainer->training;

  return work->outputs->pdata[REST + training->parameters->len - training->n_trained + index];
}

static double
gradient_norm (const Work *work)
{
  double total = 0;

  for (guint i = 0; i < work->trainer->training->n_trained; i++)
    {
      PareTensor *gradient = gradient_of (work, i);
      total += sum_of_squares (pare_tensor_data (gradient), pare_tensor_elements (gradient));
    }
  return sqrt (total);
}

static double
rate_of (const PareTrainSettings *settings, const PareParameter *parameter)
{
  if (parameter->kind == PARE_PARAMETER_WEIGHT_QUANTIZER && settings->weight_quantizer_rate > 0)
    return settings->weight_quantizer_rate;
  return parameter->kind == PARE_PARAMETER_QUANTIZER || parameter->kind == PARE_PARAMETER_WEIGHT_QUANTIZER
             ? settings->quantizer_rate
             : settings->learning_rate;
}

static void
update_parameter (const Work *work, guint index, double factor, double scale)
{
  const PareTrainer *trainer = work->trainer;
  PareParameter *parameter = trainer->training->parameters->pdata[index];
  const PareTrainSettings *settings = &trainer->settings;
  PareUpdate update = { .step = trainer->steps + 1,
                        .rate = factor * rate_of (settings, parameter),
                        .decay = parameter->kind == PARE_PARAMETER_WEIGHT ? settings->weight_decay : 0,
                        .gradient_scale = scale,
                        .n = parameter->n,
                        .weights = parameter->data,
                        .gradient = pare_tensor_data (gradient_of (work, index)) };

  memcpy (update.state, parameter->state, sizeof update.state);
  pare_parameter_decay_masked (parameter, settings->mask_decay, (float *)update.gradient);
  pare_optimizer_run (trainer->optimizer, &settings->optimizer_settings, &update);
  if (pare_parameter_draws_mask (parameter, update.step))
    pare_parameter_draw_mask (parameter);
  pare_parameter_apply_mask (parameter);
}

/* A parameter that the step made infinite or no number, or NULL. */
static const PareParameter *
find_overflow (const PareTrainingGraph *training)
{
  for (guint i = 0; i < training->n_trained; i++)
    {
      const PareParameter *parameter = training->parameters->pdata[i];
      if (!isfinite (sum_of_squares (parameter->data, parameter->n)))
        return parameter;
    }
  return NULL;
}

static void
take_statistics (const Work *work)
{
  const PareTrainingGraph *training = work->trainer->training;

  for (guint i = training->n_trained; i < training->parameters->len; i++)
    {
      PareParameter *parameter = training->parameters->pdata[i];
      PareTensor *next = work->outputs->pdata[REST + i - training->n_trained];
      memcpy (parameter->data, pare_tensor_data (next), pare_tensor_size (next));
    }
}

static gboolean
run_step (gpointer data, GError **error)
{
  Work *work = data;
  PareTrainer *trainer = work->trainer;
  PareTrainStep *step = work->step;
  double clip = trainer->settings.clip_norm, factor;
  const PareParameter *overflown;

  if (!pare_executor_run (trainer->executor, (PareTensor **)work->inputs->pdata, work->inputs->len,
                          (PareTensor **)work->outputs->pdata, error))
    return FALSE;
  factor = pare_schedule_factor (trainer->schedule, &trainer->settings.schedule_settings, trainer->steps);
  step->step = trainer->steps + 1;
  step->loss = pare_tensor_get_double (work->outputs->pdata[LOSS], 0);
  step->rate = factor * trainer->settings.learning_rate;
  step->correct = pare_labelled_correct (trainer->labelled, work->inputs, work->outputs->pdata[SCORES], step->samples);
  step->norm = gradient_norm (work);
  trainer->diverged = !isfinite (step->loss) || !isfinite (step->norm);
  if (trainer->diverged)
    {
      pare_set_divergence_error (error, trainer->training->graph, (PareTensor **)work->inputs->pdata, work->inputs->len,
                                 step->step);
      return FALSE;
    }
  for (guint i = 0; i < trainer->training->n_trained; i++)
    update_parameter (work, i, factor, clip > 0 && step->norm > clip ? clip / step->norm : 1);
  take_statistics (work);
  overflown = find_overflow (trainer->training);
  trainer->diverged = overflown != NULL;
  if (overflown)
    pare_set_overflow_error (error, overflown->value, step->step);
  return !overflown;
}

static void
tensor_clear (gpointer tensor)
{
  if (tensor)
    pare_tensor_unref (tensor);
}

gboolean
pare_trainer_step (PareTrainer *trainer, PareTensor *const *batch, guint n, guint valid, PareTrainStep *step,
                   GError **error)
{
  g_autoptr (GPtrArray) inputs = gather_inputs (trainer, batch, n, valid, error);
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func (tensor_clear);
  Work work = { trainer, inputs, outputs, step };

  if (!inputs)
    return FALSE;
  *step = (PareTrainStep){ .samples = valid };
  g_ptr_array_set_size (outputs, trainer->training->graph->outputs->len);
  if (!pare_compute (run_step, &work, error))
    return FALSE;
  trainer->steps++;
  trainer->samples += valid;
  return TRUE;
}

gboolean
pare_trainer_apply (const PareTrainer *trainer, PareGraph *graph, GError **error)
{
  int n;

  if (!open_quantizers (trainer, graph, &n, error))
    return FALSE;
  pare_parameters_apply (trainer->training->parameters, graph);
  return !n || pare_graph_close_quantizers (graph, error);
}

/* State */

static GVariant *
floats_variant (const float *numbers, gint64 n)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, numbers, n * sizeof *numbers, 1);
}

static GVariant *
parameters_variant (const PareTrainer *trainer, gboolean states)
{
  const GPtrArray *parameters = trainer->training->parameters;
  GVariantBuilder all;

  g_variant_builder_init (&all, G_VARIANT_TYPE ("a(saay)"));
  for (guint i = 0; i < parameters->len; i++)
    {
      const PareParameter *parameter = parameters->pdata[i];
      g_variant_builder_open (&all, G_VARIANT_TYPE ("(saay)"));
      g_variant_builder_add (&all, "s", parameter->value->name);
      g_variant_builder_open (&all, G_VARIANT_TYPE ("aay"));
      g_variant_builder_add_value (
          &all, floats_variant (states ? parameter->data : pare_tensor_data (parameter->tensor), parameter->n));
      for (guint k = 0; states && k < PARE_OPTIMIZER_STATES && parameter->state[k]; k++)
        g_variant_builder_add_value (&all, floats_variant (parameter->state[k], parameter->n));
      if (states && parameter->mask)
        g_variant_builder_add_value (&all, floats_variant (parameter->mask, parameter->n));
      g_variant_builder_close (&all);
      g_variant_builder_close (&all);
    }
  return g_variant_builder_end (&all);
}

/* Whether @numbers holds the first @n of a parameter's arrays. */
static gboolean
arrays_fit (const PareParameter *parameter, const char *name, GVariant *numbers, guint n)
{
  gboolean fits = strcmp (parameter->value->name, name) == 0 && g_variant_n_children (numbers) == n;

  for (guint k = 0; fits && k < n; k++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (numbers, k);
      fits = g_variant_get_size (child) == parameter->n * sizeof (float);
    }
  return fits;
}

static gboolean
restore_parameter (PareParameter *parameter, GVariant *entry, guint n_states, gboolean states)
{
  g_autoptr (GVariant) numbers = g_variant_get_child_value (entry, 1);
  float *arrays[PARE_OPTIMIZER_STATES + 2] = { parameter->data };
  guint n = 1;
  const char *name;

  for (guint k = 0; k < n_states; k++)
    arrays[n++] = parameter->state[k];
  if (states && parameter->mask)
    arrays[n++] = parameter->mask;
  g_variant_get_child (entry, 0, "&s", &name);
  if (!arrays_fit (parameter, name, numbers, n))
    return FALSE;
  for (guint k = 0; k < n && parameter->n; k++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (numbers, k);
      memcpy (arrays[k], g_variant_get_data (child), parameter->n * sizeof (float));
    }
  if (!states && parameter->mask)
    pare_parameter_draw_mask (parameter);
  pare_parameter_apply_mask (parameter);
  return TRUE;
}

static gboolean
restore_parameters (PareTrainer *trainer, GVariant *all, gboolean states, GError **error)
{
  const GPtrArray *parameters = trainer->training->parameters;
  gboolean fits
      = g_variant_is_of_type (all, G_VARIANT_TYPE ("a(saay)")) && g_variant_n_children (all) == parameters->len;

  for (guint i = 0; fits && i < parameters->len; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (all, i);
      fits = restore_parameter (parameters->pdata[i], entry,
                                states && i < trainer->training->n_trained ? trainer->optimizer->states : 0, states);
    }
  if (!fits)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "The weights belong to another network or to another optimizer than %s.", trainer->optimizer->name);
  return fits;
}

GVariant *
pare_trainer_get_weights (const PareTrainer *trainer)
{
  return g_variant_ref_sink (parameters_variant (trainer, FALSE));
}

gboolean
pare_trainer_set_weights (PareTrainer *trainer, GVariant *weights, GError **error)
{
  return restore_parameters (trainer, weights, FALSE, error);
}

GVariant *
pare_trainer_get_state (const PareTrainer *trainer)
{
  return g_variant_ref_sink (g_variant_new ("(stt@a(saay))", trainer->optimizer->name, trainer->steps, trainer->samples,
                                            parameters_variant (trainer, TRUE)));
}

gboolean
pare_trainer_set_state (PareTrainer *trainer, GVariant *state, GError **error)
{
  g_autoptr (GVariant) parameters = NULL;
  const char *optimizer;

  g_variant_get (state, "(&stt@a(saay))", &optimizer, &trainer->steps, &trainer->samples, &parameters);
  return restore_parameters (trainer, parameters, TRUE, error);
}
