/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reverse-mode differentiation as a transformation of the graph: one walk forwards finds what depends on the
 * parameters, one walk backwards lets each operator append the nodes of its own derivative. */
#include "train/gradient.h"
#include <stdarg.h>

#define PARE_DOMAIN_VERSION 1

struct _PareGradient
{
  PareGraph *graph;
  GHashTable *dependent; /* values that depend on a parameter */
  GHashTable *gradients; /* PareValue -> the PareValue that is the sum of the contributions so far */
  PareNode *node;        /* at hand */
};

/* Builder functions */

static PareValue *
new_value (PareGradient *gradient)
{
  const PareValue *output = gradient->node ? gradient->node->outputs->pdata[0] : NULL;
  g_autofree char *stem = g_strconcat (output ? output->name : "loss", "_grad", NULL);

  return pare_graph_add_value_near (gradient->graph, stem);
}

static PareNode *
new_node (PareGradient *gradient, const char *domain, const char *op_type)
{
  PareNode *node = pare_graph_add_node (gradient->graph, domain, op_type, "", NULL);
  PareValue *output = new_value (gradient);

  pare_node_add_output (node, output);
  g_free (node->name);
  node->name = g_strdup (output->name);
  return node;
}

PareValue *
pare_gradient_node (PareGradient *gradient, const char *domain, const char *op_type, guint n_inputs,
                    PareValue *const *inputs, ...)
{
  PareNode *node = new_node (gradient, domain, op_type);
  PareAttribute *attribute;
  va_list attributes;

  for (guint i = 0; i < n_inputs; i++)
    pare_node_add_input (node, inputs[i]);
  va_start (attributes, inputs);
  while ((attribute = va_arg (attributes, PareAttribute *)))
    pare_node_set_attribute (node, attribute);
  va_end (attributes);
  return node->outputs->pdata[0];
}

PareValue *
pare_gradient_call (PareGradient *gradient, const char *op_type, PareValue *a, PareValue *b)
{
  return pare_gradient_node (gradient, "", op_type, b ? 2 : 1, (PareValue *[]){ a, b }, NULL);
}

PareValue *
pare_gradient_add_output (PareGradient *gradient, PareValue *first)
{
  PareValue *value = new_value (gradient);

  pare_node_add_output (first->producer, value);
  return value;
}

PareValue *
pare_gradient_saved_output (PareGradient *gradient, guint index)
{
  PareNode *node = gradient->node;
  PareValue *value = pare_node_output (node, index);

  if (value)
    return value;
  while (node->outputs->len <= index)
    pare_node_add_output (node, NULL);
  g_autofree char *stem = g_strdup_printf ("%s_saved", pare_node_label (node));
  value = pare_graph_add_value_near (gradient->graph, stem);
  pare_node_set_output (node, index, value);
  return value;
}

static PareValue *
new_constant (PareGradient *gradient, PareTensor *tensor)
{
  PareValue *value = new_value (gradient);

  pare_value_set_constant (value, tensor);
  return value;
}

PareValue *
pare_gradient_scalar (PareGradient *gradient, float value)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_scalar_float (value);

  return new_constant (gradient, tensor);
}

PareValue *
pare_gradient_int64s (PareGradient *gradient, guint n, const gint64 *values)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_int64s (n, values);

  return new_constant (gradient, tensor);
}

PareValue *
pare_gradient_fill (PareGradient *gradient, float value, PareValue *like)
{
  const PareShape one = pare_shape_of (1, 1);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&one, &value);
  PareValue *shape = pare_gradient_call (gradient, "Shape", like, NULL);

  return pare_gradient_node (gradient, "", "ConstantOfShape", 1, &shape, pare_attribute_new_tensor ("value", tensor),
                             NULL);
}

/* Contributions */

PareValue *
pare_gradient_input (PareGradient *gradient, guint index)
{
  return pare_node_input (gradient->node, index);
}

PareValue *
pare_gradient_output (PareGradient *gradient, guint index)
{
  return pare_node_output (gradient->node, index);
}

PareValue *
pare_gradient_of_output (PareGradient *gradient, guint index)
{
  PareValue *output = pare_node_output (gradient->node, index);

  return output ? g_hash_table_lookup (gradient->gradients, output) : NULL;
}

