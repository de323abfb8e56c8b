/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shifted accumulators in a graph: put in, kept up to date, written as standard operators, taken out. */
#include "quantize/shift.h"
#include "ops/fakequantize.h"
#include "quantize/pair.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

#define OPERATOR "AccumulatorShift"

gboolean
pare_shift_is (const PareNode *node)
{
  return strcmp (node->domain, PARE_DOMAIN) == 0 && strcmp (node->op_type, OPERATOR) == 0;
}

static PareNode *
node_behind (const PareGraph *graph, PareNode *node)
{
  guint position;

  g_assert (g_ptr_array_find (graph->nodes, node, &position));
  return position + 1 < graph->nodes->len ? graph->nodes->pdata[position + 1] : NULL;
}

PareNode *
pare_shift_insert (PareGraph *graph, const PareAccumulator *accumulator, const gint64 *shifts)
{
  PareNode *layer = accumulator->node;
  PareValue *result = pare_node_output (layer, 0);
  g_autofree char *raw_name = g_strconcat (result->name, "_accumulated", NULL);
  g_autofree char *name = g_strconcat (pare_node_label (layer), "_" OPERATOR, NULL);
  PareNode *node = pare_graph_add_node (graph, PARE_DOMAIN, OPERATOR, name, node_behind (graph, layer));
  PareValue *raw = pare_graph_add_value_near (graph, raw_name);

  raw->type = result->type;
  raw->has_shape = result->has_shape;
  raw->shape = result->shape;
  pare_node_set_output (layer, 0, raw);
  pare_node_add_input (node, raw);
  pare_node_add_input (node, accumulator->data_scale);
  pare_node_add_input (node, accumulator->weight_scale);
  pare_node_add_output (node, result);
  pare_node_set_attribute (node, pare_attribute_new_ints ("shift", accumulator->channels, shifts));
  pare_node_set_attribute (node, pare_attribute_new_int ("axis", accumulator->axis));
  pare_graph_set_opset (graph, PARE_DOMAIN, 1);
  return node;
}

/* Of @graph; free the container. */
static GPtrArray *
shift_nodes (const PareGraph *graph)
{
  GPtrArray *nodes = g_ptr_array_new ();

  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_shift_is (graph->nodes->pdata[i]))
      g_ptr_array_add (nodes, graph->nodes->pdata[i]);
  return nodes;
}

/* The scale that @value was rounded to, when it is a value of the graph: learnt ranges have none. */
static PareValue *
scale_of (const PareValue *value)
{
  const PareNode *producer = value ? value->producer : NULL;
  gboolean learns = producer && strcmp (producer->domain, PARE_DOMAIN) == 0
                    && (strcmp (producer->op_type, pare_grid_operator (PARE_GRID_SCALE)) == 0
                        || strcmp (producer->op_type, pare_grid_operator (PARE_GRID_OFFSET)) == 0);

  return learns || (producer && pare_node_is (producer, "DequantizeLinear")) ? pare_node_input (producer, 1) : NULL;
}

void
pare_graph_refresh_shifts (PareGraph *graph)
{
  g_autoptr (GPtrArray) nodes = shift_nodes (graph);

  for (guint i = 0; i < nodes->len; i++)
    {
      PareNode *node = nodes->pdata[i], *layer = pare_node_input (node, 0)->producer;
      const PareOperator *op = layer ? pare_operator_of (layer) : NULL;
      PareWeightTrait trait;
      PareValue *scales[2];
      if (!op || !op->weight)
        continue;
      op->weight (layer, &trait);
      scales[0] = scale_of (pare_node_input (layer, 0));
      scales[1] = scale_of (pare_node_input (layer, trait.input));
      for (guint k = 0; k < 2; k++)
        if (scales[k])
          pare_node_set_input (node, 1 + k, scales[k]);
    }
}

/* Lowering */

/* What one shift is made of. Constants have one number per channel, in a shape that broadcasts to the result's. */
typedef struct
{
  PareGraph *graph;
  PareNode *before;
  PareShape shape;
  guint n;
  const char *stem;
  PareValue *value; /* so far */
} Lowering;

static PareValue *
constant (const Lowering *lowering, const char *suffix, const float *numbers)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&lowering->shape, numbers);
  g_autofree char *name = g_strconcat (lowering->stem, suffix, NULL);

  return pare_graph_add_constant (lowering->graph, name, tensor);
}

static PareValue *
bound (const Lowering *lowering, const char *suffix, float number)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_scalar_float (number);
  g_autofree char *name = g_strconcat (lowering->stem, suffix, NULL);

  return pare_graph_add_constant (lowering->graph, name, tensor);
}

/* value -> @op_type (value, @a, @b) -> value. @output NULL: a new one. Names of nodes are unique: some runtimes insist.
 */
static void
apply (Lowering *lowering, const char *op_type, const char *suffix, PareValue *a, PareValue *b, PareValue *output)
{
  g_autofree char *name = g_strconcat (lowering->stem, "_", suffix, NULL);
  PareNode *node = pare_graph_add_node (lowering->graph, "", op_type, name, lowering->before);

  pare_node_add_input (node, lowering->value);
  if (a)
    pare_node_add_input (node, a);
  if (b)
    pare_node_add_input (node, b);
  lowering->value = output ? output : pare_graph_add_value_near (lowering->graph, name);
  pare_node_add_output (node, lowering->value);
}

