/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up of operators, and what their infer functions share. The table is generated from meson's list of files. */
#include "ops/infer.h"
#include <stdarg.h>
#include <string.h>

extern const PareOperator *const pare_operators_table[];

typedef struct
{
  GHashTable *by_name; /* "domain:name" -> PareOperator */
  GPtrArray *all;
} Registry;

static const char *
standard_domain (const char *domain)
{
  return domain && strcmp (domain, "ai.onnx") ? domain : "";
}

static gpointer
registry_new (gpointer unused)
{
  Registry *registry = g_new0 (Registry, 1);

  registry->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  registry->all = g_ptr_array_new ();
  for (const PareOperator *const *file = pare_operators_table; *file; file++)
    for (const PareOperator *op = *file; op->name; op++)
      {
        char *key = g_strconcat (standard_domain (op->domain), ":", op->name, NULL);
        g_assert (g_hash_table_insert (registry->by_name, key, (gpointer)op));
        g_ptr_array_add (registry->all, (gpointer)op);
      }
  return registry;
}

static const Registry *
get_registry (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, registry_new, NULL);
}

const PareOperator *
pare_operator_of (const PareNode *node)
{
  g_autofree char *key = g_strconcat (standard_domain (node->domain), ":", node->op_type, NULL);

  return g_hash_table_lookup (get_registry ()->by_name, key);
}

gboolean
pare_node_reads (const PareNode *node, guint index)
{
  const PareOperator *op = pare_operator_of (node);

  return !op || index >= 32 || !(op->shape_inputs >> index & 1);
}

/* A node that is among the consumers without such an input has a subgraph that reads the value. */
static gboolean
reads_data (const PareNode *node, const PareValue *value)
{
  gboolean shape_only = FALSE;

  for (guint i = 0; i < node->inputs->len; i++)
    if (node->inputs->pdata[i] == value)
      {
        if (pare_node_reads (node, i))
          return TRUE;
        shape_only = TRUE;
      }
  return !shape_only;
}

PareNode *
pare_value_only_reader (const PareValue *value)
{
  PareNode *reader = NULL;

  for (guint i = 0; i < value->consumers->len; i++)
    if (reads_data (value->consumers->pdata[i], value))
      {
        if (reader)
          return NULL;
        reader = value->consumers->pdata[i];
      }
  return reader && !pare_graph_is_output (reader->graph, value) ? reader : NULL;
}

const PareOperator *const *
pare_operators (guint *n)
{
  *n = get_registry ()->all->len;
  return (const PareOperator *const *)get_registry ()->all->pdata;
}

gboolean
pare_node_weight (const PareNode *node, PareWeightTrait *trait)
{
  const PareOperator *op = pare_operator_of (node);

  return op && op->weight && op->weight (node, trait) && pare_node_constant (node, trait->input);
}

void
pare_node_error (GError **error, PareError code, const PareNode *node, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, PARE_ERROR, code, "Node '%s' (%s): %s", pare_node_label (node), node->op_type, text);
}

void
pare_node_prefix_error (GError **error, const PareNode *node)
{
  if (error && *error && !g_str_has_prefix ((*error)->message, "Node '")
      && !g_str_has_prefix ((*error)->message, "In the subgraph '"))
    g_prefix_error (error, "Node '%s' (%s): ", pare_node_label (node), node->op_type);
}

gboolean
pare_infer_require (const PareInfer *infer, guint index, const PareDataType *types, GError **error)
{
  PareDataType type = index < infer->n_inputs ? infer->inputs[index].type : PARE_UNDEFINED;
  gboolean known = !types && type < PARE_DATA_TYPES;

  if (type == PARE_UNDEFINED)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u is missing.", index);
      return FALSE;
    }
  for (; types && *types; types++)
    known |= *types == type;
  if (!known)
    pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                     "input %u has type %s, which the operator does not take here.", index, pare_data_type_name (type));
  return known;
}

gboolean
pare_infer_require_constant (const PareInfer *infer, guint index, GError **error)
{
  if (index < infer->n_inputs && infer->constants[index])
    return TRUE;
  pare_node_error (error, PARE_ERROR_DATA_DEPENDENT, infer->node,
                   "input %u decides the output's shape and depends on the data: shapes behind it are not known before "
                   "the network runs.",
                   index);
  return FALSE;
}

static gint64 *
tensor_ints (const PareTensor *tensor, guint *n)
{
  gint64 *values;

  *n = pare_tensor_elements (tensor);
  values = g_new (gint64, MAX (*n, 1));
  for (guint i = 0; i < *n; i++)
    values[i] = pare_tensor_get_int (tensor, i);
  return values;
}

static gint64 *
attribute_ints (const PareNode *node, const char *name, guint *n)
{
  const gint64 *values = pare_node_get_ints (node, name, n);

  if (!values)
    return NULL;
  return *n ? g_memdup2 (values, *n * sizeof *values) : g_new (gint64, 1);
}

gboolean
pare_infer_ints (const PareInfer *infer, guint index, const char *attribute, gint64 **values, guint *n, GError **error)
{
  if (index < infer->n_inputs && infer->inputs[index].type != PARE_UNDEFINED)
    {
      if (!pare_infer_require (infer, index, pare_types_index, error)
          || !pare_infer_require_constant (infer, index, error))
        return FALSE;
      *values = tensor_ints (infer->constants[index], n);
      return TRUE;
    }
  *values = attribute ? attribute_ints (infer->node, attribute, n) : NULL;
  if (!*values)
    *n = 0;
  return TRUE;
}

gint64 *
pare_kernel_ints (const PareKernel *kernel, guint index, const char *attribute, guint *n)
{
  const PareView *view = index < kernel->n_inputs ? &kernel->inputs[index] : NULL;
  gint64 *values;

  if (!view || view->type == PARE_UNDEFINED)
    {
      *n = 0;
      return attribute ? attribute_ints (kernel->node, attribute, n) : NULL;
    }
  *n = pare_shape_elements (&view->shape);
  values = g_new (gint64, MAX (*n, 1));
  pare_convert (view->type, view->data, PARE_INT64, values, *n);
  return values;
}

gboolean
pare_infer_same (PareInfer *infer, GError **error)
{
  if (!pare_infer_require (infer, 0, NULL, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[0];
  return TRUE;
}
