/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shape inference over a whole graph, with constants propagated: for fixed input shapes, what depends on shapes alone
 * (Shape, Gather, Concat, .. into Reshape) is known before anything runs. */
#include "exec/inference.h"
#include "ops/opset.h"
#include "graph/memory.h"
#include <string.h>

struct _PareInference
{
  GHashTable *specs;     /* PareValue -> PareSpec */
  GHashTable *constants; /* PareValue -> PareTensor */
  GHashTable *macs;      /* PareNode -> guint64 */
  gint64 folded;         /* elements of folded constants so far */
  guint64 folded_bytes;
  GHashTable *waiting;   /* of PareNode: not inferred, for shapes that only running tells */
  GError *reason;        /* why the first of them waits */
};

/* Folding stops at this size, all results together: constants are for weights and shapes, not for a network's whole
 * computation. */
#define FOLD_LIMIT (G_GINT64_CONSTANT (1) << 28)

/* No machine holds a tensor of so many elements, and products of a few such sizes do not fit 63 bits. */
#define ELEMENTS_LIMIT (G_GINT64_CONSTANT (1) << 44)

void
pare_inference_free (PareInference *inference)
{
  g_hash_table_unref (inference->specs);
  g_hash_table_unref (inference->constants);
  g_hash_table_unref (inference->macs);
  g_hash_table_unref (inference->waiting);
  g_clear_error (&inference->reason);
  g_free (inference);
}

const PareSpec *
pare_inference_spec (const PareInference *inference, const PareValue *value)
{
  return g_hash_table_lookup (inference->specs, value);
}

PareTensor *
pare_inference_constant (const PareInference *inference, const PareValue *value)
{
  return g_hash_table_lookup (inference->constants, value);
}

guint64
pare_inference_macs (const PareInference *inference, const PareNode *node)
{
  const guint64 *macs = g_hash_table_lookup (inference->macs, node);

  return macs ? *macs : 0;
}

gboolean
pare_inference_waits (const PareInference *inference, const PareNode *node)
{
  return g_hash_table_contains (inference->waiting, node);
}

gboolean
pare_type_is_planned (PareDataType type)
{
  return type != PARE_STRING && type < PARE_DATA_TYPES;
}

PareInfer *
pare_inference_describe (const PareInference *inference, const PareNode *node)
{
  guint n_inputs = node->inputs->len, n_outputs = node->outputs->len;
  PareInfer *infer
      = g_malloc0 (sizeof *infer + (n_inputs + n_outputs) * sizeof (PareSpec) + n_inputs * sizeof (PareTensor *));
  PareSpec *specs = (PareSpec *)(infer + 1);
  PareTensor **constants = (PareTensor **)(specs + n_inputs + n_outputs);

  *infer = (PareInfer){
    node, pare_graph_opset (node->graph, node->domain), n_inputs, specs, constants, n_outputs, specs + n_inputs
  };
  for (guint i = 0; i < n_inputs + n_outputs; i++)
    {
      const PareValue *value = i < n_inputs ? node->inputs->pdata[i] : node->outputs->pdata[i - n_inputs];
      const PareSpec *spec = value ? pare_inference_spec (inference, value) : NULL;
      if (spec)
        specs[i] = *spec;
      if (value && i < n_inputs)
        constants[i] = pare_inference_constant (inference, value);
    }
  return infer;
}

static void
set_spec (PareInference *inference, const PareValue *value, const PareSpec *spec)
{
  g_hash_table_insert (inference->specs, (gpointer)value, g_memdup2 (spec, sizeof *spec));
}

static void
set_constant (PareInference *inference, const PareValue *value, PareTensor *tensor)
{
  PareSpec spec = { tensor->type, tensor->shape };

  set_spec (inference, value, &spec);
  g_hash_table_insert (inference->constants, (gpointer)value, pare_tensor_ref (tensor));
}

static gboolean
check_outputs (const PareInfer *infer, GError **error)
{
  for (guint i = 0; i < infer->n_outputs; i++)
    {
      const PareSpec *spec = &infer->outputs[i];
      gint64 elements = pare_shape_elements (&spec->shape);
      if (!infer->node->outputs->pdata[i])
        continue;
      if (spec->type == PARE_UNDEFINED || elements < 0 || elements > ELEMENTS_LIMIT)
        {
          g_autofree char *shape = pare_shape_to_string (&spec->shape);
          pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "output %u has the impossible shape %s.", i, shape);
          return FALSE;
        }
    }
  return TRUE;
}

