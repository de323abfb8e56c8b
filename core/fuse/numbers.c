/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The constants of a node in double precision and back. */
#include "fuse/numbers.h"
#include <float.h>
#include <math.h>

double *
pare_numbers_read (PareTensor *tensor)
{
  gint64 n = pare_tensor_elements (tensor);
  double *data = g_new (double, MAX (n, 1));

  pare_convert (tensor->type, pare_tensor_data (tensor), PARE_FLOAT64, data, n);
  return data;
}

PareTensor *
pare_numbers_tensor (PareDataType type, const PareShape *shape, const double *numbers)
{
  gint64 n = pare_shape_elements (shape);
  double largest = type == PARE_FLOAT64 ? DBL_MAX : type == PARE_FLOAT16 ? 65504 : FLT_MAX;
  g_autofree gpointer data = NULL;

  for (gint64 i = 0; i < n; i++)
    if (!(fabs (numbers[i]) <= largest))
      return NULL;
  data = g_malloc (MAX (pare_data_size (type, n), 1));
  if (!pare_convert (PARE_FLOAT64, numbers, type, data, n))
    return NULL;
  return pare_tensor_new_take (type, shape, g_steal_pointer (&data));
}

void
pare_numbers_write (PareNode *node, guint index, PareTensor *tensor, gboolean *copied)
{
  PareValue *old = pare_node_input (node, index), *fresh;

  if (pare_tensor_equal (old->constant, tensor))
    return;
  if (old->consumers->len == 1 && !pare_graph_is_output (node->graph, old))
    {
      pare_value_set_constant (old, tensor);
      return;
    }
  fresh = pare_graph_add_constant (node->graph, old->name, tensor);
  fresh->sparsity = old->sparsity; /* scaling and shifting channels leaves zeros of weights alone */
  if (pare_graph_is_input (node->graph, old)) /* as IR version 3 wants of every constant */
    g_ptr_array_add (node->graph->inputs, fresh);
  pare_node_set_input (node, index, fresh);
  *copied = TRUE;
}
