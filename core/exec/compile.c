/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Compiling a graph into a plan: layouts are chosen, reorders inserted, constants reordered once, memory shared where the
 * last reader may overwrite it. */
#include "exec/compile.h"
#include "exec/chain.h"
#include "exec/plan-private.h"
#include "graph/memory.h"
#include "exec/slices.h"
#include "exec/view.h"
#include <string.h>

struct _PareCompile
{
  ParePlan *plan;
  PareGraph *graph;
  PareInference *inference;
  PareChains *chains;
  GHashTable *taps;
  GHashTable *needed; /* nodes that an output or a tap depends on */
  GHashTable *slots;  /* PareValue -> GPtrArray of PareSlot, the first is where it was produced */
  /* The node at hand. */
  const PareNode *node;
  const PareOperator *op;
  const PareInfer *infer;
  const PareChain *chain;
  const PareNode *last; /* the end of its chain */
};

/* Slots */

static PareSlot *
slot_new (PareCompile *compile, const PareSpec *spec, const PareLayout *layout)
{
  PareSlot *slot = g_new0 (PareSlot, 1);
  gboolean known = spec->type == PARE_FLOAT32 || spec->type == PARE_INT32 || spec->type == PARE_INT8
                   || spec->type == PARE_UINT8;

  slot->spec = *spec;
  slot->host = slot;
  if (layout)
    slot->layout = pare_layout_copy (layout);
  else if (known && pare_shape_elements (&spec->shape) > 0)
    slot->layout = pare_layout_new_plain (spec);
  slot->size = slot->layout ? pare_layout_size (slot->layout)
                            : pare_data_size (spec->type, pare_shape_elements (&spec->shape));
  slot->first = G_MAXUINT;
  g_ptr_array_add (compile->plan->slots, slot);
  return slot;
}

static PareSlot *
slot_over (PareCompile *compile, const PareSpec *spec, const PareLayout *layout, PareSlot *host)
{
  PareSlot *slot = slot_new (compile, spec, layout);

  slot->host = host->host;
  slot->data = host->host->data;
  slot->host->size = MAX (slot->host->size, slot->size);
  return slot;
}

PareSlot *
pare_compile_constant (PareCompile *compile, PareTensor *tensor)
{
  PareSpec spec = { tensor->type, tensor->shape };
  PareSlot *slot = slot_new (compile, &spec, NULL);

  slot->bytes = tensor->bytes ? g_bytes_ref (tensor->bytes) : NULL;
  slot->data = tensor->bytes ? (gpointer) g_bytes_get_data (tensor->bytes, NULL) : (gpointer) tensor;
  if (!slot->data) /* no elements */
    slot->data = slot;
  slot->pinned = TRUE;
  return slot;
}

static gboolean
is_constant (const PareSlot *slot)
{
  return slot->host->data != NULL;
}

/* Entry @index among the consumers of @value stands for an input of which only the shape is read. A node that reads the
 * value several times has as many entries, in the order of its inputs. */
static gboolean
is_shape_use (const PareValue *value, guint index)
{
  const PareNode *node = value->consumers->pdata[index];
  guint nth = 0;

  for (guint i = 0; i < index; i++)
    nth += value->consumers->pdata[i] == node;
  for (guint i = 0; i < node->inputs->len; i++)
    if (node->inputs->pdata[i] == value && nth-- == 0)
      return !pare_node_reads (node, i);
  return FALSE;
}

/* How often the nodes to run and the outputs read the data of @value. */
static guint
count_uses (PareCompile *compile, const PareValue *value)
{
  guint uses = 0;

  for (guint i = 0; i < value->consumers->len; i++)
    uses += g_hash_table_contains (compile->needed, value->consumers->pdata[i]) && !is_shape_use (value, i);
  for (guint i = 0; i < compile->graph->outputs->len; i++)
    uses += compile->graph->outputs->pdata[i] == value;
  return uses;
}