/* All inputs known, or the operator reads none of their data but their shape. */
static gboolean
can_fold (PareInference *inference, const PareOperator *op, const PareInfer *infer)
{
  gint64 size = inference->folded;
  guint64 bytes = 0;

  if (!op->forward)
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    if (infer->inputs[i].type != PARE_UNDEFINED && !infer->constants[i] && pare_node_reads (infer->node, i))
      return FALSE;
  for (guint i = 0; i < infer->n_outputs && size <= FOLD_LIMIT; i++)
    {
      size += pare_shape_elements (&infer->outputs[i].shape);
      bytes += pare_data_size (infer->outputs[i].type, pare_shape_elements (&infer->outputs[i].shape));
    }
  if (size > FOLD_LIMIT || !pare_memory_affords (inference->folded_bytes + bytes, "", "", NULL))
    return FALSE;
  inference->folded = size;
  inference->folded_bytes += bytes;
  return TRUE;
}

/* A tensor of nothing but type and shape, for operators that look at no more: without its memory. */
static PareTensor *
shape_only (const PareSpec *spec)
{
  PareTensor *tensor = g_new0 (PareTensor, 1);

  g_atomic_ref_count_init (&tensor->refs);
  tensor->type = spec->type;
  tensor->shape = spec->shape;
  return tensor;
}

static gboolean
fold (PareInference *inference, const PareInfer *infer, GError **error)
{
  const PareNode *node = infer->node;
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, infer->n_inputs + 1);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, infer->n_outputs + 1);
  gboolean done;

  for (guint i = 0; i < infer->n_inputs; i++)
    if (infer->inputs[i].type != PARE_UNDEFINED)
      inputs[i] = infer->constants[i] ? pare_tensor_ref (infer->constants[i]) : shape_only (&infer->inputs[i]);
  done = pare_evaluate_node (node, inputs, outputs, error);
  for (guint i = 0; i < infer->n_inputs; i++)
    g_clear_pointer (&inputs[i], pare_tensor_unref);
  for (guint i = 0; i < infer->n_outputs; i++)
    {
      if (outputs[i])
        set_constant (inference, node->outputs->pdata[i], outputs[i]);
      g_clear_pointer (&outputs[i], pare_tensor_unref);
    }
  return done;
}

/* Always TRUE: @node, and what depends on it, is left for later. Takes @reason. */
static gboolean
wait (PareInference *inference, const PareNode *node, GError *reason)
{
  g_hash_table_add (inference->waiting, (gpointer)node);
  if (inference->reason)
    g_clear_error (&reason);
  else
    inference->reason = reason;
  return TRUE;
}

/* Something that @values holds comes from a node that waits, or is nothing that a plan computes with. */
static gboolean
any_waits (const PareInference *inference, const GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++)
    {
      const PareValue *value = values->pdata[i];
      const PareSpec *spec = value ? pare_inference_spec (inference, value) : NULL;
      if (value
          && (spec ? !pare_type_is_planned (spec->type)
                   : value->producer && pare_inference_waits (inference, value->producer)))
        return TRUE;
    }
  return FALSE;
}

static gboolean
must_wait (const PareInference *inference, const PareOperator *op, const PareNode *node)
{
  return !op->infer || any_waits (inference, node->inputs) || any_waits (inference, node->captures);
}

static GError *
waiting_reason (const PareNode *node)
{
  GError *reason = NULL;

  pare_node_error (&reason, PARE_ERROR_DATA_DEPENDENT, node,
                   "it works on more than plain tensors: shapes behind it are not known before the network runs.");
  return reason;
}

/* Shapes and types of one node, and its value where that is known. Nodes that nothing is known of yet are waiting. */
static gboolean
infer_node (PareInference *inference, const PareNode *node, GError **error)
{
  const PareOperator *op = pare_operator_of (node);
  GError *reason = NULL;
  g_autofree PareInfer *infer = pare_inference_describe (inference, node);

  if (!op)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node,
                       "operator of domain '%s', opset %" G_GINT64_FORMAT
                       ", is unknown and cannot be executed; stages that only rewrite the graph still work.",
                       *node->domain ? node->domain : "ai.onnx", infer->opset);
      return FALSE;
    }
  if (!infer->n_outputs)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "it has no output.");
      return FALSE;
    }
  if (must_wait (inference, op, node))
    return wait (inference, node, waiting_reason (node));
  for (guint i = 0; i < infer->n_inputs; i++)
    {
      const PareValue *value = node->inputs->pdata[i];
      if (value && !pare_inference_spec (inference, value))
        {
          pare_node_error (error, PARE_ERROR_DECODE, node, "input '%s' is neither computed nor given.", value->name);
          return FALSE;
        }
    }
  if (!op->infer (infer, &reason))
    {
      if (g_error_matches (reason, PARE_ERROR, PARE_ERROR_DATA_DEPENDENT))
        return wait (inference, node, reason);
      g_propagate_error (error, reason);
      return FALSE;
    }
  if (!check_outputs (infer, error))
    return FALSE;
  for (guint i = 0; i < infer->n_outputs; i++)
    if (node->outputs->pdata[i])
      set_spec (inference, node->outputs->pdata[i], &infer->outputs[i]);
    else
      infer->outputs[i].type = PARE_UNDEFINED;
  if (op->macs)
    {
      guint64 macs = op->macs (infer);
      g_hash_table_insert (inference->macs, (gpointer)node, g_memdup2 (&macs, sizeof macs));
    }
  return can_fold (inference, op, infer) ? fold (inference, infer, error) : TRUE;
}

