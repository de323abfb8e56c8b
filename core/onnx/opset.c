/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Raising the version of the standard operator set, one version at a time, by the table of changes. */
#include "onnx/opset.h"
#include "onnx/onnx.h"
#include "ops/operator.h"

void
pare_opset_set_constant_input (PareNode *node, guint index, const char *what, PareTensor *tensor)
{
  g_autofree char *stem = g_strdup_printf ("%s_%s", pare_node_label (node), what);
  PareValue *value = pare_graph_add_constant (node->graph, stem, tensor);

  while (node->inputs->len <= index)
    pare_node_add_input (node, NULL);
  pare_node_set_input (node, index, value);
}

/* An attribute's number or numbers as a tensor; NULL when it holds none. Single integers become lists of one: that is
 * how the inputs that replace them are defined. */
static PareTensor *
tensor_of (const PareAttribute *attribute)
{
  PareShape list = pare_shape_of (1, (int)attribute->n);

  switch (attribute->type)
    {
    case PARE_ATTRIBUTE_INT:
      return pare_tensor_new_int64s (1, &attribute->u.i);
    case PARE_ATTRIBUTE_INTS:
      return pare_tensor_new_int64s (attribute->n, attribute->u.ints);
    case PARE_ATTRIBUTE_FLOAT:
      return pare_tensor_new_scalar_float (attribute->u.f);
    case PARE_ATTRIBUTE_FLOATS:
      return pare_tensor_new_floats (&list, attribute->u.floats);
    default:
      return NULL;
    }
}

/* Bounds and padding are of the data's type, which may be another float type than the attribute's. */
static PareTensor *
fit_scalar (const PareNode *node, PareTensor *tensor)
{
  const PareValue *data = pare_node_input (node, 0);

  if (tensor->shape.rank == 0 && data && data->type != PARE_UNDEFINED && data->type != PARE_STRING)
    return pare_tensor_cast (tensor, data->type);
  return pare_tensor_ref (tensor);
}

static gboolean
move_attribute (PareNode *node, const PareOpsetChange *change, GError **error)
{
  const PareAttribute *attribute = pare_node_attribute (node, change->attribute);
  g_autoptr (PareTensor) tensor = NULL, fitting = NULL;

  if (!attribute || pare_node_input (node, change->input))
    return TRUE;
  tensor = tensor_of (attribute);
  fitting = tensor ? fit_scalar (node, tensor) : NULL;
  if (!fitting)
    {
      pare_node_error (error, PARE_ERROR_DECODE, node, "its attribute '%s' is of the wrong type.", change->attribute);
      return FALSE;
    }
  pare_opset_set_constant_input (node, change->input, change->attribute, fitting);
  pare_node_remove_attribute (node, change->attribute);
  return TRUE;
}

static gboolean
apply (PareNode *node, const PareOpsetChange *change, GError **error)
{
  if (change->attribute && !move_attribute (node, change, error))
    return FALSE;
  return !change->rewrite || change->rewrite (node, error);
}

static gboolean raise_graph (PareGraph *graph, gint64 version, GError **error);

static gboolean
raise_node (PareNode *node, gint64 version, GError **error)
{
  for (guint i = 0; i < node->attributes->len; i++)
    {
      const PareAttribute *attribute = node->attributes->pdata[i];
      if (attribute->type == PARE_ATTRIBUTE_GRAPH && !raise_graph (attribute->u.graph, version, error))
        return FALSE;
    }
  for (const PareOpsetChange *change = pare_opset_changes; change->op_type; change++)
    if (change->version == version && pare_node_is (node, change->op_type) && !apply (node, change, error))
      return FALSE;
  return TRUE;
}

/* From @version - 1 to @version. Rewrites insert nodes: the list is walked as it stood. */
static gboolean
raise_graph (PareGraph *graph, gint64 version, GError **error)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_copy (graph->nodes, NULL, NULL);

  g_ptr_array_set_free_func (nodes, NULL);
  for (guint i = 0; i < nodes->len; i++)
    if (!raise_node (nodes->pdata[i], version, error))
      return FALSE;
  return TRUE;
}

/* The file format must be as new as the operator set. Since IR version 4 an initializer among the inputs is one that
 * the caller may override, and runtimes then neither fold nor quantize it. */
static void
raise_ir_version (PareGraph *graph, gint64 version)
{
  gint64 least = version <= 14 ? 7 : version <= 18 ? 8 : version <= 20 ? 9 : 10;
  guint kept = 0;

  if (graph->ir_version >= least)
    return;
  for (guint i = 0; graph->ir_version < 4 && i < graph->inputs->len; i++)
    {
      PareValue *value = graph->inputs->pdata[i];
      if (!value->constant)
        graph->inputs->pdata[kept++] = value;
    }
  if (graph->ir_version < 4)
    g_ptr_array_set_size (graph->inputs, kept);
  graph->ir_version = least;
}

/**
 * pare_onnx_upgrade_opset:
 * @version: of the standard operator set, at most PARE_OPSET_NEWEST
 *
 * Raises the operator set of @graph, subgraphs included, and with it the IR version; a graph that is new enough stays
 * as it is. Errors: PARE_ERROR_NOT_IMPLEMENTED names the first node that has no newer form; @graph is then half raised
 * and of no use.
 */
gboolean
pare_onnx_upgrade_opset (PareGraph *graph, gint64 version, GError **error)
{
  gint64 present = pare_graph_opset (graph, "");

  if (present >= version)
    return TRUE;
  if (version > PARE_OPSET_NEWEST)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Operator set %" G_GINT64_FORMAT " is asked for; models are raised to %d at most.", version,
                   PARE_OPSET_NEWEST);
      return FALSE;
    }
  for (gint64 next = present + 1; next <= version; next++)
    {
      if (!raise_graph (graph, next, error))
        return FALSE;
      pare_graph_set_opset (graph, "", next);
    }
  raise_ir_version (graph, version);
  return pare_graph_sort (graph, error);
}
