/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The quantizer's settings: defaults, checks, and what they say of single layers. */
#include "quantize/settings.h"
#include "graph/overrides.h"

/* Scales per channel exist from the first on, integers of 16 bits and scales per group from the second. */
#define OPSET 13
#define OPSET_WIDE 21

void
pare_quantize_settings_init (PareQuantizeSettings *settings)
{
  *settings = (PareQuantizeSettings){ .bits = 8, .activation_bits = 8, .edge_bits = 8, .per_channel = TRUE };
}

const PareQuantizeLayer *
pare_quantize_settings_layer (const PareQuantizeSettings *settings, const char *label)
{
  return pare_overrides_find (settings->layers, label);
}

gboolean
pare_quantize_settings_per_channel (const PareQuantizeSettings *settings, const char *label)
{
  const PareQuantizeLayer *layer = pare_quantize_settings_layer (settings, label);

  return layer && layer->per_channel >= 0 ? layer->per_channel : settings->per_channel;
}

guint
pare_quantize_settings_group_size (const PareQuantizeSettings *settings, const char *label)
{
  const PareQuantizeLayer *layer = pare_quantize_settings_layer (settings, label);

  if (layer && layer->group_size >= 0)
    return layer->group_size;
  return pare_quantize_settings_per_channel (settings, label) ? settings->group_size : 0;
}

const PareWeightAlgorithm *
pare_quantize_settings_algorithm (const PareQuantizeSettings *settings, const char *label)
{
  const PareQuantizeLayer *layer = pare_quantize_settings_layer (settings, label);
  guint n;

  if (layer && layer->weight_algorithm >= 0)
    return pare_weight_algorithms (&n)[layer->weight_algorithm];
  return settings->weight_algorithm ? settings->weight_algorithm : pare_weight_algorithm_find ("auto", NULL);
}

/* Checks */

static gboolean
are_bits (guint bits)
{
  return (bits >= 2 && bits <= 8) || bits == 16;
}

static gboolean
check_all_bits (const PareQuantizeSettings *settings, GError **error)
{
  const struct
  {
    const char *name;
    guint bits;
  } checks[] = {
    { "bits", settings->bits },
    { "activation-bits", settings->activation_bits },
    { "edge-bits", settings->edge_bits },
  };

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    if (!are_bits (checks[i].bits))
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                     "%s=%u is not possible: write a number from 2 to 8, or 16.", checks[i].name, checks[i].bits);
        return FALSE;
      }
  return TRUE;
}

static gboolean
refuse_layer (GError **error, const char *label, const char *problem)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Layer '%s' %s.", label, problem);
  return FALSE;
}

static gboolean
check_layer (const PareQuantizeSettings *settings, const char *label, const PareQuantizeLayer *layer, GError **error)
{
  if ((layer->weight_bits >= 0 && !are_bits (layer->weight_bits))
      || (layer->activation_bits >= 0 && !are_bits (layer->activation_bits)))
    return refuse_layer (error, label, "has bits that are not possible: write a number from 2 to 8, or 16");
  if (layer->group_size > 0 && !pare_quantize_settings_per_channel (settings, label))
    return refuse_layer (error, label,
                         "has scales per group and one for all channels: leave out group-size or per-channel=false");
  if (settings->weights_only && (layer->activation_bits >= 0 || layer->symmetric >= 0))
    return refuse_layer (error, label,
                         "has settings of activations, which weights-only leaves in float: leave out one");
  if (layer->enable != 0 && settings->skip_layers && g_strv_contains (settings->skip_layers, label))
    return refuse_layer (error, label, "is in skip-layers and has settings in layers: take it out of one of them");
  return TRUE;
}

/* In a fixed order, for one message whatever the hash. */
static gboolean
check_layers (const PareQuantizeSettings *settings, GError **error)
{
  g_autoptr (GList) labels = settings->layers ? g_hash_table_get_keys (settings->layers) : NULL;

  labels = g_list_sort (labels, (GCompareFunc)g_strcmp0);
  for (const GList *item = labels; item; item = item->next)
    if (!check_layer (settings, item->data, g_hash_table_lookup (settings->layers, item->data), error))
      return FALSE;
  return TRUE;
}

static gboolean
check_skips (const PareQuantizeSettings *settings, const PareGraph *graph, GError **error)
{
  const char *const *names = settings->skip_layers;

  for (guint i = 0; names && names[i]; i++)
    {
      if (!pare_graph_find_layer (graph, names[i], error))
        return FALSE;
      for (guint k = 0; k < i; k++)
        if (g_str_equal (names[k], names[i]))
          return refuse_layer (error, names[i], "stands twice in skip-layers: write it once");
    }
  return TRUE;
}

gboolean
pare_quantize_settings_check (const PareQuantizeSettings *settings, const PareGraph *graph, GError **error)
{
  if (settings->group_size && !settings->per_channel)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "group-size=%u and per-channel=false contradict each other: leave out one of them.",
                   settings->group_size);
      return FALSE;
    }
  return check_all_bits (settings, error) && check_skips (settings, graph, error)
         && pare_overrides_check_layers (settings->layers, graph, error) && check_layers (settings, error);
}

static gboolean
is_wide (guint bits, guint activation_bits, guint group_size)
{
  return bits > 8 || activation_bits > 8 || group_size > 0;
}

gint64
pare_quantize_settings_opset (const PareQuantizeSettings *settings)
{
  gboolean wide = is_wide (MAX (settings->bits, settings->edge_bits),
                           settings->weights_only ? 0 : settings->activation_bits, settings->group_size);
  GHashTableIter iter;
  gpointer value;

  if (settings->layers)
    g_hash_table_iter_init (&iter, settings->layers);
  while (settings->layers && g_hash_table_iter_next (&iter, NULL, &value))
    {
      const PareQuantizeLayer *layer = value;
      wide |= is_wide (MAX (layer->weight_bits, 0), MAX (layer->activation_bits, 0), MAX (layer->group_size, 0));
    }
  return wide ? OPSET_WIDE : OPSET;
}
