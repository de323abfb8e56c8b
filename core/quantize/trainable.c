/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pairs become quantizers that learn, and quantizers pairs again. */
#include "quantize/trainable.h"
#include "ops/fakequantize.h"
#include "quantize/bias.h"
#include "quantize/pair.h"
#include "quantize/shift.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

static const struct
{
  const char *name;
  PareTrainable trainable;
} algorithms[] = {
  { "lsq", PARE_TRAINABLE_LSQ },
  { "ulq", PARE_TRAINABLE_ULQ },
};

gboolean
pare_trainable_find (const char *name, PareTrainable *trainable, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    if (g_strcmp0 (name, algorithms[i].name) == 0)
      {
        *trainable = algorithms[i].trainable;
        return TRUE;
      }
  g_set_error (
      error, PARE_ERROR, PARE_ERROR_SETTINGS,
      "There is no way '%s' for quantizers to learn: write lsq (their scale and zero point) or ulq (their range).",
      name);
  return FALSE;
}

static gboolean
is_fake (const PareNode *node)
{
  return strcmp (node->domain, PARE_DOMAIN) == 0
         && strcmp (node->op_type, pare_grid_operator (pare_grid_kind (node))) == 0;
}

gboolean
pare_is_quantizer_parameter (const PareValue *value)
{
  for (guint i = 0; value->constant && i < value->consumers->len; i++)
    {
      const PareNode *node = value->consumers->pdata[i];
      if (!is_fake (node))
        continue;
      if ((node->inputs->pdata[1] == value && !pare_node_get_int (node, "fixed_low", 0))
          || (node->inputs->pdata[2] == value && pare_grid_learnt (pare_grid_kind (node)) > 1))
        return TRUE;
    }
  return FALSE;
}

/* Opening */

/* What one grid has to learn, shared by all that must keep one grid. */
typedef struct
{
  ParePair pair;             /* as it was */
  PareValue *first, *second; /* inputs 1 and 2 */
  PareGridKind kind;
  gboolean fixed_low;
} Parameters;

typedef struct
{
  PareGraph *graph;
  PareTrainable trainable;
  GHashTable *by_quantize; /* node or fake node -> Parameters */
  GPtrArray *owned;        /* of Parameters */
} Opening;

/* The quantizer whose integers @value still holds: operators that only move data have one grid on both sides, or no
 * runtime could run them on integers. */
static PareNode *
moved_from (const PareValue *value)
{
  while (value->producer)
    {
      const PareOperator *op = pare_operator_of (value->producer);
      if (is_fake (value->producer))
        return value->producer;
      if (!op || op->quantize != PARE_QUANTIZE_PASS)
        return NULL;
      value = value->producer->inputs->pdata[0];
    }
  return NULL;
}

static gboolean
same_grid (const ParePair *a, const ParePair *b)
{
  return a->type == b->type && a->lowest == b->lowest && a->highest == b->highest && a->axis < 0 && b->axis < 0
         && pare_tensor_equal (a->scale->constant, b->scale->constant)
         && (a->zero_point == b->zero_point
             || (a->zero_point && b->zero_point
                 && pare_tensor_equal (a->zero_point->constant, b->zero_point->constant)));
}

static gint32
zero_point_of (const ParePair *pair)
{
  return pair->zero_point ? pare_tensor_get_int (pair->zero_point->constant, 0) : 0;
}

static PareTensor *
range_end (const ParePair *pair, gint32 end)
{
  const PareTensor *scale = pair->scale->constant;

  return pare_tensor_new_scalar_float ((end - zero_point_of (pair)) * (float)pare_tensor_get_double (scale, 0));
}

static gboolean
is_symmetric (const ParePair *pair)
{
  gint32 lowest, highest;
  gint64 n = pair->zero_point ? pare_tensor_elements (pair->zero_point->constant) : 0;

  pare_integer_limits (pair->type, &lowest, &highest);
  for (gint64 i = 0; i < n; i++)
    if (pare_tensor_get_int (pair->zero_point->constant, i) != 0)
      return FALSE;
  return lowest < 0;
}

/* What @pair has to learn: one end of weights and of symmetric activations follows from the other. */
static PareGridKind
kind_of (PareTrainable trainable, const ParePair *pair)
{
  if (pair->axis >= 0 || pair->input->constant || is_symmetric (pair))
    return PARE_GRID_SCALE;
  if (trainable == PARE_TRAINABLE_ULQ)
    return PARE_GRID_RANGE;
  return zero_point_of (pair) == pair->lowest ? PARE_GRID_SCALE : PARE_GRID_OFFSET;
}

