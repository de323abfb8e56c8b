/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cuts a block out of the network and puts AdaptiveRound where its weights are quantized. */
#include "rounding/softblock.h"
#include "graph/extract.h"
#include "onnx/onnx.h"
#include "ops/adaptiveround.h"
#include "quantize/trainable.h"
#include "rounding/softactivations.h"
#include "train/gradient.h"
#include "train/traininggraph.h"
#include <math.h>

/* The standard set that backward functions are written for. */
#define OPSET 17

void
pare_soft_block_free (PareSoftBlock *soft)
{
  g_clear_pointer (&soft->block, pare_block_free);
  g_ptr_array_unref (soft->layers);
  g_ptr_array_unref (soft->bases);
  g_ptr_array_unref (soft->parameters);
  g_clear_object (&soft->training);
  g_clear_object (&soft->judging);
  g_clear_object (&soft->opened);
  g_free (soft);
}

/* Weights of one layer */

/* What AdaptiveRound reads, as the layer's matrix has it. */
typedef struct
{
  double *base, *scale, *start;
} Neighbours;

static void
neighbours_clear (Neighbours *neighbours)
{
  g_free (neighbours->base);
  g_free (neighbours->scale);
  g_free (neighbours->start);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Neighbours, neighbours_clear)

/* A weight beyond its grid may take the last step; one that is exactly zero was pruned and stays. */
static void
find_neighbours (const PareRoundingLayer *layer, Neighbours *neighbours)
{
  gint64 n = pare_shape_elements (&layer->matrix.shape);
  g_autofree double *weights = pare_rounding_layer_read (layer);
  g_auto (PareWeightGrids) grids = { 0 };

  pare_rounding_layer_grids (layer, &grids);
  *neighbours = (Neighbours){ g_new (double, n), g_new (double, n), g_new (double, n) };
  for (gint64 i = 0; i < n; i++)
    {
      double place = weights[i] / grids.step[i];
      double base = CLAMP (floor (place), grids.lowest[i], grids.highest[i] - 1);
      neighbours->base[i] = weights[i] == 0 ? 0 : base;
      neighbours->scale[i] = weights[i] == 0 ? 0 : grids.step[i];
      neighbours->start[i] = pare_adaptive_round_start (place - base);
    }
}

static PareValue *
add_matrix (PareGraph *graph, const PareRoundingLayer *layer, const char *stem, const double *numbers)
{
  g_autoptr (PareTensor) tensor = pare_layer_matrix_tensor (&layer->matrix, numbers);

  return pare_graph_add_constant (graph, stem, tensor);
}

/* Puts AdaptiveRound in the place of the quantizer of the layer's weight. */
static gboolean
soften (PareSoftBlock *soft, PareGraph *graph, const PareRoundingLayer *layer, GError **error)
{
  PareValue *weight = pare_graph_find_value (graph, layer->pair.output->name);
  PareNode *quantizer = weight ? weight->producer : NULL, *node;
  g_auto (Neighbours) neighbours = { NULL };
  PareValue *variable, *base;

  if (!quantizer)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, layer->node,
                       "its output does not reach the end of its block: round it to the nearest.");
      return FALSE;
    }
  find_neighbours (layer, &neighbours);
  node = pare_graph_add_node (graph, PARE_DOMAIN, "AdaptiveRound", "", pare_graph_take_out (graph, quantizer));
  variable = add_matrix (graph, layer, "rounding", neighbours.start);
  base = add_matrix (graph, layer, "base", neighbours.base);
  pare_node_add_input (node, variable);
  pare_node_add_input (node, base);
  pare_node_add_input (node, add_matrix (graph, layer, "step", neighbours.scale));
  pare_node_add_output (node, weight);
  g_ptr_array_add (soft->layers, (gpointer)layer);
  g_ptr_array_add (soft->bases, pare_tensor_ref (base->constant));
  g_ptr_array_add (soft->parameters, pare_parameter_open (graph, variable, PARE_PARAMETER_WEIGHT));
  return TRUE;
}

double *
pare_soft_block_decide (const PareSoftBlock *soft, guint index)
{
  const PareRoundingLayer *layer = soft->layers->pdata[index];
  const PareParameter *parameter = soft->parameters->pdata[index];
  g_autoptr (PareTensor) variable
      = pare_tensor_new_copy (PARE_FLOAT32, &parameter->tensor->shape, pare_tensor_data (parameter->tensor));
  g_autofree double *up = pare_layer_matrix_from_tensor (&layer->matrix, variable);
  double *base = pare_layer_matrix_from_tensor (&layer->matrix, soft->bases->pdata[index]);
  g_autofree double *was = pare_rounding_layer_read (layer);
  g_auto (PareWeightGrids) grids = { 0 };

  pare_rounding_layer_grids (layer, &grids);
  for (gint64 i = 0; i < parameter->n; i++)
    base[i] = was[i] == 0 ? 0 : (base[i] + (up[i] > 0)) * grids.step[i];
  return base;
}

