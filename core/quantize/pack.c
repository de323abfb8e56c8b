/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Weights of 4 bits, two in a byte (ONNX, "4 bit integer types"). */
#include "quantize/pack.h"
#include "onnx/onnx.h"
#include "quantize/pair.h"

#define OPSET 21

/* The type of 4 bits that holds all of @tensor; PARE_UNDEFINED when there is none. */
static PareDataType
packed_type (const PareTensor *tensor)
{
  PareDataType type = tensor->type == PARE_INT8 ? PARE_INT4 : PARE_UINT4;
  gint32 lowest, highest;

  if (tensor->type != PARE_INT8 && tensor->type != PARE_UINT8)
    return PARE_UNDEFINED;
  pare_integer_limits (type, &lowest, &highest);
  for (gint64 i = 0, n = pare_tensor_elements (tensor); i < n; i++)
    {
      gint64 integer = pare_tensor_get_int (tensor, i);
      if (integer < lowest || integer > highest)
        return PARE_UNDEFINED;
    }
  return type;
}

static void
pack_input (PareGraph *graph, PareNode *node, guint input, PareDataType type)
{
  PareValue *value = pare_node_input (node, input);
  g_autoptr (PareTensor) packed = pare_tensor_cast (value->constant, type);

  pare_node_set_input (node, input, pare_graph_add_constant (graph, value->name, packed));
}

static gboolean
pack (PareGraph *graph, PareNode *node)
{
  PareDataType type;
  ParePair pair;

  if (!pare_pair_read (node, &pair) || pair.quantize || !pair.input->constant)
    return FALSE;
  type = packed_type (pair.input->constant);
  if (type == PARE_UNDEFINED || (pair.zero_point && packed_type (pair.zero_point->constant) != type))
    return FALSE;
  pack_input (graph, node, 0, type);
  if (pair.zero_point)
    pack_input (graph, node, 2, type);
  return TRUE;
}

gboolean
pare_graph_pack_int4 (PareGraph *graph, GError **error)
{
  gboolean packed = FALSE;

  for (guint i = 0; i < graph->nodes->len; i++)
    packed |= pack (graph, graph->nodes->pdata[i]);
  pare_graph_remove_dead (graph);
  return !packed || pare_onnx_upgrade_opset (graph, OPSET, error);
}
