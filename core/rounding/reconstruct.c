/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradient descent on the rounding of a block's weights: minimizes
 *
 *   sum over channels of the mean squared error / mean square of the target + penalty sum (1 - |2 h - 1|^beta)
 *
 * where h says how far up each weight is. For the first fifth of the steps there is no penalty; then beta falls from
 * 20 to 2 along half a cosine, which leaves h free at first and drives it to 0 or 1 in the end. The error is relative,
 * so that networks of any scale learn alike. (Nagel et al., Up or Down?, 2020, (21) to (24), layer by layer; Li et al.,
 * BRECQ, 2021, block by block.) */
#include "rounding/reconstruct.h"
#include "ops/compute.h"
#include "exec/executor.h"
#include "ops/adaptiveround.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "rounding/minibatches.h"
#include "train/optimizer.h"
#include "train/target.h"
#include <math.h>
#include <string.h>

#define WARM_UP 0.2
#define BETA_START 20.0
#define BETA_END 2.0
/* Far on either side, where h is 0 or 1. */
#define DECIDED 10.0f

typedef struct
{
  PareRoundingWork *work;
  const PareReconstruction *how;
  PareSoftBlock *soft;
  PareMinibatches *minibatches;
  PareExecutor *training, *judging;
  const PareOptimizer *optimizer;
  PareOptimizerSettings optimizer_settings;
  guint iterations;
  double rate;
  double *rates;     /* of what activations learn */
  double importance; /* of the loss, in multiples of mse */
} Learning;

/* Running the block's graphs */

static PareTensor *
target_of (const Learning *learning, const GPtrArray *batch)
{
  return batch->pdata[learning->soft->block->inputs->len];
}

/* What both graphs take: a batch, the weights of its samples, the parameters. */
static GPtrArray *
gather (const Learning *learning, const GPtrArray *batch, guint valid)
{
  const GPtrArray *parameters = learning->soft->parameters;
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  gint64 rows = target_of (learning, batch)->shape.dims[0];
  guint size = pare_walk_batch_size (learning->work->student);

  g_ptr_array_extend (inputs, (GPtrArray *)batch, (GCopyFunc)(GCallback)pare_tensor_ref, NULL);
  g_ptr_array_add (inputs, pare_target_weights (rows, MAX (rows * valid / size, 1)));
  for (guint i = 0; i < parameters->len; i++)
    g_ptr_array_add (inputs, pare_tensor_ref (((PareParameter *)parameters->pdata[i])->tensor));
  return inputs;
}

static void
tensor_clear (gpointer tensor)
{
  if (tensor)
    pare_tensor_unref (tensor);
}

static GPtrArray *
run (const Learning *learning, PareExecutor *executor, guint n_outputs, const GPtrArray *batch, guint valid,
     GError **error)
{
  g_autoptr (GPtrArray) inputs = gather (learning, batch, valid);
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func (tensor_clear);
  double loss;

  g_ptr_array_set_size (outputs, n_outputs);
  if (!pare_executor_run (executor, (PareTensor **)inputs->pdata, inputs->len, (PareTensor **)outputs->pdata, error))
    return NULL;
  loss = pare_tensor_get_double (outputs->pdata[0], 0);
  if (isfinite (loss))
    return g_steal_pointer (&outputs);
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "The output of '%s' is not finite: check the samples, their normalization and the weights.",
               learning->soft->block->name);
  return NULL;
}

/* Judging */

/* The mean loss over all samples. */
static gboolean
judge (const Learning *learning, double *result, GError **error)
{
  guint n = pare_minibatches_count (learning->minibatches), valid, total = 0;

  *result = 0;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GPtrArray) batch = pare_minibatches_get (learning->minibatches, i, &valid, error);
      g_autoptr (GPtrArray) outputs = batch ? run (learning, learning->judging, 1, batch, valid, error) : NULL;
      if (!outputs)
        return FALSE;
      *result += valid * pare_tensor_get_double (outputs->pdata[0], 0);
      total += valid;
    }
  *result /= total;
  return TRUE;
}

/* Every weight to the neighbour that is closer by now. */
static void
decide (const Learning *learning)
{
  for (guint i = 0; i < learning->soft->layers->len; i++)
    {
      PareParameter *parameter = learning->soft->parameters->pdata[i];
      for (gint64 k = 0; k < parameter->n; k++)
        parameter->data[k] = parameter->data[k] > 0 ? DECIDED : -DECIDED;
    }
}

