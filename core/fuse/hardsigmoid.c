/* SPDX-License-Identifier: LGPL-2.1-or-later
 * HardSigmoid written out: clip (x + 3, 0, 6) / 6, as torch exported it. */
#include "fuse/hardsigmoid.h"
#include "fuse/primitives.h"

static gboolean
clips_to (const PareNode *clip, double low, double high)
{
  PareTensor *least = pare_node_literal (clip, 1), *most = pare_node_literal (clip, 2);

  if (pare_graph_opset (clip->graph, clip->domain) < 11)
    return pare_node_get_float (clip, "min", -1) == low && pare_node_get_float (clip, "max", -1) == high;
  return least && most && pare_tensor_elements (least) == 1 && pare_tensor_elements (most) == 1
         && pare_tensor_get_double (least, 0) == low && pare_tensor_get_double (most, 0) == high;
}

PareValue *
pare_hardsigmoid_clipped (const PareValue *value)
{
  const PareNode *clip = value->producer;
  double three;
  PareValue *x;

  if (!clip || !pare_node_is (clip, "Clip") || !clips_to (clip, 0, 6))
    return NULL;
  x = pare_number_operand (pare_node_above (clip, 0, NULL), "Add", &three);
  return x && three == 3 ? x : NULL;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *domain = pare_fuse_domain (fuse, 6);
  double number;
  PareValue *inner = pare_number_operand (node, "Div", &number), *x;

  if (!inner || !pare_number_is (number, 6))
    {
      inner = pare_number_operand (node, "Mul", &number);
      if (!inner || !pare_number_is (number, 1.0 / 6))
        return FALSE;
    }
  x = pare_hardsigmoid_clipped (inner);
  if (!x || !pare_node_output (node, 0) || !domain)
    return FALSE;
  node = pare_fuse_become (fuse, node, domain, "HardSigmoid", 1, &x);
  pare_node_set_attribute (node, pare_attribute_new_float ("alpha", 1.0f / 6));
  pare_node_set_attribute (node, pare_attribute_new_float ("beta", 0.5f));
  return TRUE;
}

PARE_FUSION (hardsigmoid) = {
  .name = "hardsigmoid",
  .description = "Recognises HardSigmoid written out with Clip.",
  .for_execution = TRUE,
  .apply = apply,
};
