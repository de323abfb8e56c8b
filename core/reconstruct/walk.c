/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The walk: a list of values that cut the network in two, and their tensors for every batch. */
#include "reconstruct/walk.h"
#include "data/batch.h"
#include "graph/extract.h"

/* The way from the cut to what is asked for. A value that is in the cut itself needs no computing. */
typedef struct
{
  PareGraph *graph;
  PareExecutor *executor;
  GArray *sources; /* of int: for every value asked for its index in the cut, or -1 - its index in the outputs */
} Query;

struct _PareWalk
{
  PareGraph *graph;
  PareSamples *samples;
  guint64 memory_limit, count; /* the first samples alone are walked with */
  guint64 held;                /* bytes of the cut for a batch, where it is largest; known with settled */
  GHashTable
      *settled;   /* names of values that no sample's data change, and the tensors of those of integers, else NULL */
  GPtrArray *cut; /* names of values */
  GPtrArray *batches; /* their tensors; NULL: the samples themselves */
  Query query;
};

static void
query_clear (Query *query)
{
  g_clear_pointer (&query->executor, pare_executor_free);
  g_clear_object (&query->graph);
  g_clear_pointer (&query->sources, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Query, query_clear)

PareWalk *
pare_walk_new (PareGraph *graph, PareSamples *samples, guint64 memory_limit)
{
  PareWalk *walk = g_new0 (PareWalk, 1);
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  walk->graph = g_object_ref (graph);
  walk->samples = samples;
  walk->memory_limit = memory_limit;
  walk->count = pare_samples_count (samples);
  walk->cut = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < inputs->len; i++)
    g_ptr_array_add (walk->cut, g_strdup (((PareValue *)inputs->pdata[i])->name));
  return walk;
}

void
pare_walk_free (PareWalk *walk)
{
  query_clear (&walk->query);
  g_clear_pointer (&walk->batches, g_ptr_array_unref);
  g_clear_pointer (&walk->settled, g_hash_table_unref);
  g_ptr_array_unref (walk->cut);
  g_object_unref (walk->graph);
  g_free (walk);
}

PareGraph *
pare_walk_graph (const PareWalk *walk)
{
  return walk->graph;
}

guint
pare_walk_batch_size (const PareWalk *walk)
{
  return pare_samples_batch (walk->samples);
}

guint
pare_walk_batches (const PareWalk *walk)
{
  guint size = pare_samples_batch (walk->samples);

  return (walk->count + size - 1) / size;
}

static void
tensor_clear (PareTensor *tensor)
{
  if (tensor)
    pare_tensor_unref (tensor);
}

/* Bytes of @value, which node @from computes, from there to the last node that reads it, or to @last. */
static void
hold (const PareValue *value, const PareSpec *spec, GHashTable *positions, guint from, guint last, gint64 *changes)
{
  gint64 size = pare_shape_elements (&spec->shape) * pare_data_type_bits (spec->type) / 8;

  for (guint i = 0; i < value->consumers->len; i++)
    last = MAX (last, GPOINTER_TO_UINT (g_hash_table_lookup (positions, value->consumers->pdata[i])));
  changes[from] += size;
  changes[last] -= size;
}

static guint64
find_held (const PareGraph *graph, const PareInference *inference)
{
  g_autoptr (GHashTable) positions = g_hash_table_new (NULL, NULL);
  g_autofree gint64 *changes = g_new0 (gint64, graph->nodes->len + 1);
  gint64 held = 0, most = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    g_hash_table_insert (positions, graph->nodes->pdata[i], GUINT_TO_POINTER (i + 1));
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      const PareSpec *spec = pare_inference_spec (inference, value);
      if (spec && !value->constant && !pare_inference_constant (inference, value))
        {
          guint from = GPOINTER_TO_UINT (g_hash_table_lookup (positions, value->producer));
          hold (value, spec, positions, from, pare_graph_is_output (graph, value) ? graph->nodes->len : from, changes);
        }
    }
  for (guint i = 0; i <= graph->nodes->len; i++)
    {
      held += changes[i];
      most = MAX (most, held);
    }
  return most;
}

/* Integers are sizes, which stay while weights change. Weights that are computed, by a quantizer for example, are left
 * to whoever runs a piece that reads them. */
