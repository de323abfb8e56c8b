/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Runs teacher and student up to a block. */
#include "train/distill-source.h"
#include "data/batch.h"
#include "graph/extract.h"

/* A network up to some of its values. */
typedef struct
{
  PareGraph *graph;
  PareExecutor *executor;
} Prefix;

struct _PareBlockSource
{
  PareSamples *samples;
  guint64 *order;
  guint n;
  Prefix inputs, target;
  GPtrArray *kept; /* of GPtrArray, NULL where a batch is not kept */
  guint64 memory_left;
};

static gboolean
prefix_init (Prefix *prefix, PareGraph *graph, guint n, PareValue *const *values, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  prefix->graph = pare_graph_extract (graph, inputs->len, (PareValue **)inputs->pdata, n, values, error);
  if (!prefix->graph)
    return FALSE;
  prefix->executor = pare_executor_new (prefix->graph);
  return TRUE;
}

static void
prefix_clear (Prefix *prefix)
{
  g_clear_pointer (&prefix->executor, pare_executor_free);
  g_clear_object (&prefix->graph);
}

static void
batch_free (gpointer batch)
{
  if (batch)
    g_ptr_array_unref (batch);
}

static gboolean
check_counterparts (const PareBlock *block, GError **error)
{
  for (guint i = 0; i < block->inputs->len; i++)
    if (!block->teacher_inputs->pdata[i])
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                     "Block '%s' reads '%s', which the teacher does not have: take its input from the student.",
                     block->name, ((PareValue *)block->inputs->pdata[i])->name);
        return FALSE;
      }
  return TRUE;
}

PareBlockSource *
pare_block_source_new (PareGraph *student, PareGraph *teacher, const PareBlock *block, PareSamples *samples, guint n,
                       const guint64 *order, gboolean from_teacher, guint64 memory_limit, GError **error)
{
  g_autoptr (PareBlockSource) source = g_new0 (PareBlockSource, 1);
  const GPtrArray *values = from_teacher ? block->teacher_inputs : block->inputs;

  source->samples = samples;
  source->order = g_memdup2 (order, n * sizeof *order);
  source->n = n;
  source->memory_left = memory_limit;
  source->kept = g_ptr_array_new_with_free_func (batch_free);
  g_ptr_array_set_size (source->kept, pare_block_source_batches (source));
  if (from_teacher && !check_counterparts (block, error))
    return NULL;
  if (!prefix_init (&source->inputs, from_teacher ? teacher : student, values->len, (PareValue **)values->pdata, error)
      || !prefix_init (&source->target, teacher, 1, &(PareValue *){ block->target }, error))
    return NULL;
  return g_steal_pointer (&source);
}

void
pare_block_source_free (PareBlockSource *source)
{
  prefix_clear (&source->inputs);
  prefix_clear (&source->target);
  g_ptr_array_unref (source->kept);
  g_free (source->order);
  g_free (source);
}

guint
pare_block_source_batches (const PareBlockSource *source)
{
  guint size = pare_samples_batch (source->samples);

  return (source->n + size - 1) / size;
}

static GPtrArray *
compute (PareBlockSource *source, guint first, guint n, GError **error)
{
  g_autoptr (GPtrArray) raw = pare_samples_stack (source->samples, source->order + first, n, error);
  g_autoptr (GPtrArray) batch = NULL, target = NULL;

  if (!raw)
    return NULL;
  batch = pare_batch_run (source->inputs.graph, source->inputs.executor, (PareTensor **)raw->pdata, raw->len, error);
  target = batch ? pare_batch_run (source->target.graph, source->target.executor, (PareTensor **)raw->pdata, raw->len,
                                   error)
                 : NULL;
  if (!target)
    return NULL;
  g_ptr_array_add (batch, pare_tensor_ref (target->pdata[0]));
  return g_steal_pointer (&batch);
}

static void
keep (PareBlockSource *source, guint index, GPtrArray *batch)
{
  guint64 size = 0;

  for (guint i = 0; i < batch->len; i++)
    size += pare_tensor_size (batch->pdata[i]);
  if (size > source->memory_left)
    return;
  source->memory_left -= size;
  source->kept->pdata[index] = g_ptr_array_ref (batch);
}

GPtrArray *
pare_block_source_get (PareBlockSource *source, guint index, guint *valid, GError **error)
{
  guint size = pare_samples_batch (source->samples), first = index * size;
  GPtrArray *batch = source->kept->pdata[index];

  *valid = MIN (size, source->n - first);
  if (batch)
    return g_ptr_array_ref (batch);
  batch = compute (source, first, *valid, error);
  if (batch)
    keep (source, index, batch);
  return batch;
}