static gboolean
check (const PareNode *node, gint64 axis, guint n, GError **error)
{
  const PareTensor *data = pare_node_constant (node, 1), *weight = pare_node_constant (node, 2);
  gint64 scales = weight ? pare_tensor_elements (weight) : 0;

  if (data && pare_tensor_elements (data) == 1 && (scales == 1 || scales == n) && n && axis < 0
      && axis >= -PARE_MAX_RANK && node->outputs->len == 1)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, node,
                   "it cannot be written as standard operators: its scales are no constants, or do not fit its shift.");
  return FALSE;
}

static gboolean
lower (PareGraph *graph, PareNode *node, GError **error)
{
  gint64 axis = pare_node_get_int (node, "axis", 0);
  g_autofree char *stem = g_strdup (pare_node_label (node));
  Lowering lowering = { .graph = graph, .stem = stem, .value = pare_node_input (node, 0) };
  const gint64 *given = pare_node_get_ints (node, "shift", &lowering.n);
  g_autofree gint64 *shifts = NULL;
  g_autofree float *steps = NULL, *inverses = NULL, *units = NULL;
  PareValue *result = pare_node_output (node, 0);

  if (!check (node, axis, lowering.n, error))
    return FALSE;
  shifts = g_memdup2 (given, lowering.n * sizeof *shifts);
  steps = g_new (float, lowering.n);
  inverses = g_new (float, lowering.n);
  units = g_new (float, lowering.n);
  for (guint c = 0; c < lowering.n; c++)
    {
      const PareTensor *weight = pare_node_constant (node, 2);
      steps[c] = (float)pare_tensor_get_double (pare_node_constant (node, 1), 0)
                 * (float)pare_tensor_get_double (weight, pare_tensor_elements (weight) > 1 ? c : 0);
      inverses[c] = ldexpf (1, -(int)shifts[c]);
      units[c] = steps[c] * ldexpf (1, shifts[c]);
    }
  lowering.shape.rank = -axis;
  for (guint i = 0; i < lowering.shape.rank; i++)
    lowering.shape.dims[i] = i ? 1 : lowering.n;
  lowering.before = pare_graph_take_out (graph, node);
  apply (&lowering, "Div", "Step", constant (&lowering, "_step", steps), NULL, NULL);
  apply (&lowering, "Round", "Round", NULL, NULL, NULL);
  apply (&lowering, "Mul", "Shift", constant (&lowering, "_power", inverses), NULL, NULL);
  apply (&lowering, "Floor", "Floor", NULL, NULL, NULL);
  apply (&lowering, "Clip", "Clip", bound (&lowering, "_lowest", PARE_ACCUMULATOR_LOWEST),
         bound (&lowering, "_highest", PARE_ACCUMULATOR_HIGHEST), NULL);
  apply (&lowering, "Mul", "Unit", constant (&lowering, "_unit", units), NULL, result);
  return TRUE;
}

gboolean
pare_graph_lower_shifts (PareGraph *graph, GError **error)
{
  g_autoptr (GPtrArray) nodes = shift_nodes (graph);

  for (guint i = 0; i < nodes->len; i++)
    if (!lower (graph, nodes->pdata[i], error))
      return FALSE;
  pare_graph_drop_unused_opset (graph, PARE_DOMAIN);
  return TRUE;
}

void
pare_graph_drop_shifts (PareGraph *graph)
{
  g_autoptr (GPtrArray) nodes = shift_nodes (graph);

  for (guint i = 0; i < nodes->len; i++)
    {
      PareNode *node = nodes->pdata[i];
      PareValue *raw = node->inputs->pdata[0], *result = node->outputs->pdata[0];
      gboolean output = pare_graph_is_output (graph, result);
      if (!pare_graph_replace_value (graph, result, raw))
        continue;
      pare_graph_remove_node (graph, node);
      if (!output) /* else it has its name again */
        pare_graph_swap_names (graph, raw, result);
    }
  pare_graph_remove_dead (graph);
  pare_graph_drop_unused_opset (graph, PARE_DOMAIN);
}

GHashTable *
pare_graph_shifts (const PareGraph *graph)
{
  g_autoptr (GPtrArray) nodes = shift_nodes (graph);
  GHashTable *shifts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)pare_attribute_free);

  for (guint i = 0; i < nodes->len; i++)
    {
      const PareNode *node = nodes->pdata[i], *layer = pare_node_input (node, 0)->producer;
      const PareAttribute *shift = pare_node_attribute (node, "shift");
      /* A layer without a name is called after its result, which it gets back when the shift goes. */
      if (layer && shift && shift->type == PARE_ATTRIBUTE_INTS)
        g_hash_table_insert (shifts, g_strdup (*layer->name ? layer->name : pare_node_output (node, 0)->name),
                             pare_attribute_copy (shift, NULL));
    }
  return shifts;
}