static gboolean
set_inputs (PareInference *inference, PareGraph *graph, guint n, const PareSpec *specs, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  if (inputs->len != n)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "The network has %u inputs, but %u were given.", inputs->len,
                   n);
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      const PareValue *value = inputs->pdata[i];
      gboolean fits = !value->has_shape || value->shape.rank == specs[i].shape.rank;
      for (guint d = 0; fits && value->has_shape && d < value->shape.rank; d++)
        fits = value->shape.dims[d] < 0 || value->shape.dims[d] == specs[i].shape.dims[d];
      if (specs[i].type >= PARE_DATA_TYPES)
        fits = !value->has_shape;
      if (!fits || (value->type != PARE_UNDEFINED && value->type != specs[i].type))
        {
          g_autofree char *want = pare_shape_to_string (&value->shape);
          g_autofree char *have = pare_shape_to_string (&specs[i].shape);
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Input '%s' of the network takes %s %s, but %s %s was given.", value->name,
                       pare_data_type_name (value->type), want, pare_data_type_name (specs[i].type), have);
          return FALSE;
        }
      set_spec (inference, value, &specs[i]);
    }
  return TRUE;
}

static gboolean
check_graph_outputs (const PareInference *inference, const PareGraph *graph, GError **error)
{
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      const PareValue *value = graph->outputs->pdata[i];
      if (pare_inference_spec (inference, value)
          || (value->producer && pare_inference_waits (inference, value->producer)))
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "Output '%s' of the network is neither computed nor given.",
                   value->name);
      return FALSE;
    }
  return TRUE;
}

/* Everything that the network is given and gives is a plain tensor of known shape. */
static gboolean
check_planned (const PareInference *inference, const PareGraph *graph, GError **error)
{
  const GPtrArray *ends[] = { graph->inputs, graph->outputs };

  if (inference->reason)
    {
      g_propagate_error (error, g_error_copy (inference->reason));
      return FALSE;
    }
  for (guint e = 0; e < G_N_ELEMENTS (ends); e++)
    for (guint i = 0; i < ends[e]->len; i++)
      {
        const PareValue *value = ends[e]->pdata[i];
        const PareSpec *spec = pare_inference_spec (inference, value);
        if (pare_type_is_planned (spec->type))
          continue;
        g_set_error (error, PARE_ERROR, PARE_ERROR_DATA_DEPENDENT,
                     "'%s' of the network is %s: shapes are not known before the network runs.", value->name,
                     pare_data_type_name (spec->type));
        return FALSE;
      }
  return TRUE;
}

PareInference *
pare_inference_new (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GError **error)
{
  g_autoptr (PareInference) inference = pare_inference_new_partial (graph, n_inputs, inputs, error);

  return inference && check_planned (inference, graph, error) ? g_steal_pointer (&inference) : NULL;
}

PareInference *
pare_inference_new_partial (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GError **error)
{
  g_autoptr (PareInference) inference = g_new0 (PareInference, 1);

  inference->specs = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  inference->constants = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)pare_tensor_unref);
  inference->macs = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  inference->waiting = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->constant)
        set_constant (inference, value, value->constant);
    }
  if (!pare_graph_check_opset (graph, error) || !set_inputs (inference, graph, n_inputs, inputs, error))
    return NULL;
  for (guint i = 0; i < graph->nodes->len; i++)
    if (!infer_node (inference, graph->nodes->pdata[i], error))
      return NULL;
  return check_graph_outputs (inference, graph, error) ? g_steal_pointer (&inference) : NULL;
}

GPtrArray *
pare_graph_free_inputs (const PareGraph *graph)
{
  GPtrArray *inputs = g_ptr_array_new ();

  for (guint i = 0; i < graph->inputs->len; i++)
    if (!((PareValue *)graph->inputs->pdata[i])->constant)
      g_ptr_array_add (inputs, graph->inputs->pdata[i]);
  return inputs;
}

gboolean
pare_graph_default_specs (const PareGraph *graph, gint64 batch, gint64 size, GArray **specs, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);
  g_autoptr (GArray) array = g_array_new (FALSE, TRUE, sizeof (PareSpec));

  for (guint i = 0; i < inputs->len; i++)
    {
      const PareValue *value = inputs->pdata[i];
      PareSpec spec = { value->type, value->shape };
      if (!value->has_shape || value->type == PARE_UNDEFINED)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "The model does not tell the shape of its input '%s': export it with one.", value->name);
          return FALSE;
        }
      for (guint d = 0; d < spec.shape.rank; d++)
        if (spec.shape.dims[d] < 0)
          spec.shape.dims[d] = d == 0 ? batch : size;
      g_array_append_val (array, spec);
    }
  *specs = g_steal_pointer (&array);
  return TRUE;
}