static PareValue *
add_end (PareGraph *graph, const ParePair *pair, const char *suffix, gint32 end)
{
  g_autofree char *name = g_strconcat (pair->input->name, suffix, NULL);
  g_autoptr (PareTensor) tensor = range_end (pair, end);

  return pare_graph_add_constant (graph, name, tensor);
}

static Parameters *
parameters_new (Opening *opening, const ParePair *pair)
{
  PareGraph *graph = opening->graph;
  Parameters *parameters = g_new0 (Parameters, 1);

  parameters->pair = *pair;
  parameters->kind = kind_of (opening->trainable, pair);
  g_ptr_array_add (opening->owned, parameters);
  if (parameters->kind == PARE_GRID_RANGE)
    {
      parameters->first = add_end (graph, pair, "_low", pair->lowest);
      parameters->second = add_end (graph, pair, "_high", pair->highest);
      parameters->fixed_low = zero_point_of (pair) == pair->lowest;
      return parameters;
    }
  /* A constant of its own: the file may store equal numbers once. */
  parameters->first = pare_graph_add_constant (graph, pair->scale->name, pair->scale->constant);
  parameters->second = parameters->kind == PARE_GRID_OFFSET ? add_end (graph, pair, "_offset", pair->lowest)
                                                            : pare_pair_zero_point (graph, pair);
  return parameters;
}

static Parameters *
parameters_of (Opening *opening, const ParePair *pair)
{
  Parameters *parameters = g_hash_table_lookup (opening->by_quantize, pair->quantize);
  PareNode *origin = moved_from (pair->input);

  if (!parameters && origin)
    {
      parameters = g_hash_table_lookup (opening->by_quantize, origin);
      if (parameters && !same_grid (&parameters->pair, pair))
        parameters = NULL;
    }
  if (!parameters)
    parameters = parameters_new (opening, pair);
  g_hash_table_insert (opening->by_quantize, pair->quantize, parameters);
  return parameters;
}

static void
open_pair (Opening *opening, const ParePair *pair)
{
  PareGraph *graph = opening->graph;
  Parameters *parameters = parameters_of (opening, pair);
  const struct
  {
    const char *name;
    gint64 value;
    gboolean set;
  } attributes[] = {
    { "type", pair->type, TRUE },
    { "lowest", pair->lowest, TRUE },
    { "highest", pair->highest, TRUE },
    { "axis", pair->axis, pair->axis >= 0 },
    { "batched", 1, !pair->input->constant },
    { "fixed_low", 1, parameters->fixed_low },
  };
  g_autofree char *name = g_strconcat (pair->input->name, "_FakeQuantize", NULL);
  PareNode *node = pare_graph_add_node (graph, PARE_DOMAIN, pare_grid_operator (parameters->kind), name,
                                        pare_graph_take_out (graph, pair->dequantize));

  pare_node_add_input (node, pair->input);
  pare_node_add_input (node, parameters->first);
  pare_node_add_input (node, parameters->second);
  pare_node_add_output (node, pair->output);
  for (guint i = 0; i < G_N_ELEMENTS (attributes); i++)
    if (attributes[i].set)
      pare_node_set_attribute (node, pare_attribute_new_int (attributes[i].name, attributes[i].value));
  g_hash_table_insert (opening->by_quantize, node, parameters);
}

int
pare_graph_open_quantizers (PareGraph *graph, PareTrainable trainable, GError **error)
{
  g_autoptr (GHashTable) by_quantize = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  Opening opening = { graph, trainable, by_quantize, owned };
  ParePair pair;
  int opened = 0;

  if (!pare_graph_lift_integers (graph, error))
    return -1;
  g_ptr_array_extend (nodes, graph->nodes, NULL, NULL);
  for (guint i = 0; i < nodes->len; i++)
    if (pare_pair_read (nodes->pdata[i], &pair) && pair.quantize)
      {
        if (pair.block_size)
          {
            pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, pair.dequantize,
                             "scales per block cannot be trained; quantize with one scale per channel.");
            return -1;
          }
        open_pair (&opening, &pair);
        opened++;
      }
  if (opened)
    pare_graph_set_opset (graph, PARE_DOMAIN, 1);
  pare_graph_refresh_shifts (graph);
  pare_graph_remove_dead (graph);
  return opened;
}

/* Closing */

