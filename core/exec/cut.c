/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Graphs whose shapes depend on data: a plan, then nodes one by one, then the rest with shapes known. */
#include "exec/cut.h"
#include "exec/run.h"
#include "graph/extract.h"

/* Each cut is in the tail of another: no network that computes something needs more. */
#define MAX_DEPTH 500

/* A node that runs by itself. */
typedef struct
{
  const PareNode *node;
  GHashTable *bodies;
} Single;

struct _PareCut
{
  PareGraph *graph; /* not owned */
  GHashTable *taps; /* not owned */
  guint depth;
  GPtrArray *inputs;  /* of PareValue: the graph's free inputs */
  GPtrArray *results; /* of PareValue: the graph's outputs and what taps look at */
  GHashTable *known;  /* PareValue -> PareTensor: constants for these input shapes */

  PareGraph *head_graph;
  ParePlan *head;                        /* NULL: nothing to compute */
  GPtrArray *head_inputs, *head_outputs; /* of PareValue of @graph */
  GPtrArray *singles;                    /* of Single */
  PareExecutor *tail;                    /* NULL: nothing is left */
  GPtrArray *tail_inputs, *tail_outputs;
};

/* What is known of the graph while it is cut. */
typedef struct
{
  PareCut *cut;
  const PareInference *inference;
  GHashTable *needed; /* nodes */
  GHashTable *rest;   /* nodes of the tail */
  GHashTable *wanted; /* values that are read across the cuts */
} Cutting;

static void
single_free (gpointer data)
{
  Single *single = data;

  g_hash_table_unref (single->bodies);
  g_free (single);
}

void
pare_cut_free (PareCut *cut)
{
  g_clear_pointer (&cut->head, pare_plan_free);
  g_clear_object (&cut->head_graph);
  g_clear_pointer (&cut->tail, pare_executor_free);
  g_ptr_array_unref (cut->singles);
  g_ptr_array_unref (cut->inputs);
  g_ptr_array_unref (cut->results);
  g_ptr_array_unref (cut->head_inputs);
  g_ptr_array_unref (cut->head_outputs);
  g_ptr_array_unref (cut->tail_inputs);
  g_ptr_array_unref (cut->tail_outputs);
  g_hash_table_unref (cut->known);
  g_free (cut);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareCut, pare_cut_free)

gsize
pare_cut_memory (const PareCut *cut)
{
  return (cut->head ? pare_plan_memory (cut->head) : 0) + (cut->tail ? pare_executor_memory (cut->tail) : 0);
}

/* Cutting */

typedef void (*ValueFunc) (Cutting *cutting, const PareValue *value);

/* All that @node reads, its subgraphs included. */
static void
for_each_read (Cutting *cutting, const PareNode *node, ValueFunc func)
{
  for (guint i = 0; i < node->inputs->len; i++)
    if (node->inputs->pdata[i])
      func (cutting, node->inputs->pdata[i]);
  for (guint i = 0; i < node->captures->len; i++)
    func (cutting, node->captures->pdata[i]);
}

static void
need_producer (Cutting *cutting, const PareValue *value)
{
  if (value->producer)
    g_hash_table_add (cutting->needed, value->producer);
}

static void
find_needed (Cutting *cutting)
{
  const PareGraph *graph = cutting->cut->graph;

  for (guint i = 0; i < cutting->cut->results->len; i++)
    need_producer (cutting, cutting->cut->results->pdata[i]);
  for (guint i = graph->nodes->len; i-- > 0;)
    if (g_hash_table_contains (cutting->needed, graph->nodes->pdata[i]))
      for_each_read (cutting, graph->nodes->pdata[i], need_producer);
}

static gboolean
in_tail (const Cutting *cutting, const PareValue *value)
{
  return value && value->producer && g_hash_table_contains (cutting->rest, value->producer);
}

static gboolean
is_inferred (const Cutting *cutting, const PareValue *value)
{
  return !value || !value->producer || !pare_inference_waits (cutting->inference, value->producer);
}

/* A node that waits runs by itself when all that it reads is there by then. Other operators than those that always run
 * so had better wait for the tail, where they may turn out to be a matter for a plan. */