static void
attach_slot (PareCompile *compile, const PareValue *value, PareSlot *slot)
{
  GPtrArray *slots = g_hash_table_lookup (compile->slots, value);

  if (!slots)
    {
      slots = g_ptr_array_new ();
      g_hash_table_insert (compile->slots, (gpointer) value, slots);
      slot->host->pending += count_uses (compile, value);
    }
  g_ptr_array_add (slots, slot);
}

static PareSlot *
primary_slot (PareCompile *compile, const PareValue *value)
{
  GPtrArray *slots = g_hash_table_lookup (compile->slots, value);
  PareTensor *constant;

  if (slots)
    return slots->pdata[0];
  constant = pare_inference_constant (compile->inference, value);
  g_assert (constant);
  attach_slot (compile, value, pare_compile_constant (compile, constant));
  return primary_slot (compile, value);
}

static gboolean
may_overwrite (const PareSlot *slot)
{
  return !slot->host->pinned && slot->host->pending == 1;
}

/* Steps */

static PareStep *
step_new (PareCompile *compile, guint n, PareSlot *const *slots)
{
  PareStep *step = g_new0 (PareStep, 1);
  guint index = compile->plan->steps->len;

  step->node = compile->node;
  step->n_slots = n;
  step->slots = g_memdup2 (slots, n * sizeof *slots);
  for (guint i = 0; i < n; i++)
    if (slots[i])
      {
        slots[i]->host->first = MIN (slots[i]->host->first, index);
        slots[i]->host->last = MAX (slots[i]->host->last, index);
      }
  g_ptr_array_add (compile->plan->steps, step);
  return step;
}

/* Bytes for the step at hand alone. */
static PareSlot *
working_memory (PareCompile *compile, gsize size)
{
  PareSpec spec = { PARE_UINT8, { 1, { size } } };
  PareSlot *slot = slot_new (compile, &spec, NULL);

  g_clear_pointer (&slot->layout, pare_layout_free); /* nobody but the step knows what is in it */
  return slot;
}

void
pare_compile_primitive (PareCompile *compile, ParePrimitive *primitive, guint n, const PareArg *args,
                        PareSlot *const *slots)
{
  gsize scratchpad = pare_primitive_scratchpad (primitive);
  g_autofree PareSlot **all = g_new0 (PareSlot *, n + 1);
  PareStep *step;

  memcpy (all, slots, n * sizeof *slots);
  if (scratchpad)
    all[n] = working_memory (compile, scratchpad);
  step = step_new (compile, n + (scratchpad != 0), all);
  step->primitive = primitive;
  step->args = g_new (PareArg, n + 1);
  memcpy (step->args, args, n * sizeof *args);
  step->args[n] = PARE_ARG_SCRATCHPAD;
}

void
pare_compile_step (PareCompile *compile, PareStepFunc run, gpointer state, GDestroyNotify free_state, guint n,
                   PareSlot *const *slots)
{
  PareStep *step = step_new (compile, n, slots);

  step->run = run;
  step->state = state;
  step->free_state = free_state;
}

/* Layouts */

static gboolean
add_reorder (PareCompile *compile, PareSlot *from, const PareLayout *seen_as, PareSlot *to, GError **error)
{
  ParePrimitive *reorder = pare_primitive_reorder (seen_as ? seen_as : from->layout, to->layout, error);
  PareSlot *slots[] = { from, to };
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_DST };

  if (!reorder)
    return FALSE;
  pare_compile_primitive (compile, reorder, 2, args, slots);
  return TRUE;
}

