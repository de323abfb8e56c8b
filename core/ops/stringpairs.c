/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Two tensors of strings, element by element. */
#include "ops/stringpairs.h"
#include "graph/memory.h"

gboolean
pare_string_pairs_check (const PareRun *run, PareShape *shape, GError **error)
{
  if (!pare_run_counts (run, 2, 2, error) || !pare_run_require (run, 0, PARE_STRING, error)
      || !pare_run_require (run, 1, PARE_STRING, error))
    return FALSE;
  if (!pare_shape_broadcast (&run->inputs[0]->shape, &run->inputs[1]->shape, shape) || pare_shape_elements (shape) < 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its inputs do not broadcast to a common shape.");
      return FALSE;
    }
  /* What a string takes at least: two small tensors may span a huge one. */
  return pare_memory_affords ((guint64)pare_shape_elements (shape) * sizeof (gpointer), "A tensor of strings",
                              "use smaller inputs", error);
}

/* The element of @tensor that meets element @at of @shape. */
static GBytes *
element (const PareTensor *tensor, const PareShape *shape, gint64 at)
{
  gint64 index = 0, stride = 1;
  guint missing = shape->rank - tensor->shape.rank;

  for (guint i = shape->rank; i-- > missing; at /= shape->dims[i])
    {
      gint64 dim = tensor->shape.dims[i - missing];
      index += (dim == 1 ? 0 : at % shape->dims[i]) * stride;
      stride *= dim;
    }
  return tensor->strings->pdata[index];
}

void
pare_string_pairs (const PareRun *run, const PareShape *shape, PareStringPair pair, gpointer result)
{
  for (gint64 i = 0; i < pare_shape_elements (shape); i++)
    pair (element (run->inputs[0], shape, i), element (run->inputs[1], shape, i), i, result);
}
