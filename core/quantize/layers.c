/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Per-layer settings as a user writes them. */
#include "quantize/layers.h"
#include <string.h>

typedef struct
{
  const char *name;
  gsize field;
  gboolean boolean;
} Setting;

static const Setting settings[] = {
  { "enable", G_STRUCT_OFFSET (PareQuantizeLayer, enable), TRUE },
  { "bits", G_STRUCT_OFFSET (PareQuantizeLayer, weight_bits), FALSE },
  { "per-channel", G_STRUCT_OFFSET (PareQuantizeLayer, per_channel), TRUE },
};

static const char *const setting_names[] = { "enable", "bits", "per-channel", NULL };

static const Setting *
find_setting (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (strcmp (settings[i].name, name) == 0)
      return &settings[i];
  return NULL;
}

static gboolean
parse_value (const Setting *setting, const char *text, int *value)
{
  guint64 number;

  if (setting->boolean)
    {
      *value = strcmp (text, "true") == 0;
      return *value || strcmp (text, "false") == 0;
    }
  if (!g_ascii_string_to_unsigned (text, 10, 1, 32, &number, NULL))
    return FALSE;
  *value = number;
  return TRUE;
}

/* One "bits=4". */
static gboolean
parse_setting (PareQuantizeLayer *layer, const char *name, char *text, GError **error)
{
  char *equals = strchr (text, '=');
  const Setting *setting;

  if (equals)
    *equals = '\0';
  g_strstrip (text);
  setting = find_setting (text);
  if (!setting)
    {
      const char *nearest = pare_nearest_name (text, setting_names);
      g_set_error (
          error, PARE_ERROR, PARE_ERROR_SETTINGS,
          "Layer '%s' has the unknown setting '%s': did you mean '%s'? There are enable, bits and per-channel.", name,
          text, nearest ? nearest : setting_names[0]);
      return FALSE;
    }
  if (equals && parse_value (setting, g_strstrip (equals + 1), G_STRUCT_MEMBER_P (layer, setting->field)))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Layer '%s' has '%s=%s': write %s.", name, setting->name,
               equals ? equals + 1 : "", setting->boolean ? "true or false" : "a number of bits");
  return FALSE;
}

/* One "conv1:bits=4,per-channel=false". */
static gboolean
parse_layer (GHashTable *layers, char *text, GError **error)
{
  char *colon = strrchr (text, ':');
  g_autofree PareQuantizeLayer *layer = g_new (PareQuantizeLayer, 1);
  g_auto (GStrv) parts = NULL;

  *layer = (PareQuantizeLayer){ -1, -1, -1 };
  if (!colon)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "'%s' says nothing of a layer: write NAME:SETTING=VALUE, as in conv1:bits=4.", text);
      return FALSE;
    }
  *colon = '\0';
  g_strstrip (text);
  parts = g_strsplit (colon + 1, ",", -1);
  for (char **part = parts; *part; part++)
    if (!parse_setting (layer, text, *part, error))
      return FALSE;
  if (g_hash_table_contains (layers, text))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Layer '%s' stands twice: put its settings together.", text);
      return FALSE;
    }
  g_hash_table_insert (layers, g_strdup (text), g_steal_pointer (&layer));
  return TRUE;
}

GHashTable *
pare_quantize_layers_parse (const char *text, GError **error)
{
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) parts = g_strsplit (text ? text : "", ";", -1);

  for (char **part = parts; *part; part++)
    if (*g_strstrip (*part) && !parse_layer (layers, *part, error))
      return NULL;
  return g_steal_pointer (&layers);
}
