/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What forms of 8-bit integers do not hold. */
#include "quantize/quantize.h"

/* The layer that reads @value. */
static const char *
reader_of (const PareValue *value)
{
  const PareNode *node = value->consumers->len ? value->consumers->pdata[0] : NULL;

  return node ? pare_node_label (node) : value->name;
}

/* Why the form does not hold this conversion, or NULL. */
static const char *
refusal (const PareNode *node)
{
  const PareTensor *scale = pare_node_constant (node, 1), *integers = pare_node_constant (node, 0);
  const PareValue *zero_point = pare_node_input (node, 2);
  PareDataType type = zero_point && zero_point->constant ? zero_point->constant->type
                      : integers                         ? integers->type
                                                         : PARE_UINT8;

  if ((scale && scale->shape.rank > 1) || pare_node_get_int (node, "block_size", 0))
    return "scales per group";
  if (type == PARE_INT32 && integers)
    return NULL;
  if (type == PARE_INT8 || type == PARE_UINT8)
    return NULL;
  return type == PARE_INT4 || type == PARE_UINT4     ? "packed numbers of 4 bits"
         : type == PARE_INT16 || type == PARE_UINT16 ? "numbers of 16 bits"
                                                     : "numbers that are no 8-bit integers";
}

gboolean
pare_graph_require_bytes (const PareGraph *graph, const char *form, GError **error)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      gboolean dequantizes = pare_node_is (node, "DequantizeLinear");
      const char *why = dequantizes || pare_node_is (node, "QuantizeLinear") ? refusal (node) : NULL;
      if (!why)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "'%s' has %s, which form=%s does not hold: write the network with form=qdq, or quantize to at most "
                   "8 bits with one scale per channel.",
                   dequantizes ? reader_of (node->outputs->pdata[0]) : pare_node_label (node), why, form);
      return FALSE;
    }
  return TRUE;
}
