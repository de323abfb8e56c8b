/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of single layers as a user writes them to the quantizer. */
#include "quantize/layers.h"
#include "graph/named.h"
#include "graph/overrides.h"
#include "quantize/weight-algorithm.h"

static gboolean
says_of_integers (const PareQuantizeLayer *layer)
{
  return layer->weight_bits >= 0 || layer->activation_bits >= 0 || layer->per_channel >= 0 || layer->group_size >= 0
         || layer->weight_algorithm >= 0 || layer->symmetric >= 0;
}

/* A stage that puts settings together may well leave a layer in float that has others; who writes that made a mistake.
 */
static gboolean
check_layers (GHashTable *layers, GError **error)
{
  g_autoptr (GList) labels = g_list_sort (g_hash_table_get_keys (layers), (GCompareFunc)g_strcmp0);

  for (const GList *item = labels; item; item = item->next)
    {
      const PareQuantizeLayer *layer = g_hash_table_lookup (layers, item->data);
      if (layer->enable != 0 || !says_of_integers (layer))
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Layer '%s' stays in float by enable=false and has settings of its integers: leave out one of them.",
                   (const char *)item->data);
      return FALSE;
    }
  return TRUE;
}

GHashTable *
pare_quantize_layers_parse (const char *text, GError **error)
{
  static const PareQuantizeLayer unset = PARE_QUANTIZE_LAYER_UNSET;
  guint n;
  g_autofree const char **algorithms = pare_names_of ((const void *const *)pare_weight_algorithms (&n));
#define FIELD(name) G_STRUCT_OFFSET (PareQuantizeLayer, name)
  const PareOverrideField fields[] = {
    { "enable", PARE_OVERRIDE_BOOLEAN, FIELD (enable) },
    { "bits", PARE_OVERRIDE_INTEGER, FIELD (weight_bits), .minimum = 2, .maximum = 16 },
    { "activation-bits", PARE_OVERRIDE_INTEGER, FIELD (activation_bits), .minimum = 2, .maximum = 16 },
    { "per-channel", PARE_OVERRIDE_BOOLEAN, FIELD (per_channel) },
    { "group-size", PARE_OVERRIDE_INTEGER, FIELD (group_size), .minimum = 0, .maximum = G_MAXINT },
    { "weight-algorithm", PARE_OVERRIDE_CHOICE, FIELD (weight_algorithm), .choices = algorithms },
    { "symmetric", PARE_OVERRIDE_BOOLEAN, FIELD (symmetric) },
  };
#undef FIELD
  g_autoptr (GHashTable) layers
      = pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);

  return layers && check_layers (layers, error) ? g_steal_pointer (&layers) : NULL;
}
