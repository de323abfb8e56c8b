/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Stacking samples into batches. */
#include "data/batch.h"
#include "graph/memory.h"
#include <string.h>

/* One tensor of the batch in the making. */
typedef struct
{
  PareSpec spec; /* of one sample */
  gsize size;    /* bytes of one sample */
  guint8 *data;  /* room for a whole batch */
} Column;

struct _PareBatcher
{
  PareGraph *graph;
  GPtrArray *inputs;
  guint capacity;
  gboolean fixed; /* the graph takes batches of this size only */
  guint n;        /* tensors per sample; 0 before the first */
  Column *columns;
  guint filled;
};

/* An input without a first axis takes one sample at a time as it is. */
static gboolean
has_batch_axis (const PareValue *input)
{
  return !input->has_shape || input->shape.rank > 0;
}

PareBatcher *
pare_batcher_new (PareGraph *graph, guint batch_size, GError **error)
{
  g_autoptr (PareBatcher) batcher = g_new0 (PareBatcher, 1);
  const PareValue *decider = NULL;

  g_assert (batch_size > 0);
  batcher->graph = g_object_ref (graph);
  batcher->inputs = pare_graph_free_inputs (graph);
  batcher->capacity = batch_size;
  for (guint i = 0; i < batcher->inputs->len; i++)
    {
      const PareValue *input = batcher->inputs->pdata[i];
      gint64 batch = !has_batch_axis (input) ? 1 : input->has_shape ? input->shape.dims[0] : -1;
      if (batch < 0)
        continue;
      if (decider && batch != batcher->capacity)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Inputs '%s' and '%s' have the batch sizes %u and %" G_GINT64_FORMAT
                       "; samples cannot be stacked for both: export the network with one batch size.",
                       decider->name, input->name, batcher->capacity, batch);
          return NULL;
        }
      if (batch == 0 || batch > G_MAXINT)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Input '%s' has the batch size %" G_GINT64_FORMAT ", which no sample fits.", input->name, batch);
          return NULL;
        }
      decider = input;
      batcher->capacity = batch;
      batcher->fixed = TRUE;
    }
  return g_steal_pointer (&batcher);
}

void
pare_batcher_clear (PareBatcher *batcher)
{
  for (guint i = 0; i < batcher->n; i++)
    g_clear_pointer (&batcher->columns[i].data, g_free);
  batcher->filled = 0;
}

void
pare_batcher_free (PareBatcher *batcher)
{
  pare_batcher_clear (batcher);
  g_free (batcher->columns);
  g_ptr_array_unref (batcher->inputs);
  g_object_unref (batcher->graph);
  g_free (batcher);
}

gboolean
pare_batcher_full (const PareBatcher *batcher)
{
  return batcher->filled == batcher->capacity;
}

static gboolean
check_type (const PareValue *input, const PareTensor *tensor, GError **error)
{
  if (input->type == PARE_UNDEFINED || input->type == tensor->type)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "Input '%s' takes %s but the sample is %s%s.", input->name,
               pare_data_type_name (input->type), pare_data_type_name (tensor->type),
               input->type == PARE_FLOAT32 ? ": put a tensorizer before this pad" : "; convert it first");
  return FALSE;
}

/* The shape of @tensor as one sample of @input: the input's without its first axis, open sizes filled in. */
static gboolean
sample_shape (const PareValue *input, const PareTensor *tensor, PareShape *shape, GError **error)
{
  const PareShape *given = &tensor->shape;
  gboolean fits = TRUE;

  if (!input->has_shape)
    {
      *shape = *given;
      return TRUE;
    }
  *shape = (PareShape){ .rank = MAX (input->shape.rank, 1) - 1 };
  for (guint i = 0; i < MAX (shape->rank, given->rank); i++)
    {
      /* Both shapes are aligned at their last axis; what one lacks in front is 1. */
      gint64 size = i < given->rank ? given->dims[given->rank - 1 - i] : 1;
      gint64 wanted = i < shape->rank ? input->shape.dims[input->shape.rank - 1 - i] : 1;
      fits &= wanted < 0 || size == wanted;
      if (i < shape->rank)
        shape->dims[shape->rank - 1 - i] = size;
    }
  if (!fits)
    {
      g_autofree char *have = pare_shape_to_string (given), *want = pare_shape_to_string (&input->shape);
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Input '%s' has the shape %s, and a sample of shape %s does not fit it (the first axis counts the "
                   "samples): resize or crop the samples, or check their layout.",
                   input->name, want, have);
    }
  return fits;
}

/* The specs of @sample as this graph sees it; NULL and an error when it does not fit. */
static PareSpec *
sample_specs (PareBatcher *batcher, PareTensor *const *sample, guint n, GError **error)
{
  g_autofree PareSpec *specs = g_new (PareSpec, MAX (n, 1));

  if (n == 0 || n < batcher->inputs->len || (batcher->n && n != batcher->n))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "A sample has %u tensors, but %s %u: give one per input of the network, then the labels.", n,
                   batcher->n ? "the samples before had" : "the network takes",
                   batcher->n ? batcher->n : batcher->inputs->len);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      const PareValue *input = i < batcher->inputs->len ? batcher->inputs->pdata[i] : NULL;
      specs[i] = (PareSpec){ sample[i]->type, sample[i]->shape };
      if (input && (!check_type (input, sample[i], error) || !sample_shape (input, sample[i], &specs[i].shape, error)))
        return NULL;
      if (specs[i].shape.rank == PARE_MAX_RANK || !pare_data_type_bits (specs[i].type)
          || pare_data_type_bits (specs[i].type) % 8)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "Tensor %u of a sample (%s, rank %u) cannot be stacked.",
                       i, pare_data_type_name (specs[i].type), specs[i].shape.rank);
          return NULL;
        }
    }
  return g_steal_pointer (&specs);
}

