/* SPDX-License-Identifier: LGPL-2.1-or-later
 * cross-entropy: of classes, the outputs taken as logits along axis 1. */
#include "train/gradient.h"
#include "train/loss.h"

static PareValue *
crossentropy_build (PareGraph *graph, PareValue *output, PareValue *target, const PareLossSettings *settings)
{
  PareNode *node = pare_graph_add_node (graph, PARE_DOMAIN, "SoftmaxCrossEntropy", "", NULL);
  PareValue *value = pare_graph_add_value_near (graph, "loss");

  pare_node_add_input (node, output);
  pare_node_add_input (node, target);
  pare_node_add_output (node, value);
  pare_node_set_attribute (node, pare_attribute_new_float ("label_smoothing", settings->label_smoothing));
  return value;
}

PARE_LOSS (crossentropy)
    = { "cross-entropy", "Cross-entropy of classes, outputs taken as logits.", TRUE, crossentropy_build };
