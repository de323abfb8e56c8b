/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of single layers as a user writes them to the quantizer. */
#include "quantize/layers.h"
#include "graph/overrides.h"
#include "quantize/weight-algorithm.h"

/* Names of the algorithms, NULL-terminated, in their order. */
static const char **
algorithm_names (void)
{
  guint n;
  const PareWeightAlgorithm *const *algorithms = pare_weight_algorithms (&n);
  const char **names = g_new0 (const char *, n + 1);

  for (guint i = 0; i < n; i++)
    names[i] = algorithms[i]->name;
  return names;
}

GHashTable *
pare_quantize_layers_parse (const char *text, GError **error)
{
  static const PareQuantizeLayer unset = PARE_QUANTIZE_LAYER_UNSET;
  g_autofree const char **algorithms = algorithm_names ();
#define FIELD(name) G_STRUCT_OFFSET (PareQuantizeLayer, name)
  const PareOverrideField fields[] = {
    { "enable", PARE_OVERRIDE_BOOLEAN, FIELD (enable) },
    { "bits", PARE_OVERRIDE_INTEGER, FIELD (weight_bits), .minimum = 2, .maximum = 16 },
    { "activation-bits", PARE_OVERRIDE_INTEGER, FIELD (activation_bits), .minimum = 2, .maximum = 16 },
    { "per-channel", PARE_OVERRIDE_BOOLEAN, FIELD (per_channel) },
    { "group-size", PARE_OVERRIDE_INTEGER, FIELD (group_size), .minimum = 0, .maximum = G_MAXINT },
    { "weight-algorithm", PARE_OVERRIDE_CHOICE, FIELD (weight_algorithm), .choices = algorithms },
  };
#undef FIELD

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}