/* Constants are reordered here and now. */
static PareSlot *
reorder_constant (PareCompile *compile, PareSlot *from, const PareLayout *seen_as, const PareLayout *layout,
                  GError **error)
{
  g_autoptr (ParePrimitive) reorder = pare_primitive_reorder (seen_as, layout, error);
  gsize size = pare_layout_size (layout);
  g_autoptr (GBytes) scratchpad = NULL;
  gpointer data = NULL;
  PareSlot *slot;

  if (!reorder || !pare_plan_affords (compile->plan->constants_size + size, error))
    return NULL;
  data = g_aligned_alloc (1, MAX (size, 1), 64);
  slot = slot_new (compile, &from->spec, layout);
  slot->bytes = g_bytes_new_with_free_func (data, size, g_aligned_free, data);
  slot->data = data;
  slot->pinned = TRUE;
  compile->plan->constants_size += size;
  if (pare_primitive_scratchpad (reorder))
    {
      scratchpad = g_bytes_new_take (g_malloc (pare_primitive_scratchpad (reorder)), 1);
      if (!pare_primitive_bind (reorder, PARE_ARG_SCRATCHPAD, NULL, (gpointer) g_bytes_get_data (scratchpad, NULL),
                                error))
        return NULL;
    }
  if (!pare_primitive_bind (reorder, PARE_ARG_SRC, seen_as, from->data, error)
      || !pare_primitive_bind (reorder, PARE_ARG_DST, layout, data, error) || !pare_primitive_run (reorder, error))
    return NULL;
  return slot;
}

static PareSlot *
value_in_layout (PareCompile *compile, const PareValue *value, const PareLayout *layout, GError **error)
{
  PareSlot *from = primary_slot (compile, value), *to;
  GPtrArray *slots = g_hash_table_lookup (compile->slots, value);

  for (guint i = 0; i < slots->len; i++)
    {
      PareSlot *slot = slots->pdata[i];
      if (!slot->layout ? !layout : layout ? pare_layout_equal (slot->layout, layout)
                                           : pare_layout_is_plain (slot->layout))
        return slot;
    }
  if (is_constant (from))
    to = reorder_constant (compile, from, from->layout, layout, error);
  else
    {
      to = slot_new (compile, &from->spec, layout);
      to->pinned = TRUE; /* others may come to read it */
      if (!add_reorder (compile, from, NULL, to, error))
        return NULL;
    }
  if (to)
    attach_slot (compile, value, to);
  return to;
}

/* What operators call */

const PareInfer *
pare_compile_infer (const PareCompile *compile)
{
  return compile->infer;
}

const PareChain *
pare_compile_chain (const PareCompile *compile)
{
  return compile->chain;
}

PareSlot *
pare_compile_input (PareCompile *compile, guint index, const PareLayout *layout, GError **error)
{
  return value_in_layout (compile, compile->node->inputs->pdata[index], layout, error);
}

PareSlot *
pare_compile_input_as_is (PareCompile *compile, guint index)
{
  return primary_slot (compile, compile->node->inputs->pdata[index]);
}

PareSlot *
pare_compile_input_from (PareCompile *compile, guint index, const PareLayout *from, const PareLayout *to,
                         GError **error)
{
  PareSlot *plain = pare_compile_input (compile, index, NULL, error), *slot;

  if (!plain)
    return NULL;
  if (pare_layout_equal (from, to))
    return slot_over (compile, &plain->spec, to, plain);
  if (is_constant (plain))
    return reorder_constant (compile, plain, from, to, error);
  slot = slot_new (compile, &plain->spec, to);
  /* The step reads the plain slot through another description of the same bytes. */
  return add_reorder (compile, slot_over (compile, &plain->spec, from, plain), NULL, slot, error) ? slot : NULL;
}

static const PareValue *
output_value (PareCompile *compile, guint index)
{
  return index ? compile->node->outputs->pdata[index] : compile->last->outputs->pdata[0];
}

static PareSlot *
attach_output (PareCompile *compile, guint index, PareSlot *slot)
{
  attach_slot (compile, output_value (compile, index), slot);
  return slot;
}

