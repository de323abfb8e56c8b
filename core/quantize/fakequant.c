/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=fakequant: float weights behind QuantizeLinear/DequantizeLinear pairs. That is the simulated form, and integers
 * that a model brought along become floats again. */
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "quantize/shift.h"

static gboolean
fakequant_lower (PareGraph *graph, GError **error)
{
  return pare_graph_lower_shifts (graph, error) && pare_graph_lift_integers (graph, error);
}

const PareForm pare_form_fakequant
  = { "fakequant", "Float weights behind QuantizeLinear and DequantizeLinear: for studying the errors.",
      fakequant_lower };