/* Present numbers of all parameters, and putting them back. */
static void
exchange (const Learning *learning, GPtrArray *kept, gboolean restore)
{
  for (guint i = 0; i < learning->soft->parameters->len; i++)
    {
      PareParameter *parameter = learning->soft->parameters->pdata[i];
      gsize size = parameter->n * sizeof (float);
      if (restore)
        memcpy (parameter->data, kept->pdata[i], size);
      else
        g_ptr_array_add (kept, g_memdup2 (parameter->data, size));
    }
}

/* One step */

typedef struct
{
  float *gradient;
  const float *v;
  float scale, penalty, beta;
} Slopes;

#define PIECE 4096

/* d/dv of penalty (1 - |2 h - 1|^beta) is -2 penalty beta |2 h - 1|^(beta - 1) sign (2 h - 1) h'. */
static void
add_penalty (gint64 from, gint64 to, gconstpointer data)
{
  const Slopes *slopes = data;
  float h[PIECE], dh[PIECE];

  pare_adaptive_round_shares (to - from, slopes->v + from, h, dh);
  for (gint64 i = from; i < to; i++)
    {
      float side = 2 * h[i - from] - 1, size = fabsf (side), pull = 0;
      if (slopes->penalty > 0 && size > 0 && dh[i - from] > 0)
        pull = 2 * slopes->penalty * slopes->beta * pare_expf ((slopes->beta - 1) * logf (size)) * dh[i - from];
      slopes->gradient[i] = slopes->gradient[i] * slopes->scale - (side > 0 ? pull : -pull);
    }
}

/* From 1 to 0 along half a cosine. */
static double
half_cosine (double along)
{
  return (1 + cos (G_PI * along)) / 2;
}

static void
descend (const Learning *learning, guint step, PareParameter *parameter, double rate, double scale,
         const PareTensor *gradient)
{
  PareUpdate update = { .step = step + 1,
                        .rate = rate,
                        .gradient_scale = scale,
                        .n = parameter->n,
                        .weights = parameter->data,
                        .gradient = pare_tensor_data (gradient) };

  memcpy (update.state, parameter->state, sizeof update.state);
  pare_optimizer_run (learning->optimizer, &learning->optimizer_settings, &update);
}

static void
update_rounding (const Learning *learning, guint step, guint index, PareTensor *gradient)
{
  PareParameter *parameter = learning->soft->parameters->pdata[index];
  double warm = WARM_UP * learning->iterations, along = (step - warm) / MAX (learning->iterations - warm, 1);
  Slopes slopes = { .gradient = (float *)pare_tensor_data (gradient),
                    .v = parameter->data,
                    .scale = learning->importance,
                    .penalty = step < warm ? 0 : learning->how->penalty,
                    .beta = BETA_END + (BETA_START - BETA_END) * half_cosine (along) };

  pare_parallel (parameter->n, PIECE, add_penalty, &slopes);
  descend (learning, step, parameter, learning->rate, 1, gradient);
}

static void
update_activation (const Learning *learning, guint step, guint index, PareTensor *gradient)
{
  double rate = learning->rates[index - learning->soft->layers->len];

  descend (learning, step, learning->soft->parameters->pdata[index],
           rate * half_cosine ((double)step / learning->iterations), learning->importance, gradient);
}

/* Of all steps, on the compute thread. */
typedef struct
{
  const Learning *learning;
  guint step;
  const GPtrArray *batch;
  guint valid;
} Step;

static gboolean
run_step (gpointer data, GError **error)
{
  const Step *step = data;
  const Learning *learning = step->learning;
  guint n = learning->soft->parameters->len;
  g_autoptr (GPtrArray) outputs = run (learning, learning->training, 1 + n, step->batch, step->valid, error);

  for (guint i = 0; outputs && i < n; i++)
    (i < learning->soft->layers->len ? update_rounding : update_activation) (learning, step->step, i,
                                                                             outputs->pdata[1 + i]);
  return outputs != NULL;
}

static gboolean
learn (const Learning *learning, GError **error)
{
  Step step = { .learning = learning };

  for (; step.step < learning->iterations; step.step++)
    {
      g_autoptr (GPtrArray) batch = pare_minibatches_draw (learning->minibatches, &step.valid, error);
      step.batch = batch;
      if (!batch || !pare_compute (run_step, &step, error)
          || !pare_rounding_work_report (learning->work, step.step + 1, learning->iterations, error))
        return FALSE;
    }
  return TRUE;
}

