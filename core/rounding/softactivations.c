/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Steps of activations that learn (Esser et al., Learned Step Size Quantization, 2020, as BRECQ uses it), and
 * quantizers that act on a random part of the numbers only, which makes for roundings that also fit numbers that were
 * not seen (Wei et al., QDrop, 2022). */
#include "rounding/softactivations.h"
#include "ops/fakequantize.h"
#include "quantize/bias.h"
#include "quantize/pair.h"
#include "quantize/shift.h"
#include "train/gradient.h"
#include <string.h>

/* A node of the domain pare that quantizes what depends on the samples. */
static gboolean
rounds_activation (const PareNode *node)
{
  return strcmp (node->domain, PARE_DOMAIN) == 0
         && strcmp (node->op_type, pare_grid_operator (pare_grid_kind (node))) == 0 && !pare_node_constant (node, 0);
}

/* What is learnt */

/* Whether all who read @value of @whole are in the piece that @mine belongs to. */
static gboolean
is_whole (const PareGraph *whole, const PareValue *mine)
{
  const PareValue *value = pare_graph_find_value (whole, mine->name);

  return value && value->consumers->len == mine->consumers->len;
}

void
pare_graph_open_activations (PareGraph *graph, const PareGraph *whole, GPtrArray *parameters)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      PareValue *step = pare_node_input (node, 1), *offset = pare_node_input (node, 2);
      if (!rounds_activation (node) || !step->constant || !is_whole (whole, step))
        continue;
      g_ptr_array_add (parameters, pare_parameter_open (graph, step, PARE_PARAMETER_QUANTIZER));
      if (pare_grid_kind (node) == PARE_GRID_OFFSET && offset->constant)
        g_ptr_array_add (parameters, pare_parameter_open (graph, offset, PARE_PARAMETER_PLAIN));
    }
}

/* The numbers of @value of the piece: learnt, or a constant. */
static PareTensor *
numbers_of (const PareValue *value, const GPtrArray *parameters)
{
  for (guint i = 0; i < parameters->len; i++)
    if (((PareParameter *)parameters->pdata[i])->value == value)
      return ((PareParameter *)parameters->pdata[i])->tensor;
  return value->constant;
}

static void
set_grid (PareGraph *graph, const ParePair *pair, const PareGrid *grid)
{
  const PareShape *shape = &pair->scale->constant->shape;
  g_autofree char *scale_name = g_strconcat (pair->input->name, "_scale", NULL);
  g_autofree char *zero_name = g_strconcat (pair->input->name, "_zero_point", NULL);
  g_autoptr (PareTensor) scale = pare_tensor_new_copy (PARE_FLOAT32, shape, &grid->scale);
  g_autoptr (PareTensor) zero = pare_tensor_new_copy (PARE_INT32, shape, &grid->zero_point);
  g_autoptr (PareTensor) narrow = pare_tensor_cast (zero, pair->type);
  PareValue *values[]
      = { pare_graph_add_constant (graph, scale_name, scale), pare_graph_add_constant (graph, zero_name, narrow) };

  for (guint i = 0; i < 2; i++)
    if (pare_node_input (pair->quantize, 1 + i) && pare_node_input (pair->dequantize, 1 + i))
      {
        pare_node_set_input (pair->quantize, 1 + i, values[i]);
        pare_node_set_input (pair->dequantize, 1 + i, values[i]);
      }
}

void
pare_graph_write_activations (PareGraph *graph, const PareGraph *piece, const GPtrArray *parameters)
{
  for (guint i = 0; i < piece->nodes->len; i++)
    {
      const PareNode *node = piece->nodes->pdata[i];
      const PareValue *same = pare_graph_find_value (graph, pare_node_output (node, 0)->name);
      g_autofree PareGrid *grid = NULL;
      const PareTensor *step, *offset;
      ParePair pair;
      if (!rounds_activation (node) || pare_node_constant (node, 1) || !same || !same->producer
          || !pare_pair_read (same->producer, &pair) || !pair.quantize)
        continue;
      step = numbers_of (pare_node_input (node, 1), parameters);
      offset = numbers_of (pare_node_input (node, 2), parameters);
      grid = pare_grids_read (node, offset->type, pare_tensor_data (step), pare_tensor_data (offset), 1);
      set_grid (graph, &pair, grid);
    }
  for (guint i = 0; i < graph->nodes->len; i++)
    pare_node_round_bias (graph->nodes->pdata[i]);
  pare_graph_refresh_shifts (graph);
  pare_graph_remove_dead (graph);
}

/* What is random */

/* A truth value for each number of @x, TRUE but for part @drop: what Dropout tells of itself. Another choice for each
 * batch and each @seed. */
static PareValue *
add_choice (PareGraph *graph, PareValue *x, double drop, guint seed, PareNode *before)
{
  g_autoptr (PareTensor) ratio = pare_tensor_new_scalar_float (drop);
  g_autoptr (PareTensor) mode = pare_tensor_new_copy (PARE_BOOL, &(PareShape){ 0 }, &(guint8){ TRUE });
  PareNode *node = pare_graph_add_node (graph, "", "Dropout", "", before);
  PareValue *kept = pare_graph_add_value_near (graph, "kept");

  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "ratio", ratio));
  pare_node_add_input (node, pare_graph_add_constant (graph, "training", mode));
  pare_node_add_output (node, pare_graph_add_value_near (graph, "dropped"));
  pare_node_add_output (node, kept);
  pare_node_set_attribute (node, pare_attribute_new_int ("seed", seed));
  return kept;
}

/* result = @a where chosen by @choice, else @b. */
static void
add_where (PareGraph *graph, PareValue *choice, PareValue *a, PareValue *b, PareValue *result, PareNode *before)
{
  PareNode *node = pare_graph_add_node (graph, "", "Where", "", before);

  pare_node_add_input (node, choice);
  pare_node_add_input (node, a);
  pare_node_add_input (node, b);
  pare_node_add_output (node, result);
}

void
pare_graph_drop_quantization (PareGraph *graph, double drop)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i], *next = i + 1 < graph->nodes->len ? graph->nodes->pdata[i + 1] : NULL;
      PareValue *x = pare_node_input (node, 0), *result = pare_node_output (node, 0), *rounded;
      if (!rounds_activation (node))
        continue;
      rounded = pare_graph_add_value_near (graph, "rounded");
      pare_node_set_output (node, 0, rounded);
      add_where (graph, add_choice (graph, x, drop, i, next), rounded, x, result, next);
    }
}

void
pare_graph_mix_inputs (PareGraph *graph, guint index, guint other, double drop)
{
  PareValue *input = graph->inputs->pdata[index], *mixed = pare_graph_add_value_near (graph, "mixed");
  PareNode *first = graph->nodes->pdata[0];

  pare_graph_replace_value (graph, input, mixed);
  add_where (graph, add_choice (graph, input, drop, index, first), input, graph->inputs->pdata[other], mixed, first);
}
