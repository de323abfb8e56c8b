/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=qoperator-microsoft: as qoperator, with ONNX Runtime's own operators where the standard set has none. They take
 * each input as integers, scale, zero point, and the result's scale and zero point behind (QLinearConcat: before) all
 * inputs. Source: ONNX Runtime's documentation of the operators of com.microsoft. */
#include "quantize/qoperator.h"
#include "quantize/quantize.h"

static const struct
{
  const char *op_type, *name;
  gboolean result_first;
} functions[] = {
  { "Add", "QLinearAdd", FALSE },
  { "Mul", "QLinearMul", FALSE },
  { "Concat", "QLinearConcat", TRUE },
  { "AveragePool", "QLinearAveragePool", FALSE },
  { "GlobalAveragePool", "QLinearGlobalAveragePool", FALSE },
  { "Sigmoid", "QLinearSigmoid", FALSE },
  { "LeakyRelu", "QLinearLeakyRelu", FALSE },
};

/* The grids of all inputs, which have one type with the result. */
static gboolean
read_inputs (const PareNode *node, const PareGrid *y, PareGrid *grids)
{
  for (guint i = 0; i < node->inputs->len; i++)
    if (!pare_grid_before (pare_node_input (node, i), &grids[i]) || grids[i].type != y->type)
      return FALSE;
  return node->inputs->len > 0;
}

static PareNode *
add_function (PareGraph *graph, PareNode *node, guint function, const PareGrid *grids, const PareGrid *y)
{
  PareNode *made
      = pare_graph_add_node (graph, PARE_DOMAIN_MICROSOFT, functions[function].name, pare_node_label (node), node);

  pare_node_copy_attributes (made, node);
  if (functions[function].result_first)
    pare_grid_add_parameters (made, y);
  for (guint i = 0; i < node->inputs->len; i++)
    {
      pare_node_add_input (made, grids[i].integers);
      pare_grid_add_parameters (made, &grids[i]);
    }
  if (!functions[function].result_first)
    pare_grid_add_parameters (made, y);
  return made;
}

/* Inputs on the very grid of the result are joined as they are. */
static gboolean
concatenates (const PareNode *node, const PareGrid *grids, const PareGrid *y)
{
  for (guint i = 0; i < node->inputs->len; i++)
    if (!pare_grid_equal (&grids[i], y))
      return FALSE;
  return pare_node_is (node, "Concat");
}

const char *
pare_qoperator_function (PareQOperator *work, PareNode *node)
{
  g_autofree PareGrid *grids = g_new0 (PareGrid, MAX (node->inputs->len, 1));
  PareNode *last, *made;
  guint function = 0;
  PareGrid y;

  while (function < G_N_ELEMENTS (functions) && !pare_node_is (node, functions[function].op_type))
    function++;
  if (function == G_N_ELEMENTS (functions))
    return NULL;
  if (pare_node_attribute (node, "dilations"))
    {
      work->reason = "no such operator takes dilations";
      return NULL;
    }
  if (!pare_grid_behind (node, &y, &last) || !read_inputs (node, &y, grids))
    {
      work->reason = "its inputs and its result are not all rounded to integers of one type";
      return NULL;
    }
  if (concatenates (node, grids, &y))
    {
      made = pare_graph_add_node (work->graph, "", "Concat", pare_node_label (node), node);
      pare_node_copy_attributes (made, node);
      for (guint i = 0; i < node->inputs->len; i++)
        pare_node_add_input (made, grids[i].integers);
    }
  else if (work->microsoft)
    made = add_function (work->graph, node, function, grids, &y);
  else
    {
      work->reason = "the standard operator set has no such operator on integers; form=qoperator-microsoft has";
      return NULL;
    }
  pare_qoperator_finish (made, &y, node, last);
  return made->op_type;
}

static gboolean
qoperator_microsoft_lower (PareGraph *graph, GError **error)
{
  return pare_graph_to_qoperators (graph, TRUE, error);
}

const PareForm pare_form_qoperator_microsoft
    = { "qoperator-microsoft", "As qoperator, with ONNX Runtime's own operators (QLinearAdd, QGemm, ..) for the rest.",
        qoperator_microsoft_lower };