/* The graphs */

static gboolean
soften_all (PareSoftBlock *soft, const PareRoundingWork *work, guint first, guint n, PareGraph *graph, GError **error)
{
  for (guint i = first; i < first + n; i++)
    if (!soften (soft, graph, pare_rounding_work_layer (work, i), error))
      return FALSE;
  return TRUE;
}

/* Appends the gradients of the loss by all parameters as outputs. */
static gboolean
differentiate (PareSoftBlock *soft, PareGraph *graph, GError **error)
{
  guint n = soft->parameters->len;
  g_autofree PareValue **by = g_new (PareValue *, n), **gradients = g_new (PareValue *, n);

  for (guint i = 0; i < n; i++)
    by[i] = pare_graph_find_value (graph, ((PareParameter *)soft->parameters->pdata[i])->value->name);
  if (!pare_graph_add_gradients (graph, graph->outputs->pdata[0], n, by, gradients, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (graph->outputs, gradients[i]);
  pare_graph_remove_dead (graph);
  return TRUE;
}

static gboolean
has_all_counterparts (const PareBlock *block)
{
  for (guint i = 0; i < block->inputs->len; i++)
    if (!block->teacher_inputs->pdata[i])
      return FALSE;
  return TRUE;
}

/* Inputs behind the target for what the teacher computes where the block reads. */
static void
add_teacher_inputs (PareGraph *graph, const PareBlock *block)
{
  for (guint i = 0; i < block->inputs->len; i++)
    g_ptr_array_insert (graph->inputs, block->inputs->len + 1 + i, pare_graph_add_value_near (graph, "float_input"));
}

static gboolean
build (PareSoftBlock *soft, const PareRoundingWork *work, guint first, guint n, const PareSoftBlockSettings *settings,
       GError **error)
{
  const PareBlock *block = soft->block;
  const PareLoss *mse = pare_loss_find ("mse", error);
  PareGraph *graph = mse ? pare_graph_extract (soft->opened, block->inputs->len, (PareValue **)block->inputs->pdata, 1,
                                               (PareValue **)&block->output, error)
                         : NULL;
  PareValue *loss;

  soft->judging = graph;
  if (!graph || !pare_onnx_upgrade_opset (graph, OPSET, error))
    return FALSE;
  loss = pare_graph_add_loss (graph, mse, &(PareLossSettings){ 0 });
  if (!soften_all (soft, work, first, n, graph, error))
    return FALSE;
  g_ptr_array_set_size (graph->outputs, 0);
  g_ptr_array_add (graph->outputs, loss);
  if (settings->learn_activations)
    pare_graph_open_activations (graph, soft->opened, soft->parameters);
  soft->mixes = settings->drop > 0 && has_all_counterparts (block);
  if (soft->mixes)
    add_teacher_inputs (graph, block);
  soft->training = pare_graph_copy (graph);
  if (settings->drop > 0)
    pare_graph_drop_quantization (soft->training, settings->drop);
  for (guint i = 0; soft->mixes && i < block->inputs->len; i++)
    if (((PareValue *)block->inputs->pdata[i])->producer)
      pare_graph_mix_inputs (soft->training, i, block->inputs->len + 1 + i, settings->drop);
  return differentiate (soft, soft->training, error);
}

PareSoftBlock *
pare_soft_block_new (const PareRoundingWork *work, guint first, guint n, const PareSoftBlockSettings *settings,
                     GError **error)
{
  g_autoptr (PareSoftBlock) soft = g_new0 (PareSoftBlock, 1);
  const GArray *specs = pare_samples_specs (work->samples);
  const char *from = pare_node_output (pare_rounding_work_layer (work, first)->node, 0)->name;
  const char *to = pare_node_output (pare_rounding_work_layer (work, first + n - 1)->node, 0)->name;
  PareGraph *opened = soft->opened = pare_graph_copy (work->graph);

  soft->layers = g_ptr_array_new ();
  soft->bases = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  soft->parameters = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_parameter_free);
  if (pare_graph_open_quantizers (opened, PARE_TRAINABLE_LSQ, error) < 0)
    return NULL;
  soft->block = pare_block_find (opened, work->teacher, specs->len, (const PareSpec *)specs->data,
                                 pare_graph_find_value (opened, from)->producer,
                                 pare_graph_find_value (opened, to)->producer, error);
  if (!soft->block || !build (soft, work, first, n, settings, error))
    return NULL;
  return g_steal_pointer (&soft);
}

void
pare_soft_block_write_activations (const PareSoftBlock *soft, PareGraph *graph)
{
  if (soft->parameters->len > soft->layers->len)
    pare_graph_write_activations (graph, soft->judging, soft->parameters);
}