static gboolean
find_settled (PareWalk *walk, GError **error)
{
  const GArray *specs = pare_samples_specs (walk->samples);
  g_autoptr (PareInference) inference
      = pare_inference_new (walk->graph, specs->len, (const PareSpec *)specs->data, error);

  if (!inference)
    return FALSE;
  walk->held = find_held (walk->graph, inference);
  walk->settled = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)tensor_clear);
  for (guint i = 0; i < walk->graph->values->len; i++)
    {
      const PareValue *value = walk->graph->values->pdata[i];
      PareTensor *constant = value->producer ? pare_inference_constant (inference, value) : NULL;
      if (constant)
        g_hash_table_insert (walk->settled, g_strdup (value->name),
                             constant->type == PARE_INT64 ? pare_tensor_ref (constant) : NULL);
    }
  return TRUE;
}

PareGraph *
pare_walk_settle (PareWalk *walk, GError **error)
{
  g_autoptr (PareGraph) copy = NULL;
  GHashTableIter iter;
  gpointer name, tensor;

  if (!walk->settled && !find_settled (walk, error))
    return NULL;
  copy = pare_graph_copy (walk->graph);
  g_hash_table_iter_init (&iter, walk->settled);
  while (g_hash_table_iter_next (&iter, &name, &tensor))
    {
      PareValue *value = tensor ? pare_graph_find_value (copy, name) : NULL;
      if (value)
        pare_graph_replace_value (copy, value, pare_graph_add_constant (copy, name, tensor));
    }
  pare_graph_remove_dead (copy);
  return g_steal_pointer (&copy);
}

guint64
pare_walk_fitting (PareWalk *walk, GError **error)
{
  if (!walk->settled && !find_settled (walk, error))
    return 0;
  return MAX (walk->memory_limit / MAX (walk->held, 1), 1) * pare_samples_batch (walk->samples);
}

void
pare_walk_limit (PareWalk *walk, guint64 count)
{
  walk->count = MIN (walk->count, count);
}

/* From the cut to @n values of @settled. What nobody reads any more is an input all the same: it has its place. */
static PareGraph *
cut_out (PareWalk *walk, PareGraph *settled, guint n, PareValue *const *values, GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new ();

  for (guint i = 0; i < walk->cut->len; i++)
    {
      const char *name = walk->cut->pdata[i];
      PareValue *value = pare_graph_find_value (settled, name);
      g_ptr_array_add (inputs, value ? value : pare_graph_add_value (settled, name));
    }
  return pare_graph_extract (settled, inputs->len, (PareValue **)inputs->pdata, n, values, error);
}

static gboolean
query_init (PareWalk *walk, PareGraph *settled, guint n, const char *const *names, Query *query, GError **error)
{
  g_autoptr (GPtrArray) outputs = g_ptr_array_new ();

  query->sources = g_array_new (FALSE, FALSE, sizeof (int));
  for (guint i = 0; i < n; i++)
    {
      guint index;
      int source = -1 - (int)outputs->len;
      if (g_ptr_array_find_with_equal_func (walk->cut, names[i], g_str_equal, &index))
        source = index;
      else
        g_ptr_array_add (outputs, pare_graph_find_value (settled, names[i]));
      g_array_append_val (query->sources, source);
    }
  if (!outputs->len)
    return TRUE;
  query->graph = cut_out (walk, settled, outputs->len, (PareValue **)outputs->pdata, error);
  if (!query->graph)
    return FALSE;
  query->executor = pare_executor_new (query->graph);
  return TRUE;
}

static GPtrArray *
read_cut (PareWalk *walk, guint index, guint *valid, GError **error)
{
  guint size = pare_samples_batch (walk->samples), first = index * size;
  g_autofree guint64 *order = g_new (guint64, size);

  *valid = MIN (size, walk->count - first);
  if (walk->batches)
    return g_ptr_array_ref (walk->batches->pdata[index]);
  for (guint i = 0; i < *valid; i++)
    order[i] = first + i;
  return pare_samples_stack (walk->samples, order, *valid, error);
}

static GPtrArray *
query_run (PareWalk *walk, Query *query, guint index, guint *valid, GError **error)
{
  g_autoptr (GPtrArray) cut = read_cut (walk, index, valid, error), outputs = NULL;
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  if (!cut)
    return NULL;
  if (query->graph)
    {
      outputs = pare_batch_run (query->graph, query->executor, (PareTensor **)cut->pdata, cut->len, error);
      if (!outputs)
        return NULL;
    }
  for (guint i = 0; i < query->sources->len; i++)
    {
      int source = g_array_index (query->sources, int, i);
      g_ptr_array_add (values, pare_tensor_ref (source < 0 ? outputs->pdata[-1 - source] : cut->pdata[source]));
    }
  return g_steal_pointer (&values);
}

