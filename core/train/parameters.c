/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What training changes: constants of the network become inputs of the training graph, and constants again. */
#include "train/parameters.h"
#include "ops/operator.h"
#include "quantize/trainable.h"
#include "train/mask.h"
#include <string.h>

/* Inputs of BatchNormalization. */
enum
{
  MEAN = 3,
  VARIANCE = 4
};

void
pare_parameter_free (PareParameter *parameter)
{
  for (guint i = 0; i < PARE_OPTIMIZER_STATES; i++)
    g_free (parameter->state[i]);
  g_clear_pointer (&parameter->tensor, pare_tensor_unref);
  g_clear_pointer (&parameter->dense, pare_tensor_unref);
  g_free (parameter->mask);
  g_free (parameter);
}

void
pare_parameter_add_states (PareParameter *parameter, guint n)
{
  g_assert (n <= PARE_OPTIMIZER_STATES);
  for (guint i = 0; i < n; i++)
    parameter->state[i] = g_new0 (float, parameter->n);
}

/* What @node merely hands on: the tensor of a Constant, or the constant that an Identity repeats. */
static PareTensor *
handed_on (const PareNode *node)
{
  const PareAttribute *attribute = pare_node_attribute (node, "value");

  if (pare_node_is (node, "Identity"))
    return pare_node_constant (node, 0);
  return pare_node_is (node, "Constant") && attribute && attribute->type == PARE_ATTRIBUTE_TENSOR ? attribute->u.tensor
                                                                                                  : NULL;
}

void
pare_graph_take_constants (PareGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len;)
    {
      PareNode *node = graph->nodes->pdata[i];
      PareValue *value = pare_node_output (node, 0);
      g_autoptr (PareTensor) tensor = handed_on (node);
      if (tensor)
        pare_tensor_ref (tensor);
      if (!tensor || !value || pare_graph_is_output (graph, value))
        {
          i++;
          continue;
        }
      pare_graph_remove_node (graph, node);
      pare_value_set_constant (value, tensor);
    }
}

static PareParameter *
parameter_new (PareParameterKind kind, PareValue *value)
{
  PareParameter *parameter = g_new0 (PareParameter, 1);
  gsize size = pare_tensor_size (value->constant);

  parameter->kind = kind;
  parameter->value = value;
  parameter->n = pare_tensor_elements (value->constant);
  /* The tensor owns the numbers, which only the trainer sees while they change. */
  parameter->data = g_memdup2 (pare_tensor_data (value->constant), size);
  parameter->tensor = pare_tensor_new_take (PARE_FLOAT32, &value->constant->shape, parameter->data);
  pare_parameter_open_mask (parameter);
  return parameter;
}

PareParameter *
pare_parameter_open (PareGraph *graph, PareValue *value, PareParameterKind kind)
{
  PareParameter *parameter = parameter_new (kind, value);

  g_clear_pointer (&value->constant, pare_tensor_unref);
  g_ptr_array_remove (graph->inputs, value);
  g_ptr_array_add (graph->inputs, value);
  return parameter;
}

void
pare_parameter_close (PareParameter *parameter, PareGraph *graph)
{
  g_autoptr (PareTensor) tensor
      = pare_tensor_new_copy (PARE_FLOAT32, &parameter->tensor->shape, pare_tensor_data (parameter->tensor));

  g_ptr_array_remove (graph->inputs, parameter->value);
  pare_value_set_constant (parameter->value, tensor);
}

static gboolean
is_statistic (const PareNode *node, const PareValue *value)
{
  return pare_node_is (node, "BatchNormalization")
         && (pare_node_input (node, MEAN) == value || pare_node_input (node, VARIANCE) == value);
}

/* Numbers that only say how to quantize or resize are not learnt here. */
static gboolean
is_setting (const PareNode *node, const PareValue *value)
{
  static const char *const settings_behind_data[]
      = { "QuantizeLinear", "DequantizeLinear", "Resize", "Upsample", "Clip", "Pad", NULL };

  return pare_node_input (node, 0) != value && g_strv_contains (settings_behind_data, node->op_type);
}

static gboolean
is_constant_of (const PareGraph *graph, const char *name)
{
  const PareValue *value = pare_graph_find_value (graph, name);

  return value && value->constant;
}

