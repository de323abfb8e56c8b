/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reading functions that exporters spell out in arithmetic, and putting the one operator in their place. */
#include "fuse/primitives.h"
#include <math.h>

/* A number of more axes than one could stretch what it meets. */
static gboolean
read_number (const PareTensor *tensor, double *number)
{
  if (!tensor || !pare_data_type_is_float (tensor->type) || pare_tensor_elements (tensor) != 1
      || tensor->shape.rank > 1)
    return FALSE;
  *number = pare_tensor_get_double (tensor, 0);
  return TRUE;
}

gboolean
pare_number_is (double a, double b)
{
  /* float16 and numbers with four digits in the source are in use. */
  return fabs (a - b) <= 1e-3 * fabs (b);
}

PareValue *
pare_number_operand (const PareNode *node, const char *op_type, double *number)
{
  gboolean commutes = g_str_equal (op_type, "Add") || g_str_equal (op_type, "Mul");

  if (!node || !pare_node_is (node, op_type) || node->inputs->len != 2)
    return NULL;
  if (read_number (pare_node_literal (node, 1), number))
    return pare_node_input (node, 0);
  return commutes && read_number (pare_node_literal (node, 0), number) ? pare_node_input (node, 1) : NULL;
}

PareNode *
pare_node_above (const PareNode *node, guint index, const char *op_type)
{
  PareValue *value = pare_node_input (node, index);

  if (!value || !value->producer || (op_type && !pare_node_is (value->producer, op_type)))
    return NULL;
  return value->producer;
}

static gboolean
read_factors (PareValue *value, const PareValue *stop, guint depth, PareProduct *product)
{
  const PareNode *node = value->producer;
  PareValue *base;
  double number;

  if (value != stop && read_number (pare_value_literal (value), &number))
    {
      product->number *= number;
      return TRUE;
    }
  if (value != stop && node && depth && node->inputs->len == 2 && node->inputs->pdata[0] && node->inputs->pdata[1])
    {
      if (pare_node_is (node, "Mul"))
        return read_factors (node->inputs->pdata[0], stop, depth - 1, product)
               && read_factors (node->inputs->pdata[1], stop, depth - 1, product);
      base = pare_number_operand (node, "Div", &number);
      if (base)
        {
          product->number /= number;
          return read_factors (base, stop, depth - 1, product);
        }
      base = pare_number_operand (node, "Pow", &number);
      if (base && (number == 2 || number == 3))
        {
          for (guint i = 0; i < number; i++)
            if (!read_factors (base, stop, depth - 1, product))
              return FALSE;
          return TRUE;
        }
    }
  if (product->n == PARE_PRODUCT_MOST)
    return FALSE;
  product->leaves[product->n++] = value;
  return TRUE;
}

gboolean
pare_product_read (PareValue *value, const PareValue *stop, PareProduct *product)
{
  *product = (PareProduct){ .number = 1 };
  return value && read_factors (value, stop, 3, product);
}

PareNode *
pare_fuse_become (PareFuse *fuse, PareNode *last, const char *domain, const char *op_type, guint n,
                  PareValue *const *inputs)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareNode *node = pare_graph_add_node (graph, domain, op_type, last->name, last);
  PareValue *output = pare_node_output (last, 0);
  g_autofree char *action = g_strdup_printf ("recognised %s", op_type);

  for (guint i = 0; i < n; i++)
    pare_node_add_input (node, inputs[i]);
  pare_record_add (graph->record, "graphfuser", pare_node_label (last), action, NULL, NULL);
  pare_graph_remove_node (graph, last);
  pare_node_add_output (node, output);
  return node;
}