static gboolean
matches_pending (const PareBatcher *batcher, const PareSpec *specs)
{
  for (guint i = 0; i < batcher->n; i++)
    if (batcher->columns[i].spec.type != specs[i].type
        || !pare_shape_equal (&batcher->columns[i].spec.shape, &specs[i].shape))
      return FALSE;
  return TRUE;
}

/* Room for a whole batch of samples of @specs. */
static gboolean
allocate (PareBatcher *batcher, const PareSpec *specs, PareTensor *const *sample, guint n, GError **error)
{
  if (!batcher->n)
    batcher->columns = g_new0 (Column, n);
  batcher->n = n;
  for (guint i = 0; i < n; i++)
    {
      Column *column = &batcher->columns[i];
      gsize size;
      column->spec = specs[i];
      column->size = pare_tensor_size (sample[i]);
      /* One byte more, since a sample may be empty. */
      if (g_size_checked_mul (&size, column->size, batcher->capacity) && size < G_MAXSIZE
          && pare_memory_affords (size, "", "", NULL))
        column->data = g_try_malloc (size + 1);
      if (!column->data)
        {
          pare_batcher_clear (batcher);
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "There is no memory for a batch of %u samples of %" G_GSIZE_FORMAT
                       " bytes: set a smaller batch-size.",
                       batcher->capacity, column->size);
          return FALSE;
        }
    }
  return TRUE;
}

static void
append (PareBatcher *batcher, gconstpointer const *data)
{
  for (guint i = 0; i < batcher->n; i++)
    {
      Column *column = &batcher->columns[i];
      if (column->size)
        memcpy (column->data + batcher->filled * column->size, data[i], column->size);
    }
  batcher->filled++;
}

/* Networks of half precision take floats: what tensorizers make. */
static GPtrArray *
in_precision (const PareBatcher *batcher, PareTensor *const *sample, guint n)
{
  GPtrArray *tensors = g_ptr_array_new_full (n, (GDestroyNotify)pare_tensor_unref);

  for (guint i = 0; i < n; i++)
    {
      const PareValue *input = i < batcher->inputs->len ? batcher->inputs->pdata[i] : NULL;
      gboolean narrower = input && sample[i]->type == PARE_FLOAT32
                          && (input->type == PARE_FLOAT16 || input->type == PARE_BFLOAT16);
      g_ptr_array_add (tensors, pare_tensor_cast (sample[i], narrower ? input->type : sample[i]->type));
    }
  return tensors;
}

int
pare_batcher_add (PareBatcher *batcher, PareTensor *const *given, guint n, GError **error)
{
  g_autoptr (GPtrArray) tensors = in_precision (batcher, given, n);
  PareTensor *const *sample = (PareTensor *const *)tensors->pdata;
  g_autofree PareSpec *specs = sample_specs (batcher, sample, n, error);
  g_autofree gconstpointer *data = NULL;

  if (!specs)
    return -1;
  if (pare_batcher_full (batcher) || (batcher->filled && !matches_pending (batcher, specs)))
    return 0;
  if (!batcher->filled && !allocate (batcher, specs, sample, n, error))
    return -1;
  data = g_new (gconstpointer, n);
  for (guint i = 0; i < n; i++)
    data[i] = pare_tensor_data (sample[i]);
  append (batcher, data);
  return 1;
}

/* Fills a batch of fixed size up with its last sample. */
static void
repeat_last (PareBatcher *batcher)
{
  g_autofree gconstpointer *data = g_new (gconstpointer, batcher->n);

  while (!pare_batcher_full (batcher))
    {
      for (guint i = 0; i < batcher->n; i++)
        data[i] = batcher->columns[i].data + (batcher->filled - 1) * batcher->columns[i].size;
      append (batcher, data);
    }
}

static PareTensor *
take_column (Column *column, const PareValue *input, guint filled)
{
  PareShape shape = column->spec.shape;

  if (!input || has_batch_axis (input))
    {
      memmove (shape.dims + 1, shape.dims, shape.rank * sizeof *shape.dims);
      shape.dims[0] = filled;
      shape.rank++;
    }
  return pare_tensor_new (column->spec.type, &shape,
                          g_bytes_new_take (g_steal_pointer (&column->data), column->size * filled));
}

GPtrArray *
pare_batcher_take (PareBatcher *batcher, guint *valid)
{
  GPtrArray *batch = NULL;

  *valid = batcher->filled;
  if (!batcher->filled)
    return NULL;
  if (batcher->fixed)
    repeat_last (batcher);
  batch = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  for (guint i = 0; i < batcher->n; i++)
    g_ptr_array_add (batch, take_column (&batcher->columns[i],
                                         i < batcher->inputs->len ? batcher->inputs->pdata[i] : NULL, batcher->filled));
  batcher->filled = 0;
  return batch;
}

static void
tensor_clear (gpointer tensor)
{
  if (tensor)
    pare_tensor_unref (tensor);
}

GPtrArray *
pare_batch_run (PareGraph *graph, PareExecutor *executor, PareTensor *const *batch, guint n, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func (tensor_clear);

  g_assert (n >= inputs->len);
  g_ptr_array_set_size (outputs, graph->outputs->len);
  if (!pare_executor_run (executor, batch, inputs->len, (PareTensor **)outputs->pdata, error))
    return NULL;
  return g_steal_pointer (&outputs);
}
