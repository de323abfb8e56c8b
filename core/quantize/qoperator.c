/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=qoperator: operators that have integers in the file, of the standard operator set. What has none there stays
 * between DequantizeLinear and QuantizeLinear. */
#include "quantize/qoperator.h"
#include "onnx/onnx.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"

#define STAGE "onnxexporter"
/* Since when Clip and MaxPool take 8-bit integers, and DequantizeLinear one scale per channel. */
#define OPSET 13

static const char *(*const rules[]) (PareQOperator *, PareNode *) = {
  pare_qoperator_layer,
  pare_qoperator_function,
  pare_qoperator_move,
};

const char *
pare_qoperator_move (PareQOperator *work, PareNode *node)
{
  return pare_grid_move (work->graph, node) ? "the same operator on integers" : NULL;
}

static gboolean
is_conversion (const PareNode *node)
{
  const PareValue *value = pare_node_input (node, 0);

  return pare_node_is (node, "QuantizeLinear") || pare_node_is (node, "DequantizeLinear")
         || (value && value->producer && pare_node_is (value->producer, "QuantizeLinear"));
}

static gboolean
reads_integers (const PareNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++)
    {
      const PareValue *value = node->inputs->pdata[i];
      if (value && value->producer && pare_node_is (value->producer, "DequantizeLinear"))
        return TRUE;
    }
  return FALSE;
}

static void
lower_node (PareQOperator *work, PareNode *node)
{
  g_autofree char *label = g_strdup (pare_node_label (node));
  const char *why = "no such operator takes its integers";
  gboolean conversion = is_conversion (node);

  if (!reads_integers (node) || (conversion && pare_grid_join (work->graph, node)) || conversion)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      const char *became;
      work->reason = NULL;
      became = rules[i](work, node);
      if (became)
        {
          g_autofree char *action = g_strconcat ("written as ", became, NULL);
          pare_record_add (work->graph->record, STAGE, label, action, work->reason, NULL);
          return;
        }
      why = work->reason ? work->reason : why;
    }
  pare_record_add (work->graph->record, STAGE, label, "left between conversions", why, NULL);
}

gboolean
pare_graph_to_qoperators (PareGraph *graph, gboolean microsoft, GError **error)
{
  PareQOperator work = { graph, microsoft, NULL };
  const PareForm *stored = pare_form_find ("qdq", error);

  if (!stored || !stored->lower (graph, error) || !pare_graph_require_bytes (graph, "qoperator", error)
      || !pare_onnx_upgrade_opset (graph, OPSET, error))
    return FALSE;
  /* Forwards, so that a layer finds the integers that an operator before it left. */
  for (guint i = 0; i < graph->nodes->len;)
    {
      guint n = graph->nodes->len;
      lower_node (&work, graph->nodes->pdata[i]);
      i += graph->nodes->len >= n;
    }
  if (microsoft)
    pare_graph_set_opset (graph, PARE_DOMAIN_MICROSOFT, 1);
  pare_graph_drop_unused_opset (graph, PARE_DOMAIN_MICROSOFT);
  pare_graph_remove_dead (graph);
  return TRUE;
}

static gboolean
qoperator_lower (PareGraph *graph, GError **error)
{
  return pare_graph_to_qoperators (graph, FALSE, error);
}

const PareForm pare_form_qoperator
    = { "qoperator", "Standard operators on integers, QLinearConv and its kind: for runtimes that know no pairs.",
        qoperator_lower };