static gboolean
runs_alone (const Cutting *cutting, const PareNode *node)
{
  gboolean always = !pare_operator_of (node)->infer;
  const GPtrArray *reads[] = { node->inputs, node->captures };

  for (guint r = 0; r < G_N_ELEMENTS (reads); r++)
    for (guint i = 0; i < reads[r]->len; i++)
      if (always ? in_tail (cutting, reads[r]->pdata[i]) : !is_inferred (cutting, reads[r]->pdata[i]))
        return FALSE;
  return TRUE;
}

static void
want (Cutting *cutting, const PareValue *value)
{
  g_hash_table_add (cutting->wanted, (gpointer)value);
}

static void
sort_nodes (Cutting *cutting)
{
  PareCut *cut = cutting->cut;

  for (guint i = 0; i < cut->graph->nodes->len; i++)
    {
      const PareNode *node = cut->graph->nodes->pdata[i];
      if (!g_hash_table_contains (cutting->needed, node) || !pare_inference_waits (cutting->inference, node))
        continue;
      for_each_read (cutting, node, want);
      if (runs_alone (cutting, node))
        {
          Single *single = g_new (Single, 1);
          *single = (Single){ node, pare_run_bodies_new () };
          g_ptr_array_add (cut->singles, single);
        }
      else
        g_hash_table_add (cutting->rest, (gpointer)node);
    }
  for (guint i = 0; i < cut->results->len; i++)
    want (cutting, cut->results->pdata[i]);
}

/* Which values go from one part to another, in the graph's order. */
static void
sort_value (Cutting *cutting, PareValue *value)
{
  PareCut *cut = cutting->cut;
  PareTensor *constant = pare_inference_constant (cutting->inference, value);
  gboolean read_by_tail = FALSE;

  if (!g_hash_table_contains (cutting->wanted, value) || value->constant)
    return;
  if (constant)
    {
      g_hash_table_insert (cut->known, value, pare_tensor_ref (constant));
      return;
    }
  if (in_tail (cutting, value))
    {
      if (g_ptr_array_find (cut->results, value, NULL))
        g_ptr_array_add (cut->tail_outputs, value);
      return;
    }
  for (guint i = 0; i < value->consumers->len && !read_by_tail; i++)
    read_by_tail = g_hash_table_contains (cutting->rest, value->consumers->pdata[i]);
  if (read_by_tail)
    g_ptr_array_add (cut->tail_inputs, value);
  if (value->producer && is_inferred (cutting, value))
    g_ptr_array_add (cut->head_outputs, value);
}

static gboolean
make_head (Cutting *cutting, GError **error)
{
  PareCut *cut = cutting->cut;
  g_autoptr (GArray) specs = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  g_autoptr (GHashTable) no_taps = g_hash_table_new (NULL, NULL);

  if (!cut->head_outputs->len)
    return TRUE;
  for (guint i = 0; i < cut->inputs->len; i++)
    {
      const PareSpec *spec = pare_inference_spec (cutting->inference, cut->inputs->pdata[i]);
      if (!pare_type_is_planned (spec->type))
        continue;
      g_ptr_array_add (cut->head_inputs, cut->inputs->pdata[i]);
      g_array_append_val (specs, *spec);
    }
  cut->head_graph = pare_graph_extract (cut->graph, cut->head_inputs->len, (PareValue **)cut->head_inputs->pdata,
                                        cut->head_outputs->len, (PareValue **)cut->head_outputs->pdata, error);
  cut->head = cut->head_graph
                  ? pare_plan_new (cut->head_graph, specs->len, (const PareSpec *)specs->data, no_taps, error)
                  : NULL;
  return cut->head != NULL;
}

/* Constants for these shapes are constants of the tail, which belongs to these shapes. */
static void
set_constants (PareCut *cut, PareGraph *piece)
{
  GHashTableIter iter;
  gpointer value, tensor;

  g_hash_table_iter_init (&iter, cut->known);
  while (g_hash_table_iter_next (&iter, &value, &tensor))
    {
      PareValue *twin = pare_graph_find_value (piece, ((PareValue *)value)->name);
      g_ptr_array_remove (piece->inputs, twin);
      pare_value_set_constant (twin, tensor);
    }
}