gboolean
pare_gradient_wanted (PareGradient *gradient, guint index)
{
  PareValue *input = pare_node_input (gradient->node, index);

  return input && g_hash_table_contains (gradient->dependent, input);
}

void
pare_gradient_add (PareGradient *gradient, guint index, PareValue *value)
{
  PareValue *input = pare_node_input (gradient->node, index), *sum;

  if (!pare_gradient_wanted (gradient, index))
    return;
  /* Pairwise, since an addition can be done in place and in whatever layout its operands lie. */
  sum = g_hash_table_lookup (gradient->gradients, input);
  g_hash_table_insert (gradient->gradients, input, sum ? pare_gradient_call (gradient, "Add", sum, value) : value);
}

void
pare_gradient_add_reduced (PareGradient *gradient, guint index, PareValue *value)
{
  if (pare_gradient_wanted (gradient, index))
    pare_gradient_add (gradient, index,
                       pare_gradient_node (gradient, PARE_DOMAIN, "ReduceToShape", 2,
                                           (PareValue *[]){ value, pare_node_input (gradient->node, index) }, NULL));
}

/* The walks */

static gboolean
any_in (GPtrArray *values, GHashTable *set)
{
  for (guint i = 0; i < values->len; i++)
    if (values->pdata[i] && g_hash_table_contains (set, values->pdata[i]))
      return TRUE;
  return FALSE;
}

/* Everything that depends on a parameter; a subgraph's captures count as inputs. */
static void
find_dependent (PareGradient *gradient, guint n, PareValue *const *parameters)
{
  for (guint i = 0; i < n; i++)
    g_hash_table_add (gradient->dependent, parameters[i]);
  for (guint i = 0; i < gradient->graph->nodes->len; i++)
    {
      const PareNode *node = gradient->graph->nodes->pdata[i];
      if (!any_in (node->inputs, gradient->dependent) && !any_in (node->captures, gradient->dependent))
        continue;
      for (guint o = 0; o < node->outputs->len; o++)
        if (node->outputs->pdata[o])
          g_hash_table_add (gradient->dependent, node->outputs->pdata[o]);
    }
}

/* A node is on the way when the loss depends on one of its outputs and one of its inputs on a parameter. */
static gboolean
is_on_the_way (PareGradient *gradient, const PareNode *node)
{
  return any_in (node->outputs, gradient->gradients)
         && (any_in (node->inputs, gradient->dependent) || any_in (node->captures, gradient->dependent));
}

static gboolean
differentiate (PareGradient *gradient, PareNode *node, GError **error)
{
  const PareOperator *op = pare_operator_of (node);

  gradient->node = node;
  if (op && op->backward)
    return op->backward (gradient, node, error);
  pare_node_error (
      error, PARE_ERROR_NOT_IMPLEMENTED, node,
      "the operator cannot be differentiated, and parameters to be trained stand before it: freeze them, or "
      "replace the operator.");
  return FALSE;
}

gboolean
pare_graph_add_gradients (PareGraph *graph, PareValue *loss, guint n, PareValue *const *parameters,
                          PareValue **gradients, GError **error)
{
  PareGradient gradient = { .graph = graph };
  guint last = graph->nodes->len;
  gboolean done = TRUE;

  pare_graph_set_opset (graph, PARE_DOMAIN, PARE_DOMAIN_VERSION);
  gradient.dependent = g_hash_table_new (NULL, NULL);
  gradient.gradients = g_hash_table_new (NULL, NULL);
  find_dependent (&gradient, n, parameters);
  g_hash_table_insert (gradient.gradients, loss, pare_gradient_fill (&gradient, 1, loss));
  for (guint i = last; done && i-- > 0;)
    if (is_on_the_way (&gradient, graph->nodes->pdata[i]))
      done = differentiate (&gradient, graph->nodes->pdata[i], error);
  gradient.node = NULL;
  for (guint i = 0; done && i < n; i++)
    {
      gradients[i] = g_hash_table_lookup (gradient.gradients, parameters[i]);
      if (!gradients[i])
        gradients[i] = pare_gradient_fill (&gradient, 0, parameters[i]);
    }
  g_hash_table_unref (gradient.dependent);
  g_hash_table_unref (gradient.gradients);
  return done;
}