PareSlot *
pare_compile_output (PareCompile *compile, guint index, const PareLayout *layout, GError **error)
{
  const PareSpec *spec = pare_inference_spec (compile->inference, output_value (compile, index));
  const PareValue *sum = compile->chain && index == 0 ? compile->chain->sum : NULL;
  PareSlot *slot, *operand;

  if (!sum)
    return attach_output (compile, index, slot_new (compile, spec, layout));
  operand = primary_slot (compile, sum);
  if (may_overwrite (operand) && operand->layout && layout && pare_layout_equal (operand->layout, layout))
    return attach_output (compile, index, slot_over (compile, spec, layout, operand));
  slot = slot_new (compile, spec, layout);
  if (!add_reorder (compile, operand, NULL, slot, error))
    return NULL;
  return attach_output (compile, index, slot);
}

PareSlot *
pare_compile_output_as (PareCompile *compile, guint index, const PareLayout *seen_as, GError **error)
{
  g_autoptr (PareLayout) plain
    = pare_layout_new_plain (pare_inference_spec (compile->inference, output_value (compile, index)));
  PareSlot *slot = pare_compile_output (compile, index, plain, error);

  return slot ? slot_over (compile, &slot->spec, seen_as, slot) : NULL;
}

PareSlot *
pare_compile_output_over (PareCompile *compile, guint index, PareSlot *input)
{
  const PareSpec *spec = pare_inference_spec (compile->inference, output_value (compile, index));

  if (may_overwrite (input))
    return attach_output (compile, index, slot_over (compile, spec, input->layout, input));
  return attach_output (compile, index, slot_new (compile, spec, input->layout));
}

PareSlot *
pare_compile_sum (PareCompile *compile, const PareLayout *layout, GError **error)
{
  return value_in_layout (compile, compile->chain->sum, layout, error);
}

PareSlot *
pare_compile_temporary (PareCompile *compile, const PareSpec *spec, const PareLayout *layout)
{
  return slot_new (compile, spec, layout);
}

gboolean
pare_compile_reorder (PareCompile *compile, PareSlot *from, PareSlot *to, GError **error)
{
  return add_reorder (compile, from, NULL, to, error);
}

const PareInference *
pare_compile_inference (const PareCompile *compile)
{
  return compile->inference;
}

gboolean
pare_compile_shows (const PareCompile *compile, const PareValue *value)
{
  return pare_graph_is_output (compile->graph, value) || g_hash_table_contains (compile->taps, value);
}

void
pare_compile_output_within (PareCompile *compile, guint index, PareSlot *input, const PareLayout *layout)
{
  attach_output (compile, index, slot_over (compile, &compile->infer->outputs[index], layout, input));
}

gboolean
pare_compile_alias (PareCompile *compile, GError **error)
{
  PareSlot *input = pare_compile_input_as_is (compile, 0);

  attach_output (compile, 0, slot_over (compile, &compile->infer->outputs[0], input->layout, input));
  return TRUE;
}

gboolean
pare_compile_forward (PareCompile *compile, GError **error)
{
  const PareInfer *infer = compile->infer;
  guint n = infer->n_inputs + infer->n_outputs;
  gsize scratch = compile->op->scratch ? compile->op->scratch (infer) : 0;
  g_autofree PareSlot **slots = g_new0 (PareSlot *, n + 1);
  PareStep *step;

  if (!compile->op->forward)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, compile->node,
                       "this form of the operator cannot be executed yet.");
      return FALSE;
    }
  for (guint i = 0; i < infer->n_inputs; i++)
    if (infer->inputs[i].type != PARE_UNDEFINED && pare_node_reads (compile->node, i)
        && !(slots[i] = pare_compile_input (compile, i, NULL, error)))
      return FALSE;
  for (guint i = 0; i < infer->n_outputs; i++)
    {
      PareSlot **slot = &slots[infer->n_inputs + i];
      gboolean over = i == 0 && compile->op->in_place && infer->n_inputs && slots[0]
                      && infer->inputs[0].type == infer->outputs[0].type
                      && pare_shape_equal (&infer->inputs[0].shape, &infer->outputs[0].shape);
      if (infer->outputs[i].type != PARE_UNDEFINED)
        *slot = over ? pare_compile_output_over (compile, i, slots[0]) : pare_compile_output (compile, i, NULL, error);
    }
  if (scratch)
    slots[n] = working_memory (compile, scratch);
  step = step_new (compile, n + (scratch != 0), slots);
  step->forward = compile->op->forward;
  step->views = g_new0 (PareView, n + 1);
  for (guint i = 0; i < infer->n_inputs; i++)
    step->views[i] = (PareView){ infer->inputs[i].type, infer->inputs[i].shape, NULL };
  step->n_inputs = infer->n_inputs;
  step->n_outputs = infer->n_outputs;
  step->opset = infer->opset;
  return TRUE;
}

