/* SPDX-License-Identifier: LGPL-2.1-or-later
 * form=fakequant: float weights behind QuantizeLinear/DequantizeLinear pairs. That is the simulated form as it stands. */
#include "quantize/quantize.h"

static gboolean
fakequant_lower (PareGraph *graph, GError **error)
{
  return TRUE;
}

const PareForm pare_form_fakequant
  = { "fakequant", "Float weights behind QuantizeLinear and DequantizeLinear: for studying the errors.",
      fakequant_lower };
