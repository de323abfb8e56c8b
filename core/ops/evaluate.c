/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One node on tensors: how constants are folded. */
#include "graph/memory.h"
#include "ops/operator.h"

static PareView
view_of (const PareTensor *tensor)
{
  if (!tensor)
    return (PareView){ 0 };
  return (PareView){ tensor->type, tensor->shape, (gpointer)pare_tensor_data (tensor) };
}

/* Element counts of all outputs, or an error: nothing is allocated for an impossible shape. */
static gboolean
allocate_outputs (const PareNode *node, const PareSpec *specs, guint n, PareView *views, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      gint64 elements = pare_shape_elements (&specs[i].shape);
      if (specs[i].type == PARE_UNDEFINED)
        continue;
      if (elements < 0 || elements > G_MAXINT64 / 16)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, node, "output %u has an impossible shape.", i);
          return FALSE;
        }
      if (!pare_memory_affords (pare_data_size (specs[i].type, elements), "Its result", "export smaller shapes", error))
        {
          pare_node_prefix_error (error, node);
          return FALSE;
        }
      views[i] = (PareView){ specs[i].type, specs[i].shape, NULL };
      views[i].data = g_try_malloc (MAX (pare_data_size (specs[i].type, elements), 1));
      if (!views[i].data)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, node, "there is no memory for output %u.", i);
          return FALSE;
        }
    }
  return TRUE;
}

/* Working memory for the kernel, if it wants some. */
static gboolean
allocate_scratch (const PareOperator *op, const PareInfer *infer, PareKernel *kernel, GError **error)
{
  gsize size = op->scratch ? op->scratch (infer) : 0;

  kernel->scratch = size ? g_try_malloc (size) : NULL;
  if (kernel->scratch || !size)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "there is no memory for its %" G_GSIZE_FORMAT " bytes.", size);
  return FALSE;
}

gboolean
pare_evaluate_node (const PareNode *node, PareTensor *const *inputs, PareTensor **outputs, GError **error)
{
  const PareOperator *op = pare_operator_of (node);
  guint n_inputs = node->inputs->len, n_outputs = node->outputs->len;
  g_autofree PareSpec *input_specs = g_new0 (PareSpec, n_inputs + 1);
  g_autofree PareSpec *output_specs = g_new0 (PareSpec, n_outputs + 1);
  g_autofree PareView *input_views = g_new0 (PareView, n_inputs + 1);
  g_autofree PareView *output_views = g_new0 (PareView, n_outputs + 1);
  gint64 opset = pare_graph_opset (node->graph, node->domain);
  PareInfer infer = { node, opset, n_inputs, input_specs, inputs, n_outputs, output_specs };
  PareKernel kernel = { node, opset, n_inputs, input_views, n_outputs, output_views };
  gboolean done;

  if (!op || !op->forward || !op->infer)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "the operator cannot be evaluated here.");
      return FALSE;
    }
  if (!n_outputs)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "it has no output.");
      return FALSE;
    }
  for (guint i = 0; i < n_inputs; i++)
    {
      if (inputs[i] && inputs[i]->type >= PARE_DATA_TYPES)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, node, "input %u is %s, which the operator does not take.", i,
                           pare_data_type_name (inputs[i]->type));
          return FALSE;
        }
      input_views[i] = view_of (inputs[i]);
      input_specs[i] = (PareSpec){ input_views[i].type, input_views[i].shape };
    }
  done = op->infer (&infer, error);
  for (guint i = 0; done && i < n_outputs; i++)
    if (!node->outputs->pdata[i])
      output_specs[i].type = PARE_UNDEFINED;
  done = done && allocate_outputs (node, output_specs, n_outputs, output_views, error)
         && allocate_scratch (op, &infer, &kernel, error) && op->forward (&kernel, error);
  g_free (kernel.scratch);
  for (guint i = 0; i < n_outputs; i++)
    {
      outputs[i] = NULL;
      if (done && output_views[i].type != PARE_UNDEFINED)
        outputs[i] = pare_tensor_new_take (output_views[i].type, &output_views[i].shape, output_views[i].data);
      else
        g_free (output_views[i].data);
    }
  return done;
}