/* The walk over the graph */

/* The same bytes under another shape: row-major ones, unless the shape stays. */
static gboolean
compile_alias (PareCompile *compile, GError **error)
{
  PareSlot *input;

  if (pare_shape_equal (&compile->infer->inputs[0].shape, &compile->infer->outputs[0].shape))
    return pare_compile_alias (compile, error);
  input = pare_compile_input (compile, 0, NULL, error);
  if (!input)
    return FALSE;
  attach_output (compile, 0, slot_over (compile, &compile->infer->outputs[0], NULL, input));
  return TRUE;
}

/* A function of one element that can stay in the layout where its input lies. */
static gboolean
compile_eltwise (PareCompile *compile, const PareEltwise *eltwise, GError **error)
{
  PareSlot *slots[2] = { pare_compile_input_as_is (compile, 0) };
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_DST };
  ParePrimitive *primitive = pare_primitive_eltwise (eltwise, slots[0]->layout, error);

  if (!primitive)
    return FALSE;
  slots[1] = pare_compile_output_over (compile, 0, slots[0]);
  pare_compile_primitive (compile, primitive, 2, args, slots);
  return TRUE;
}

/* Attaches the outputs when they have no elements (an empty batch): there is nothing to compute. */
static gboolean
compile_empty (PareCompile *compile)
{
  guint n = compile->node->outputs->len;

  for (guint i = 0; i < n; i++)
    if (output_value (compile, i)
        && pare_shape_elements (&pare_inference_spec (compile->inference, output_value (compile, i))->shape))
      return FALSE;
  for (guint i = 0; i < n; i++)
    if (output_value (compile, i))
      attach_output (compile, i,
                     slot_new (compile, pare_inference_spec (compile->inference, output_value (compile, i)), NULL));
  return TRUE;
}

static gboolean
compile_operator (PareCompile *compile, GError **error)
{
  PareEltwise eltwise;
  PareSlot *input;

  if (compile_empty (compile))
    return TRUE;
  if (pare_compile_views (compile))
    return TRUE;
  if (compile->op->alias && compile->node->outputs->len == 1)
    return compile_alias (compile, error);
  if (compile->op->compile)
    return compile->op->compile (compile, error);
  if (compile->op->eltwise && compile->infer->inputs[0].type == PARE_FLOAT32
      && compile->op->eltwise (compile->node, &eltwise))
    {
      input = pare_compile_input_as_is (compile, 0);
      if (input->layout && !pare_layout_is_plain (input->layout))
        return compile_eltwise (compile, &eltwise, error);
    }
  return pare_compile_forward (compile, error);
}

typedef struct
{
  PareTapEntry entry;
  const PareValue *value;
} TapState;

static gboolean
run_tap (gpointer state, PareSlot *const *slots, GError **error)
{
  const TapState *tap = state;

  tap->entry.tap (tap->value, slots[0]->data, pare_shape_elements (&slots[0]->spec.shape), tap->entry.user_data);
  return TRUE;
}

