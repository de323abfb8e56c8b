/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which layers can be made n:m sparse, and why not the others. */
#include "sparsify/nm-eligible.h"
#include <math.h>

static gboolean
is_finite (const PareTensor *weight)
{
  const float *data = pare_tensor_data (weight);

  for (gint64 i = 0, n = pare_tensor_elements (weight); i < n; i++)
    if (!isfinite (data[i]))
      return FALSE;
  return TRUE;
}

static char *
reason_against_weight (const PareNode *node, const PareNmSettings *settings, const PareWeightTrait *trait)
{
  const PareValue *value = pare_node_input (node, trait->input);
  const PareTensor *weight = value->constant;
  gint64 inputs;

  if (weight->type != PARE_FLOAT32)
    return g_strdup_printf ("its weight is %s, not float32: graphfuser widen=true makes it so",
                            pare_data_type_name (weight->type));
  inputs = weight->shape.dims[trait->in_axis];
  if (trait->in_axis < trait->out_axis && trait->groups > 1)
    inputs /= trait->groups;
  if (inputs == 1 && trait->groups > 1)
    return g_strdup ("it is depthwise: its outputs have one input channel each");
  if (inputs <= settings->n)
    return g_strdup_printf ("it has %" G_GINT64_FORMAT " input channel%s, and %u stay anyway", inputs,
                            inputs == 1 ? "" : "s", settings->n);
  if (inputs != weight->shape.dims[trait->in_axis] && inputs % settings->m)
    return g_strdup_printf ("the %" G_GINT64_FORMAT " input channels of its groups are no multiple of %u", inputs,
                            settings->m);
  if (value->consumers->len != 1)
    return g_strdup ("its weight is read by other nodes too");
  if (!is_finite (weight))
    return g_strdup ("its weight has numbers that are not finite");
  return NULL;
}

gboolean
pare_nm_eligible (const PareNode *node, const PareNmSettings *settings, char **reason, GError **error)
{
  const PareOperator *op = pare_operator_of (node);
  const char *label = pare_node_label (node);
  PareWeightTrait trait;

  *reason = NULL;
  if (!op || !op->weight)
    return FALSE;
  if (!pare_node_weight (node, &trait))
    *reason = g_strdup ("its weight is no constant, or no plain matrix");
  else if (settings->skip_layers && g_strv_contains (settings->skip_layers, label))
    *reason = g_strdup ("skip-layers names it");
  else if (pare_node_input (node, trait.input)->sparsity.mode == PARE_SPARSITY_FILTER)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "Layer '%s' has lost whole channels already, and a layer has one sparsity mode: name it in "
                 "skip-layers.",
                 label);
  else
    return !(*reason = reason_against_weight (node, settings, &trait));
  return FALSE;
}
