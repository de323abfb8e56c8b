/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Extents: a copy of the graph whose outputs are ReduceMin and ReduceMax of what is watched. */
#include "equalize/extents.h"
#include "data/batch.h"
#include <math.h>

struct _PareExtents
{
  PareGraph *graph;
  PareExecutor *executor;
  GPtrArray *names; /* of the values */
  GArray *extents;  /* of PareExtent, in their order */
};

static void
extent_clear (gpointer data)
{
  PareExtent *extent = data;

  g_free (extent->low);
  g_free (extent->high);
}

/* @value reduced over all axes but that of its channels is one more output of @graph. */
static void
add_reduction (PareGraph *graph, const char *op_type, const PareExtentQuery *query)
{
  PareNode *node = pare_graph_add_node (graph, "", op_type, "", NULL);
  PareValue *result = pare_graph_add_value_near (graph, op_type);
  g_autoptr (GArray) axes = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (gint64 axis = 0; axis < query->rank; axis++)
    if (axis != query->axis)
      g_array_append_val (axes, axis);
  pare_node_add_input (node, pare_graph_find_value (graph, query->value->name));
  pare_node_add_output (node, result);
  pare_node_set_attribute (node, pare_attribute_new_int ("keepdims", 0));
  if (query->axis >= 0)
    pare_node_set_attribute (node, pare_attribute_new_ints ("axes", axes->len, (const gint64 *)axes->data));
  g_ptr_array_add (graph->outputs, result);
}

PareExtents *
pare_extents_new (PareGraph *graph, guint n, const PareExtentQuery *queries)
{
  PareExtents *extents = g_new0 (PareExtents, 1);

  extents->graph = pare_graph_copy (graph);
  extents->names = g_ptr_array_new_with_free_func (g_free);
  extents->extents = g_array_new (FALSE, TRUE, sizeof (PareExtent));
  g_array_set_clear_func (extents->extents, extent_clear);
  g_array_set_size (extents->extents, n);
  g_ptr_array_set_size (extents->graph->outputs, 0);
  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (extents->names, g_strdup (queries[i].value->name));
      add_reduction (extents->graph, "ReduceMin", &queries[i]);
      add_reduction (extents->graph, "ReduceMax", &queries[i]);
    }
  pare_graph_remove_dead (extents->graph);
  extents->executor = pare_executor_new (extents->graph);
  return extents;
}

void
pare_extents_free (PareExtents *extents)
{
  pare_executor_free (extents->executor);
  g_object_unref (extents->graph);
  g_ptr_array_unref (extents->names);
  g_array_unref (extents->extents);
  g_free (extents);
}

static gboolean
widen (PareExtent *extent, const PareTensor *low, const PareTensor *high)
{
  gint64 n = pare_tensor_elements (low);

  if (!extent->low)
    {
      extent->n = (guint)n;
      extent->low = g_new (double, MAX (n, 1));
      extent->high = g_new (double, MAX (n, 1));
      for (gint64 c = 0; c < n; c++)
        {
          extent->low[c] = INFINITY;
          extent->high[c] = -INFINITY;
        }
    }
  for (gint64 c = 0; c < n; c++)
    {
      double least = pare_tensor_get_double (low, c), most = pare_tensor_get_double (high, c);
      if (!isfinite (least) || !isfinite (most))
        return FALSE;
      extent->low[c] = MIN (extent->low[c], least);
      extent->high[c] = MAX (extent->high[c], most);
    }
  return TRUE;
}

gboolean
pare_extents_add (PareExtents *extents, const GPtrArray *batch, GError **error)
{
  g_autoptr (GPtrArray) outputs
      = pare_batch_run (extents->graph, extents->executor, (PareTensor *const *)batch->pdata, batch->len, error);

  for (guint i = 0; outputs && i < extents->extents->len; i++)
    {
      PareExtent *extent = &g_array_index (extents->extents, PareExtent, i);
      if (widen (extent, outputs->pdata[2 * i], outputs->pdata[2 * i + 1]))
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "'%s' holds a number that is not finite: check the samples and their normalization.",
                   (const char *)extents->names->pdata[i]);
      return FALSE;
    }
  return outputs != NULL;
}

const PareExtent *
pare_extents_get (const PareExtents *extents, guint index)
{
  return &g_array_index (extents->extents, PareExtent, index);
}