static gboolean
add_tap (PareCompile *compile, const PareValue *value, GError **error)
{
  const PareTapEntry *entry = g_hash_table_lookup (compile->taps, value);
  TapState *state;
  PareSlot *slot;

  if (!entry)
    return TRUE;
  slot = primary_slot (compile, value);
  if (slot->spec.type != PARE_FLOAT32)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "Value '%s' is %s: only float32 can be observed.",
                   value->name, pare_data_type_name (slot->spec.type));
      return FALSE;
    }
  if (slot->layout && !pare_layout_is_dense (slot->layout) && !(slot = value_in_layout (compile, value, NULL, error)))
    return FALSE;
  state = g_new (TapState, 1);
  *state = (TapState){ *entry, value };
  pare_compile_step (compile, run_tap, state, g_free, 1, &slot);
  return TRUE;
}

static void
release_inputs (PareCompile *compile, const PareNode *node, const PareValue *inner)
{
  for (guint i = 0; i < node->inputs->len; i++)
    {
      const PareValue *value = node->inputs->pdata[i];
      if (value && value != inner && pare_node_reads (node, i) && g_hash_table_contains (compile->slots, value))
        primary_slot (compile, value)->host->pending--;
    }
}

static gboolean
compile_chain (PareCompile *compile, const PareNode *head, const PareNode *last, GError **error)
{
  g_autofree PareInfer *infer = pare_inference_describe (compile->inference, head);
  const PareValue *inner = NULL;

  compile->node = head;
  compile->last = last;
  compile->op = pare_operator_of (head);
  compile->chain = pare_chains_of (compile->chains, head);
  compile->infer = infer;
  if (!compile_operator (compile, error))
    {
      if (error && *error && (*error)->code == PARE_ERROR_LIBRARY)
        pare_node_prefix_error (error, head);
      return FALSE;
    }
  for (const PareNode *node = head;; node = pare_value_only_reader (inner))
    {
      release_inputs (compile, node, inner);
      if (node == last)
        break;
      inner = node->outputs->pdata[0];
    }
  for (guint i = 0; i < head->outputs->len; i++)
    if (output_value (compile, i) && !add_tap (compile, output_value (compile, i), error))
      return FALSE;
  return TRUE;
}

/* Values that shape inference found to be constant: no node computes them, but their taps run all the same. */
static gboolean
add_constant_taps (PareCompile *compile, GError **error)
{
  for (guint i = 0; g_hash_table_size (compile->taps) && i < compile->graph->values->len; i++)
    {
      const PareValue *value = compile->graph->values->pdata[i];
      if (pare_inference_constant (compile->inference, value) && !add_tap (compile, value, error))
        return FALSE;
    }
  return TRUE;
}

/* Nodes that have something to compute: not constants, and not what nobody asks for. */
static void
find_needed (PareCompile *compile)
{
  for (guint i = compile->graph->nodes->len; i-- > 0;)
    {
      const PareNode *node = compile->graph->nodes->pdata[i];
      gboolean needed = FALSE, computed = FALSE;
      for (guint o = 0; o < node->outputs->len; o++)
        {
          const PareValue *value = node->outputs->pdata[o];
          if (!value)
            continue;
          computed |= !pare_inference_constant (compile->inference, value);
          needed |= pare_graph_is_output (compile->graph, value) || g_hash_table_contains (compile->taps, value);
          for (guint c = 0; c < value->consumers->len; c++)
            needed |= g_hash_table_contains (compile->needed, value->consumers->pdata[c]) && !is_shape_use (value, c);
        }
      if (needed && computed)
        g_hash_table_add (compile->needed, (gpointer) node);
    }
}