static gboolean
make_tail (PareCut *cut, GError **error)
{
  g_autoptr (GPtrArray) ends = g_ptr_array_copy (cut->tail_inputs, NULL, NULL);
  g_autoptr (GList) known = g_hash_table_get_keys (cut->known);
  g_autoptr (PareGraph) piece = NULL;

  if (!cut->tail_outputs->len)
    return TRUE;
  if (cut->depth >= MAX_DEPTH)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED,
                   "More than %d times in a row, the network's shapes depend on data that it has to compute first.",
                   MAX_DEPTH);
      return FALSE;
    }
  for (GList *l = known; l; l = l->next)
    g_ptr_array_add (ends, l->data);
  piece = pare_graph_extract (cut->graph, ends->len, (PareValue **)ends->pdata, cut->tail_outputs->len,
                              (PareValue **)cut->tail_outputs->pdata, error);
  if (!piece)
    return FALSE;
  set_constants (cut, piece);
  /* What the file says of shapes is no longer looked at: the values are there. */
  for (guint i = 0; i < piece->inputs->len; i++)
    {
      ((PareValue *)piece->inputs->pdata[i])->type = PARE_UNDEFINED;
      ((PareValue *)piece->inputs->pdata[i])->has_shape = FALSE;
    }
  cut->tail = pare_executor_new_tail (piece, cut->depth + 1);
  return TRUE;
}

static PareCut *
cut_alloc (PareGraph *graph, GHashTable *taps, guint depth)
{
  PareCut *cut = g_new0 (PareCut, 1);
  GHashTableIter iter;
  gpointer value;

  cut->graph = graph;
  cut->taps = taps;
  cut->depth = depth;
  cut->inputs = pare_graph_free_inputs (graph);
  cut->results = g_ptr_array_copy (graph->outputs, NULL, NULL);
  g_hash_table_iter_init (&iter, taps);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    if (!g_ptr_array_find (cut->results, value, NULL))
      g_ptr_array_add (cut->results, value);
  cut->known = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)pare_tensor_unref);
  cut->singles = g_ptr_array_new_with_free_func (single_free);
  cut->head_inputs = g_ptr_array_new ();
  cut->head_outputs = g_ptr_array_new ();
  cut->tail_inputs = g_ptr_array_new ();
  cut->tail_outputs = g_ptr_array_new ();
  return cut;
}

static gboolean
make_parts (Cutting *cutting, GError **error)
{
  find_needed (cutting);
  sort_nodes (cutting);
  for (guint i = 0; i < cutting->cut->graph->values->len; i++)
    sort_value (cutting, cutting->cut->graph->values->pdata[i]);
  return make_head (cutting, error) && make_tail (cutting->cut, error);
}

PareCut *
pare_cut_new (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GHashTable *taps, guint depth, GError **error)
{
  g_autoptr (PareInference) inference = pare_inference_new_partial (graph, n_inputs, inputs, error);
  g_autoptr (PareCut) cut = NULL;
  Cutting cutting = { 0 };
  gboolean done;

  if (!inference)
    return NULL;
  cut = cut_alloc (graph, taps, depth);
  cutting = (Cutting){ cut, inference, g_hash_table_new (NULL, NULL), g_hash_table_new (NULL, NULL),
                       g_hash_table_new (NULL, NULL) };
  done = make_parts (&cutting, error);
  g_hash_table_unref (cutting.needed);
  g_hash_table_unref (cutting.rest);
  g_hash_table_unref (cutting.wanted);
  return done ? g_steal_pointer (&cut) : NULL;
}

/* Running: @values holds what is there so far. */

static PareTensor *
find_tensor (const PareCut *cut, GHashTable *values, const PareValue *value)
{
  PareTensor *tensor = value->constant ? value->constant : g_hash_table_lookup (values, value);

  return tensor ? tensor : g_hash_table_lookup (cut->known, value);
}

/* Those of @list (NULL for an omitted one); NULL and an error when one is not there. */
static PareTensor **
gather (const PareCut *cut, GHashTable *values, const GPtrArray *list, GError **error)
{
  g_autofree PareTensor **tensors = g_new0 (PareTensor *, list->len + 1);

  for (guint i = 0; i < list->len; i++)
    {
      const PareValue *value = list->pdata[i];
      if (!value || (tensors[i] = find_tensor (cut, values, value)))
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "Value '%s' is neither computed nor given.", value->name);
      return NULL;
    }
  return g_steal_pointer (&tensors);
}