/* The whole */

/* What the mean squared error counts: channels of the output / mean square of the target. */
static gboolean
weigh (Learning *learning, GError **error)
{
  const PareRoundingLayer *last = learning->soft->layers->pdata[learning->soft->layers->len - 1];
  guint valid;
  g_autoptr (GPtrArray) batch = pare_minibatches_get (learning->minibatches, 0, &valid, error);
  const PareTensor *target = batch ? target_of (learning, batch) : NULL;
  const float *numbers = target ? pare_tensor_data (target) : NULL;
  double sum = 0;

  if (!batch)
    return FALSE;
  for (gint64 i = 0; i < pare_tensor_elements (target); i++)
    sum += (double)numbers[i] * numbers[i];
  sum /= MAX (pare_tensor_elements (target), 1);
  learning->importance = sum > 0 ? last->matrix.groups * last->matrix.outputs / sum : 1;
  return TRUE;
}

/* Those of steps, and of offsets behind their step, are in proportion to the step. */
static void
set_rates (Learning *learning)
{
  const GPtrArray *parameters = learning->soft->parameters;
  guint first = learning->soft->layers->len;
  double step = 0;

  learning->rates = g_new0 (double, MAX (parameters->len - first, 1));
  for (guint i = first; i < parameters->len; i++)
    {
      const PareParameter *parameter = parameters->pdata[i];
      if (parameter->kind == PARE_PARAMETER_QUANTIZER)
        step = fabsf (parameter->data[0]);
      learning->rates[i - first] = learning->how->activation_rate * step;
    }
}

static gboolean
prepare (Learning *learning, GError **error)
{
  const PareRoundingSettings *settings = learning->work->settings;
  const GPtrArray *parameters = learning->soft->parameters;

  learning->optimizer = pare_optimizer_find ("adam", error);
  pare_optimizer_settings_init (&learning->optimizer_settings);
  learning->iterations = settings->iterations ? settings->iterations : learning->how->iterations;
  learning->rate = settings->learning_rate > 0 ? settings->learning_rate : learning->how->learning_rate;
  for (guint i = 0; i < parameters->len; i++)
    pare_parameter_add_states (parameters->pdata[i], PARE_OPTIMIZER_STATES);
  set_rates (learning);
  learning->minibatches
      = pare_minibatches_new (learning->work->student, learning->work->original, learning->soft->block,
                              learning->soft->mixes, settings->memory_limit / 4, settings->seed, error);
  return learning->optimizer && learning->minibatches && weigh (learning, error);
}

/* Learns and decides; back to where it started unless the decided block is better than the nearest one was. */
static gboolean
reconstruct (Learning *learning, GError **error)
{
  g_autoptr (GPtrArray) start = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) nearest = g_ptr_array_new_with_free_func (g_free);
  double before, after;

  exchange (learning, start, FALSE);
  decide (learning);
  exchange (learning, nearest, FALSE);
  if (!judge (learning, &before, error))
    return FALSE;
  exchange (learning, start, TRUE);
  if (!learn (learning, error))
    return FALSE;
  decide (learning);
  if (!judge (learning, &after, error))
    return FALSE;
  if (!(after < before))
    exchange (learning, nearest, TRUE);
  g_debug ("%s: %g -> %g", learning->soft->block->name, before, after);
  return TRUE;
}

gboolean
pare_rounding_reconstruct (PareRoundingWork *work, guint first, guint n, const PareReconstruction *how, GError **error)
{
  g_autoptr (PareSoftBlock) soft = NULL;
  Learning learning = { .work = work, .how = how };
  gboolean done;

  if (!(soft = pare_soft_block_new (work, first, n, &how->block, error)))
    return FALSE;
  learning.soft = soft;
  learning.training = pare_executor_new (soft->training);
  learning.judging = pare_executor_new (soft->judging);
  done = prepare (&learning, error) && reconstruct (&learning, error);
  for (guint i = 0; done && i < soft->layers->len; i++)
    {
      g_autofree double *weights = pare_soft_block_decide (soft, i);
      pare_rounding_layer_write (work->graph, soft->layers->pdata[i], weights);
    }
  if (done)
    pare_soft_block_write_activations (soft, work->graph);
  g_free (learning.rates);
  pare_executor_free (learning.training);
  pare_executor_free (learning.judging);
  g_clear_pointer (&learning.minibatches, pare_minibatches_free);
  return done;
}