static gboolean
add_inputs (PareCompile *compile, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (compile->graph);

  for (guint i = 0; i < inputs->len; i++)
    {
      const PareValue *value = inputs->pdata[i];
      PareSlot *slot = slot_new (compile, pare_inference_spec (compile->inference, value), NULL);
      slot->first = 0;
      attach_slot (compile, value, slot);
      g_ptr_array_add (compile->plan->inputs, slot);
      if (!add_tap (compile, value, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_outputs (PareCompile *compile, GError **error)
{
  for (guint i = 0; i < compile->graph->outputs->len; i++)
    {
      PareSlot *slot = value_in_layout (compile, compile->graph->outputs->pdata[i], NULL, error);
      if (!slot)
        return FALSE;
      g_ptr_array_add (compile->plan->outputs, slot);
    }
  for (guint i = 0; i < compile->plan->outputs->len; i++)
    ((PareSlot *) compile->plan->outputs->pdata[i])->host->last = G_MAXUINT;
  return TRUE;
}

/* oneDNN calculates with sizes that fit memory: a value that does not must not come so far. Constants are there. */
static gboolean
check_sizes (PareCompile *compile, GError **error)
{
  for (guint i = 0; i < compile->graph->values->len; i++)
    {
      const PareValue *value = compile->graph->values->pdata[i];
      const PareSpec *spec = pare_inference_spec (compile->inference, value);
      g_autofree char *shape = NULL, *what = NULL;
      guint64 size;
      if (!spec || pare_inference_constant (compile->inference, value))
        continue;
      size = pare_data_size (spec->type, pare_shape_elements (&spec->shape));
      if (pare_memory_affords (size, "", "", NULL))
        continue;
      shape = pare_shape_to_string (&spec->shape);
      what = g_strdup_printf ("Value '%s' of shape %s", value->name, shape);
      return pare_memory_affords (size, what, "use a smaller batch or input", error);
    }
  return TRUE;
}

static gboolean
compile_graph (PareCompile *compile, GError **error)
{
  if (!check_sizes (compile, error) || !add_inputs (compile, error) || !add_constant_taps (compile, error))
    return FALSE;
  for (guint i = 0; i < compile->graph->nodes->len; i++)
    {
      const PareNode *node = compile->graph->nodes->pdata[i];
      const PareNode *head = pare_chains_head_at (compile->chains, node);
      if (head && g_hash_table_contains (compile->needed, head) && !compile_chain (compile, head, node, error))
        return FALSE;
    }
  compile->node = NULL;
  return add_outputs (compile, error) && pare_plan_bind (compile->plan, error);
}

/* Infers the graph for one slice of a batch. Taps see whole batches. */
static PareInference *
infer_slice (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GHashTable *taps, gint64 *slices, GError **error)
{
  g_autoptr (PareInference) whole = pare_inference_new (graph, n_inputs, inputs, error);
  g_autofree PareSpec *parts = g_memdup2 (inputs, n_inputs * sizeof *inputs);

  *slices = whole && !g_hash_table_size (taps) ? pare_slices_count (graph, whole) : 1;
  if (*slices == 1)
    return g_steal_pointer (&whole);
  for (guint i = 0; i < n_inputs; i++)
    parts[i].shape.dims[0] /= *slices;
  return pare_inference_new (graph, n_inputs, parts, error);
}

ParePlan *
pare_plan_new (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GHashTable *taps, GError **error)
{
  PareCompile compile = { .graph = graph, .taps = taps };
  ParePlan *plan;
  gint64 slices;
  gboolean done;

  compile.inference = infer_slice (graph, n_inputs, inputs, taps, &slices, error);
  if (!compile.inference)
    return NULL;
  plan = compile.plan = g_new0 (ParePlan, 1);
  plan->slots = g_ptr_array_new_with_free_func (pare_slot_free);
  plan->steps = g_ptr_array_new_with_free_func (pare_step_free);
  plan->inputs = g_ptr_array_new ();
  plan->pool = pare_output_pool_new ();
  plan->outputs = g_ptr_array_new ();
  plan->slices = slices;
  compile.needed = g_hash_table_new (NULL, NULL);
  compile.slots = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  compile.chains = pare_chains_new (graph, compile.inference, taps);
  find_needed (&compile);
  done = compile_graph (&compile, error);
  pare_chains_free (compile.chains);
  g_hash_table_unref (compile.slots);
  g_hash_table_unref (compile.needed);
  pare_inference_free (compile.inference);
  if (!done)
    g_clear_pointer (&plan, pare_plan_free);
  return plan;
}