gboolean
pare_walk_ask (PareWalk *walk, guint n, PareValue *const *values, GError **error)
{
  g_autoptr (PareGraph) settled = pare_walk_settle (walk, error);
  g_autofree const char **names = g_new (const char *, n);

  for (guint i = 0; i < n; i++)
    names[i] = values[i]->name;
  query_clear (&walk->query);
  return settled && query_init (walk, settled, n, names, &walk->query, error);
}

GPtrArray *
pare_walk_get (PareWalk *walk, guint index, guint *valid, GError **error)
{
  return query_run (walk, &walk->query, index, valid, error);
}

/* Whether @value is computed before node @position and read there or behind. */
static gboolean
crosses (PareGraph *graph, const PareValue *value, GHashTable *positions, guint position)
{
  gboolean before = !value->producer || GPOINTER_TO_UINT (g_hash_table_lookup (positions, value->producer)) < position;

  if (!before || value->constant)
    return FALSE;
  if (pare_graph_is_output (graph, value))
    return TRUE;
  for (guint i = 0; i < value->consumers->len; i++)
    if (GPOINTER_TO_UINT (g_hash_table_lookup (positions, value->consumers->pdata[i])) >= position)
      return TRUE;
  return FALSE;
}

/* Names of the values of @settled that are known when the nodes before @node, and @node too if @passed, have run, and
 * not before any has. */
static GPtrArray *
find_cut (const PareWalk *walk, PareGraph *settled, const PareNode *node, gboolean passed)
{
  g_autoptr (GHashTable) positions = g_hash_table_new (NULL, NULL);
  GPtrArray *cut = g_ptr_array_new_with_free_func (g_free);
  guint position;

  for (guint i = 0; i < settled->nodes->len; i++)
    g_hash_table_insert (positions, settled->nodes->pdata[i], GUINT_TO_POINTER (i));
  position = GPOINTER_TO_UINT (g_hash_table_lookup (positions, node)) + (passed ? 1 : 0);
  for (guint i = 0; i < settled->values->len; i++)
    {
      PareValue *value = settled->values->pdata[i];
      if (!g_hash_table_contains (walk->settled, value->name) && crosses (settled, value, positions, position))
        g_ptr_array_add (cut, g_strdup (value->name));
    }
  return cut;
}

static guint64
size_of (const GPtrArray *tensors)
{
  guint64 size = 0;

  for (guint i = 0; i < tensors->len; i++)
    size += pare_tensor_size (tensors->pdata[i]);
  return size;
}

/* What @query gives for all batches; *@batches stays NULL when that would take too much memory. */
static gboolean
run_all (PareWalk *walk, Query *query, GPtrArray **batches, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  guint n = pare_walk_batches (walk), valid;

  for (guint i = 0; i < n; i++)
    {
      GPtrArray *values = query_run (walk, query, i, &valid, error);
      if (!values)
        return FALSE;
      g_ptr_array_add (all, values);
      if (size_of (values) > walk->memory_limit / n)
        return TRUE;
    }
  *batches = g_steal_pointer (&all);
  return TRUE;
}

static gboolean
move (PareWalk *walk, PareGraph *settled, GPtrArray *cut, GError **error)
{
  g_auto (Query) query = { 0 };
  GPtrArray *batches = NULL;

  if (!query_init (walk, settled, cut->len, (const char *const *)cut->pdata, &query, error)
      || !run_all (walk, &query, &batches, error))
    return FALSE;
  if (!batches)
    return TRUE;
  g_clear_pointer (&walk->batches, g_ptr_array_unref);
  walk->batches = batches;
  g_ptr_array_unref (walk->cut);
  walk->cut = g_ptr_array_ref (cut);
  return TRUE;
}

static gboolean
advance (PareWalk *walk, const PareNode *node, gboolean passed, GError **error)
{
  g_autoptr (PareGraph) settled = pare_walk_settle (walk, error);
  const PareValue *result = settled ? pare_graph_find_value (settled, pare_node_output (node, 0)->name) : NULL;
  g_autoptr (GPtrArray) cut = NULL;

  if (!settled)
    return FALSE;
  query_clear (&walk->query);
  /* A node that depends on no sample, or that nobody reads, is no place to stand at. */
  if (!result || !result->producer || g_hash_table_contains (walk->settled, result->name))
    return TRUE;
  cut = find_cut (walk, settled, result->producer, passed);
  return move (walk, settled, cut, error);
}

gboolean
pare_walk_advance (PareWalk *walk, const PareNode *node, GError **error)
{
  return advance (walk, node, FALSE, error);
}

gboolean
pare_walk_pass (PareWalk *walk, const PareNode *node, GError **error)
{
  return advance (walk, node, TRUE, error);
}
