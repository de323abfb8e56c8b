/* SPDX-License-Identifier: LGPL-2.1-or-later
 * From a quantized network to one that is executed on integers. The table is generated from the list in meson.build. */
#include "fuse/fuse.h"
#include "fuse/widen.h"
#include "integer/integer.h"
#include "quantize/quantize.h"
#include "quantize/raise.h"
#include "train/gradient.h"

extern const PareIntegerRule *const pare_integer_rule_table[];
extern PARE_INTEGER_RULE (sums);

static gboolean
has_integers (const PareNode *node)
{
  static const char *const operators[]
      = { "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul" };

  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    if (pare_node_is (node, operators[i]))
      return TRUE;
  return g_strcmp0 (node->domain, PARE_DOMAIN) == 0;
}

/* Conversions, operators that have integers in the file, or what became of them. */
static gboolean
is_quantized (const PareGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (has_integers (graph->nodes->pdata[i]))
      return TRUE;
  return FALSE;
}

/* A rule leaves at least one node of the old ones fewer, or moves a DequantizeLinear on: forwards, one look at each
 * place is enough. */
static void
apply_rules (PareGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    for (guint rule = 0; pare_integer_rule_table[rule]; rule++)
      if (pare_integer_rule_table[rule]->apply (graph, graph->nodes->pdata[i]))
        break;
}

PareGraph *
pare_graph_to_integers (const PareGraph *graph, GError **error)
{
  g_autoptr (PareGraph) copy = pare_graph_copy (graph);
  const PareForm *stored = pare_form_find ("qdq", error);
  gboolean quantized;

  pare_graph_raise_qoperators (copy);
  /* Weights that are simulated become integers. */
  if (!stored || !stored->lower (copy, error))
    return NULL;
  quantized = is_quantized (copy);
  apply_rules (copy);
  pare_graph_set_opset (copy, PARE_DOMAIN, 1);
  pare_graph_remove_dead (copy);
  if (!quantized && !is_quantized (copy))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Nothing in this network is quantized, so that nothing can be executed on integers: quantize it "
                   "first, or leave integer execution off.");
      return NULL;
    }
  return g_steal_pointer (&copy);
}

/* Sums of integers are exact in any form: their fast kernels are taken in float execution, too. */
static void
apply_sums (PareGraph *graph)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += pare_integer_rule_sums.apply (graph, graph->nodes->pdata[i]);
  if (n)
    pare_graph_set_opset (graph, PARE_DOMAIN, 1);
}

PareGraph *
pare_graph_to_floats (const PareGraph *graph)
{
  PareGraph *widened = pare_graph_copy_widened (graph);
  PareGraph *copy = widened ? widened : pare_graph_copy (graph);

  pare_graph_raise_qoperators (copy);
  apply_sums (copy);
  pare_graph_remove_dead (copy);
  return copy;
}

PareExecutor *
pare_graph_executor (PareGraph *graph, gboolean integer, GError **error)
{
  g_autoptr (PareGraph) executed = integer ? pare_graph_to_integers (graph, error) : pare_graph_to_floats (graph);

  if (!executed)
    return NULL;
  pare_graph_recognise (executed);
  return pare_executor_new (executed);
}

/* A value that is an output is not taken into an operator, and stays in its place among the outputs when it is
 * replaced. */
PareExecutor *
pare_graph_executor_with_taps (const PareGraph *graph, const GPtrArray *values, GPtrArray *taps)
{
  g_autoptr (PareGraph) executed = pare_graph_copy (graph);
  g_autofree guint *places = g_new (guint, values->len);
  guint n = executed->outputs->len;

  for (guint i = 0; i < values->len; i++)
    {
      PareValue *value = pare_graph_find_value (executed, ((PareValue *)values->pdata[i])->name);
      if (g_ptr_array_find (executed->outputs, value, &places[i]))
        continue;
      places[i] = executed->outputs->len;
      g_ptr_array_add (executed->outputs, value);
    }
  pare_graph_recognise (executed);
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add (taps, executed->outputs->pdata[places[i]]);
  g_ptr_array_set_size (executed->outputs, n);
  return pare_executor_new (executed);
}
