/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Runs a network with some layers changed, and compares its outputs. */
#include "sparsify/effect.h"
#include "data/batch.h"

/* More say little more: the error of the outputs is a sum over all of them. */
#define SAMPLES 128

struct _PareEffect
{
  PareGraph *graph;
  GPtrArray *batches; /* of inputs, each of PareTensor */
  GPtrArray *outputs; /* likewise: what the network computes */
  guint *valid;       /* by batch: samples that are no repetition */
  double energy;
};

void
pare_effect_free (PareEffect *effect)
{
  g_object_unref (effect->graph);
  g_ptr_array_unref (effect->batches);
  g_ptr_array_unref (effect->outputs);
  g_free (effect->valid);
  g_free (effect);
}

static gboolean
stack_batches (PareEffect *effect, PareSamples *samples, GError **error)
{
  guint size = pare_samples_batch (samples);
  guint64 n = MIN (pare_samples_count (samples), MAX (SAMPLES, size));
  g_autofree guint64 *order = g_new (guint64, size);

  effect->valid = g_new (guint, (n + size - 1) / size);
  for (guint64 first = 0; first < n; first += size)
    {
      guint valid = MIN (size, n - first);
      GPtrArray *batch;
      for (guint i = 0; i < valid; i++)
        order[i] = first + i;
      batch = pare_samples_stack (samples, order, valid, error);
      if (!batch)
        return FALSE;
      effect->valid[effect->batches->len] = valid;
      g_ptr_array_add (effect->batches, batch);
    }
  return TRUE;
}

static GPtrArray *
run (const PareEffect *effect, PareGraph *graph, GError **error)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);

  for (guint b = 0; b < effect->batches->len; b++)
    {
      GPtrArray *batch = effect->batches->pdata[b];
      GPtrArray *outputs = pare_batch_run (graph, executor, (PareTensor **)batch->pdata, batch->len, error);
      if (!outputs)
        return NULL;
      g_ptr_array_add (all, outputs);
    }
  return g_steal_pointer (&all);
}

/* Elements of the valid samples of output @output in batch @batch; NULL and 0 unless it is of float32. */
static const float *
numbers_of (const PareEffect *effect, GPtrArray *all, guint batch, guint output, gint64 *n)
{
  GPtrArray *outputs = all->pdata[batch], *inputs = effect->batches->pdata[batch];
  const PareTensor *tensor = outputs->pdata[output];
  gint64 size = ((PareTensor *)inputs->pdata[0])->shape.dims[0];

  *n = tensor->type == PARE_FLOAT32 ? pare_tensor_elements (tensor) / MAX (size, 1) * effect->valid[batch] : 0;
  return *n ? pare_tensor_data (tensor) : NULL;
}

/* The variance of each output, over samples and elements together, times the number of both. */
static double
measure_energy (const PareEffect *effect)
{
  double energy = 0;

  for (guint o = 0; o < effect->graph->outputs->len; o++)
    {
      double sum = 0, squares = 0, count = 0;
      for (guint b = 0; b < effect->outputs->len; b++)
        {
          gint64 n;
          const float *y = numbers_of (effect, effect->outputs, b, o, &n);
          for (gint64 i = 0; i < n; i++)
            {
              sum += y[i];
              squares += (double)y[i] * y[i];
            }
          count += n;
        }
      energy += squares - (count ? sum * sum / count : 0);
    }
  return energy;
}

PareEffect *
pare_effect_new (PareGraph *graph, PareSamples *samples, GError **error)
{
  g_autoptr (PareEffect) effect = g_new0 (PareEffect, 1);

  effect->graph = g_object_ref (graph);
  effect->batches = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  effect->outputs = g_ptr_array_new ();
  if (!stack_batches (effect, samples, error))
    return NULL;
  g_ptr_array_unref (effect->outputs);
  effect->outputs = run (effect, graph, error);
  if (!effect->outputs)
    {
      effect->outputs = g_ptr_array_new ();
      return NULL;
    }
  effect->energy = measure_energy (effect);
  return g_steal_pointer (&effect);
}

/* Puts the reader's rows into the layer of @graph. */
static void
write_reader (PareGraph *graph, const PareChannelReader *reader)
{
  PareNode *node = pare_graph_find_value (graph, pare_node_output (reader->node, 0)->name)->producer;
  g_autofree double *weights = NULL, *bias = NULL;
  PareLayerMatrix matrix;
  gint64 k = reader->columns;

  g_return_if_fail (pare_layer_matrix_init (&matrix, node));
  weights = pare_layer_matrix_read (&matrix, node);
  bias = pare_layer_matrix_read_bias (&matrix, node);
  for (gint64 o = 0; o < reader->outputs; o++)
    for (gint64 c = 0; c < k; c++)
      {
        double *weight = &weights[(reader->group * reader->outputs + o) * k + c];
        bias[reader->group * reader->outputs + o] += (*weight - reader->weights[o * k + c]) * reader->mean[c];
        *weight = reader->weights[o * k + c];
      }
  pare_layer_matrix_write (&matrix, graph, node, weights, matrix.trait.has_bias ? bias : NULL);
}

gboolean
pare_effect_measure (PareEffect *effect, GPtrArray *readers, double *change, GError **error)
{
  g_autoptr (PareGraph) graph = pare_graph_copy (effect->graph);
  g_autoptr (GPtrArray) outputs = NULL;

  for (guint i = 0; i < readers->len; i++)
    write_reader (graph, readers->pdata[i]);
  outputs = run (effect, graph, error);
  if (!outputs)
    return FALSE;
  *change = 0;
  for (guint o = 0; o < graph->outputs->len; o++)
    for (guint b = 0; b < outputs->len; b++)
      {
        gint64 n;
        const float *y = numbers_of (effect, outputs, b, o, &n);
        const float *wanted = numbers_of (effect, effect->outputs, b, o, &n);
        for (gint64 i = 0; i < n; i++)
          *change += ((double)y[i] - wanted[i]) * ((double)y[i] - wanted[i]);
      }
  *change /= effect->energy > 0 ? effect->energy : 1;
  return TRUE;
}