/* Takes the tensors. */
static void
scatter (GHashTable *values, const GPtrArray *list, PareTensor **tensors)
{
  for (guint i = 0; i < list->len; i++)
    if (list->pdata[i])
      g_hash_table_insert (values, list->pdata[i], tensors[i]);
    else
      g_clear_pointer (&tensors[i], pare_tensor_unref);
}

static gboolean
run_head (const PareCut *cut, GHashTable *values, GError **error)
{
  g_autofree PareTensor **inputs = cut->head ? gather (cut, values, cut->head_inputs, error) : NULL;
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, cut->head_outputs->len + 1);

  if (!cut->head)
    return TRUE;
  if (!inputs || !pare_plan_run (cut->head, inputs, outputs, error))
    return FALSE;
  scatter (values, cut->head_outputs, outputs);
  return TRUE;
}

static gboolean
run_tail (const PareCut *cut, GHashTable *values, GError **error)
{
  g_autofree PareTensor **inputs = cut->tail ? gather (cut, values, cut->tail_inputs, error) : NULL;
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, cut->tail_outputs->len + 1);

  if (!cut->tail)
    return TRUE;
  if (!inputs || !pare_executor_run (cut->tail, inputs, cut->tail_inputs->len, outputs, error))
    return FALSE;
  scatter (values, cut->tail_outputs, outputs);
  return TRUE;
}

static gboolean
check_computed (const PareNode *node, PareTensor *const *outputs, GError **error)
{
  for (guint i = 0; i < node->outputs->len; i++)
    if (node->outputs->pdata[i] && !outputs[i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, node, "it has no output %u.", i);
        return FALSE;
      }
  return TRUE;
}

static gboolean
run_single (const PareCut *cut, const Single *single, GHashTable *values, GError **error)
{
  const PareNode *node = single->node;
  const PareOperator *op = pare_operator_of (node);
  guint n = node->outputs->len;
  g_autofree PareTensor **inputs = gather (cut, values, node->inputs, error);
  g_autofree PareTensor **captures = inputs ? gather (cut, values, node->captures, error) : NULL;
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, n + 1);
  PareRun run
      = { node,          pare_graph_opset (node->graph, node->domain), node->inputs->len, inputs, n, outputs, captures,
          single->bodies };

  if (captures && (op->run ? op->run (&run, error) : pare_evaluate_node (node, inputs, outputs, error))
      && check_computed (node, outputs, error))
    {
      scatter (values, node->outputs, outputs);
      return TRUE;
    }
  pare_node_prefix_error (error, node);
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&outputs[i], pare_tensor_unref);
  return FALSE;
}

static gboolean
show_taps (const PareCut *cut, GHashTable *values, GError **error)
{
  GHashTableIter iter;
  gpointer key, data;

  g_hash_table_iter_init (&iter, cut->taps);
  while (g_hash_table_iter_next (&iter, &key, &data))
    {
      const PareTapEntry *entry = data;
      const PareValue *value = key;
      const PareTensor *tensor = find_tensor (cut, values, value);
      if (tensor && tensor->type != PARE_FLOAT32)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "Value '%s' is %s: only float32 can be observed.",
                       value->name, pare_data_type_name (tensor->type));
          return FALSE;
        }
      if (tensor)
        entry->tap (value, pare_tensor_data (tensor), pare_tensor_elements (tensor), entry->user_data);
    }
  return TRUE;
}

gboolean
pare_cut_run (PareCut *cut, PareTensor *const *inputs, PareTensor **outputs, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)pare_tensor_unref);
  g_autofree PareTensor **results = NULL;

  for (guint i = 0; i < cut->inputs->len; i++)
    g_hash_table_insert (values, cut->inputs->pdata[i], pare_tensor_ref (inputs[i]));
  if (!run_head (cut, values, error))
    return FALSE;
  for (guint i = 0; i < cut->singles->len; i++)
    if (!run_single (cut, cut->singles->pdata[i], values, error))
      return FALSE;
  if (!run_tail (cut, values, error) || !show_taps (cut, values, error))
    return FALSE;
  results = gather (cut, values, cut->graph->outputs, error);
  for (guint i = 0; results && i < cut->graph->outputs->len; i++)
    outputs[i] = pare_tensor_ref (results[i]);
  return results != NULL;
}