static gboolean
can_train (const PareValue *value, const PareGraph *original)
{
  if (!value->constant || value->constant->type != PARE_FLOAT32 || !value->consumers->len
      || !is_constant_of (original, value->name))
    return FALSE;
  if (pare_is_quantizer_parameter (value))
    return TRUE;
  for (guint i = 0; i < value->consumers->len; i++)
    if (is_statistic (value->consumers->pdata[i], value) || is_setting (value->consumers->pdata[i], value))
      return FALSE;
  return pare_tensor_elements (value->constant) > 1;
}

static gboolean
rounds_weights (const PareValue *value)
{
  for (guint i = 0; i < value->consumers->len; i++)
    if (pare_node_constant (value->consumers->pdata[i], 0))
      return TRUE;
  return FALSE;
}

/* Weight decay is for what multiplies the data: a weight by its operator's own word, or anything of two dimensions. */
static PareParameterKind
kind_of (const PareValue *value)
{
  guint wide = 0;

  if (pare_is_quantizer_parameter (value))
    return rounds_weights (value) ? PARE_PARAMETER_WEIGHT_QUANTIZER : PARE_PARAMETER_QUANTIZER;
  for (guint i = 0; i < value->consumers->len; i++)
    {
      const PareNode *node = value->consumers->pdata[i];
      PareWeightTrait trait;
      if (pare_node_weight (node, &trait) && pare_node_input (node, trait.input) == value)
        return PARE_PARAMETER_WEIGHT;
    }
  for (guint i = 0; i < value->shape.rank; i++)
    wide += value->shape.dims[i] > 1;
  return wide > 1 ? PARE_PARAMETER_WEIGHT : PARE_PARAMETER_PLAIN;
}

GPtrArray *
pare_graph_open_parameters (PareGraph *graph, const PareGraph *original)
{
  GPtrArray *parameters = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_parameter_free);
  g_autoptr (GArray) kinds = g_array_new (FALSE, FALSE, sizeof (PareParameterKind));
  g_autoptr (GPtrArray) values = g_ptr_array_new ();

  /* All are looked at before the first one changes: operators tell their weights by their being constant. */
  for (guint i = 0; i < graph->values->len; i++)
    if (can_train (graph->values->pdata[i], original))
      {
        PareParameterKind kind = kind_of (graph->values->pdata[i]);
        g_array_append_val (kinds, kind);
        g_ptr_array_add (values, graph->values->pdata[i]);
      }
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add (parameters,
                     pare_parameter_open (graph, values->pdata[i], g_array_index (kinds, PareParameterKind, i)));
  return parameters;
}

static gboolean
has_own_statistics (const PareNode *node, const PareGraph *original)
{
  for (guint i = MEAN; i <= VARIANCE; i++)
    {
      const PareValue *value = pare_node_input (node, i);
      if (!value || !value->constant || value->constant->type != PARE_FLOAT32 || value->consumers->len != 1
          || !is_constant_of (original, value->name))
        return FALSE;
    }
  return TRUE;
}

void
pare_graph_open_statistics (PareGraph *graph, const PareGraph *original, GPtrArray *parameters, GPtrArray *updated)
{
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      PareNode *node = graph->nodes->pdata[n];
      if (!pare_node_is (node, "BatchNormalization") || node->outputs->len != 1 || !has_own_statistics (node, original))
        continue;
      pare_node_set_attribute (node, pare_attribute_new_int ("training_mode", 1));
      for (guint i = MEAN; i <= VARIANCE; i++)
        {
          PareValue *value = pare_node_input (node, i);
          PareValue *next = pare_graph_add_value_near (graph, value->name);
          pare_node_add_output (node, next);
          g_ptr_array_add (updated, next);
          g_ptr_array_add (parameters, pare_parameter_open (graph, value, PARE_PARAMETER_STATISTIC));
        }
    }
}

void
pare_parameters_apply (const GPtrArray *parameters, PareGraph *graph)
{
  for (guint i = 0; i < parameters->len; i++)
    {
      const PareParameter *parameter = parameters->pdata[i];
      g_autoptr (PareTensor) tensor
          = pare_tensor_new_copy (PARE_FLOAT32, &parameter->tensor->shape, pare_tensor_data (parameter->tensor));
      pare_value_set_constant (pare_graph_find_value (graph, parameter->value->name), tensor);
    }
}