/* @numbers as a constant named after @value, with the shape of @like. */
static PareValue *
closed_constant (PareGraph *graph, const char *stem, const char *suffix, PareDataType type, const PareShape *shape,
                 PareDataType from, gconstpointer numbers)
{
  gint64 n = pare_shape_elements (shape);
  g_autofree char *name = g_strconcat (stem, suffix, NULL);
  gpointer data = g_malloc (pare_data_size (type, MAX (n, 1)));
  g_autoptr (PareTensor) tensor = NULL;

  g_assert (pare_convert (from, numbers, type, data, n));
  tensor = pare_tensor_new_take (type, shape, data);
  return pare_graph_add_constant (graph, name, tensor);
}

/* Scale and zero point of @node, made once for all nodes that share its parameters. */
static Parameters *
close_parameters (PareGraph *graph, const PareNode *node, GHashTable *closed)
{
  const PareValue *first = node->inputs->pdata[1], *second = node->inputs->pdata[2];
  const PareShape *shape = &first->constant->shape;
  PareDataType type = pare_node_get_int (node, "type", PARE_INT8);
  gint64 n = pare_tensor_elements (first->constant);
  Parameters *parameters = g_hash_table_lookup (closed, first);
  const char *stem = pare_node_input (node, 0)->name;
  g_autofree PareGrid *grids = NULL;
  g_autofree float *scales = g_new (float, MAX (n, 1));
  g_autofree gint32 *zero_points = g_new (gint32, MAX (n, 1));

  if (parameters)
    return parameters;
  grids = pare_grids_read (node, second->constant->type, pare_tensor_data (first->constant),
                           pare_tensor_data (second->constant), n);
  for (gint64 i = 0; i < n; i++)
    {
      scales[i] = grids[i].scale;
      zero_points[i] = grids[i].zero_point;
    }
  parameters = g_new0 (Parameters, 1);
  parameters->first = closed_constant (graph, stem, "_scale", PARE_FLOAT32, shape, PARE_FLOAT32, scales);
  parameters->second = closed_constant (graph, stem, "_zero_point", type, shape, PARE_INT32, zero_points);
  g_hash_table_insert (closed, (gpointer)first, parameters);
  return parameters;
}

static gboolean
check_closable (const PareNode *node, GError **error)
{
  const PareTensor *first = pare_node_constant (node, 1), *second = pare_node_constant (node, 2);

  if (!first || !second)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "its parameters are no constants: training is not over.");
      return FALSE;
    }
  for (gint64 i = 0; i < pare_tensor_elements (first); i++)
    if (!isfinite (pare_tensor_get_double (first, i)) || !isfinite (pare_tensor_get_double (second, i)))
      {
        pare_node_error (error, PARE_ERROR_FORMAT, node,
                         "training made its grid infinite or no number: use a smaller learning rate for quantizers.");
        return FALSE;
      }
  return TRUE;
}

static void
close_node (PareGraph *graph, PareNode *node, GHashTable *closed)
{
  const Parameters *parameters = close_parameters (graph, node, closed);
  PareValue *input = node->inputs->pdata[0], *output = node->outputs->pdata[0];
  const PareAttribute *axis = pare_node_attribute (node, "axis");
  ParePairGrid grid = { parameters->first, parameters->second, pare_node_get_int (node, "lowest", 0),
                        pare_node_get_int (node, "highest", 0), axis ? (int)axis->u.i : -1 };

  pare_pair_insert (graph, input, pare_graph_take_out (graph, node), &grid, output);
}

gboolean
pare_graph_close_quantizers (PareGraph *graph, GError **error)
{
  g_autoptr (GPtrArray) fakes = g_ptr_array_new ();
  g_autoptr (GHashTable) closed = g_hash_table_new_full (NULL, NULL, NULL, g_free);

  for (guint i = 0; i < graph->nodes->len; i++)
    if (is_fake (graph->nodes->pdata[i]))
      {
        if (!check_closable (graph->nodes->pdata[i], error))
          return FALSE;
        g_ptr_array_add (fakes, graph->nodes->pdata[i]);
      }
  for (guint i = 0; i < fakes->len; i++)
    close_node (graph, fakes->pdata[i], closed);
  for (guint i = 0; i < graph->nodes->len; i++)
    pare_node_round_bias (graph->nodes->pdata[i]);
  pare_graph_remove_dead (graph);
  pare_graph_refresh_shifts (graph);
  pare_graph_drop_unused_opset (graph, PARE_DOMAIN);
  return TRUE;
}
