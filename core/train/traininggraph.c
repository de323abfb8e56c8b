/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Builds the graph that a training step runs. */
#include "train/traininggraph.h"
#include "exec/inference.h"
#include "onnx/onnx.h"
#include "train/gradient.h"
#include "train/zeros.h"

/* The standard set that backward functions are written for. */
#define OPSET 17

void
pare_training_graph_free (PareTrainingGraph *training)
{
  g_clear_object (&training->graph);
  g_clear_pointer (&training->parameters, g_ptr_array_unref);
  g_free (training);
}

static PareValue *
add_input (PareGraph *graph, const char *stem)
{
  PareValue *value = pare_graph_add_value_near (graph, stem);

  g_ptr_array_add (graph->inputs, value);
  return value;
}

PareValue *
pare_graph_add_loss (PareGraph *graph, const PareLoss *loss, const PareLossSettings *settings)
{
  PareValue *target = add_input (graph, "target"), *weights = add_input (graph, "sample_weights");
  PareValue *each, *sum;

  pare_graph_set_opset (graph, PARE_DOMAIN, 1);
  each = loss->build (graph, graph->outputs->pdata[0], target, settings);
  weights->type = PARE_FLOAT32;
  sum = pare_loss_call (graph, "ReduceSum", pare_loss_call (graph, "Mul", each, weights), NULL);
  pare_node_set_attribute (sum->producer, pare_attribute_new_int ("keepdims", 0));
  return sum;
}

/* Whether weights that are zero have no gradient. */
static gboolean
keeps_zeros (const PareParameter *parameter, gboolean asked)
{
  const PareSparsity *sparsity = &parameter->value->sparsity;

  if (sparsity->mode == PARE_SPARSITY_N_OF_M)
    return sparsity->update_frequency == 0;
  return asked && parameter->kind == PARE_PARAMETER_WEIGHT;
}

static PareValue *
mask_gradient (PareGraph *graph, const PareParameter *parameter, gboolean asked, PareValue *gradient)
{
  return keeps_zeros (parameter, asked) ? pare_graph_keep_zeros (graph, parameter->tensor, gradient) : gradient;
}

/* Gradients by all parameters; those that the loss does not depend on become constants again. */
static gboolean
add_gradients (PareTrainingGraph *training, PareValue *loss, gboolean keep_zeros, GPtrArray *gradients, GError **error)
{
  guint n = training->parameters->len;
  g_autofree PareValue **by = g_new0 (PareValue *, n + 1), **found = g_new0 (PareValue *, n + 1);

  for (guint i = 0; i < n; i++)
    by[i] = ((PareParameter *)training->parameters->pdata[i])->value;
  if (!pare_graph_add_gradients (training->graph, loss, n, by, found, error))
    return FALSE;
  for (guint i = n; i-- > 0;)
    if (found[i]->constant)
      {
        pare_parameter_close (training->parameters->pdata[i], training->graph);
        g_ptr_array_remove_index (training->parameters, i);
      }
    else
      g_ptr_array_insert (gradients, 0,
                          mask_gradient (training->graph, training->parameters->pdata[i], keep_zeros, found[i]));
  training->n_trained = training->parameters->len;
  if (training->n_trained)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "The network has nothing to train: its first output depends on no float32 constant of more than one "
               "element.");
  return FALSE;
}

static gboolean
check_network (const PareGraph *network, GError **error)
{
  if (network->outputs->len)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "The network has no output: there is nothing to train it by.");
  return FALSE;
}

static void
append_all (GPtrArray *to, const GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, from->pdata[i]);
}

PareTrainingGraph *
pare_training_graph_new (const PareGraph *network, const PareTrainSettings *settings, const PareLoss *loss,
                         GError **error)
{
  g_autoptr (PareTrainingGraph) training = g_new0 (PareTrainingGraph, 1);
  g_autoptr (GPtrArray) updated = g_ptr_array_new ();
  g_autoptr (GPtrArray) gradients = g_ptr_array_new (), statistics = NULL;
  PareGraph *graph = training->graph = pare_graph_copy (network);
  PareValue *output, *sum;

  if (!check_network (network, error) || !pare_onnx_upgrade_opset (graph, OPSET, error))
    return NULL;
  output = graph->outputs->pdata[0];
  g_ptr_array_set_size (graph->outputs, 1);
  pare_graph_remove_dead (graph);
  sum = pare_graph_add_loss (graph, loss, &settings->loss_settings);
  training->parameters = pare_graph_open_parameters (graph, network);
  statistics = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_parameter_free);
  if (!settings->frozen_batchnorm)
    pare_graph_open_statistics (graph, network, statistics, updated);
  if (!add_gradients (training, sum, settings->keep_zeros, gradients, error))
    return NULL;
  g_ptr_array_extend_and_steal (training->parameters, g_steal_pointer (&statistics));
  g_ptr_array_set_size (graph->outputs, 0);
  g_ptr_array_add (graph->outputs, sum);
  g_ptr_array_add (graph->outputs, output);
  append_all (graph->outputs, updated);
  append_all (graph->outputs, gradients);
  pare_graph_remove_dead (graph);
  return g_steal_pointer (&training);
}
