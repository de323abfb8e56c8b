/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of single layers as a user writes them to the quantizer. */
#include "quantize/layers.h"
#include "graph/overrides.h"

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (PareQuantizeLayer, enable) },
  { "bits", PARE_OVERRIDE_INTEGER, G_STRUCT_OFFSET (PareQuantizeLayer, weight_bits), .minimum = 2, .maximum = 8 },
  { "per-channel", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (PareQuantizeLayer, per_channel) },
};

GHashTable *
pare_quantize_layers_parse (const char *text, GError **error)
{
  static const PareQuantizeLayer unset = { -1, -1, -1 };

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}
