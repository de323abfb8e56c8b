/* SPDX-License-Identifier: LGPL-2.1-or-later
 * From choices to settings of single layers, and to the text that users write these in. */
#include "tune/configuration.h"
#include "graph/overrides.h"
#include "quantize/layers.h"
#include "quantize/weight-algorithm.h"
#include <string.h>

static const PareTuneOption *
chosen (const PareTuneLayer *layer, guint8 choice)
{
  return &g_array_index (layer->options, PareTuneOption, choice);
}

GHashTable *
pare_configuration_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
pare_configuration_insert (GHashTable *table, const char *label, const PareQuantizeLayer *layer)
{
  g_hash_table_insert (table, g_strdup (label), g_memdup2 (layer, sizeof *layer));
}

PareQuantizeLayer
pare_configuration_layer (const PareTuneLayer *layer, const PareTuneOption *option,
                          const PareQuantizeSettings *settings)
{
  const PareQuantizeLayer *said = pare_overrides_find (settings->layers, layer->label);
  PareQuantizeLayer override = PARE_QUANTIZE_LAYER_UNSET;

  if (said)
    override = *said;
  if (option->activation_bits)
    override.activation_bits = (int)option->activation_bits;
  if (option->bits)
    override.weight_bits = (int)option->bits;
  else
    override.enable = 0;
  return override;
}

GHashTable *
pare_configuration_table (GPtrArray *layers, const guint8 *choice, const PareQuantizeSettings *settings)
{
  GHashTable *table = pare_configuration_table_new ();
  GHashTableIter iter;
  gpointer label, said;

  if (settings->layers)
    {
      g_hash_table_iter_init (&iter, settings->layers);
      while (g_hash_table_iter_next (&iter, &label, &said))
        pare_configuration_insert (table, label, said);
    }
  for (guint i = 0; i < layers->len; i++)
    {
      const PareTuneLayer *layer = layers->pdata[i];
      PareQuantizeLayer override = pare_configuration_layer (layer, chosen (layer, choice[i]), settings);
      pare_configuration_insert (table, layer->label, &override);
    }
  return table;
}

static void
append_setting (GString *text, const char *name, const char *value)
{
  g_string_append_printf (text, "%s%s=%s", g_str_has_suffix (text->str, ":") ? " " : ", ", name, value);
}

static void
append_number (GString *text, const char *name, int number)
{
  g_autofree char *value = g_strdup_printf ("%d", number);

  if (number >= 0)
    append_setting (text, name, value);
}

static void
append_truth (GString *text, const char *name, int truth)
{
  if (truth >= 0)
    append_setting (text, name, truth ? "true" : "false");
}

static void
append_layer (GString *text, const char *label, const PareQuantizeLayer *layer)
{
  guint n;

  g_string_append_printf (text, "%s:", label);
  append_truth (text, "enable", layer->enable);
  append_number (text, "bits", layer->weight_bits);
  append_number (text, "activation-bits", layer->activation_bits);
  append_truth (text, "per-channel", layer->per_channel);
  append_number (text, "group-size", layer->group_size);
  if (layer->weight_algorithm >= 0)
    append_setting (text, "weight-algorithm", pare_weight_algorithms (&n)[layer->weight_algorithm]->name);
  append_truth (text, "symmetric", layer->symmetric);
  g_string_append_c (text, '\n');
}

/* A number sign at the beginning of a name or of a word in it. */
static gboolean
begins_comment (const char *label)
{
  for (const char *at = label; (at = strchr (at, '#')); at++)
    if (at == label || g_ascii_isspace (at[-1]))
      return TRUE;
  return FALSE;
}

/* Whether the quantizer would read of @label what was written; some characters end a name. */
static gboolean
check_line (const char *line, const char *label, GError **error)
{
  g_autoptr (GHashTable) table = NULL;
  gboolean unfit = strpbrk (label, ";\n\r") || *label == '@' || begins_comment (label);

  table = unfit ? NULL : pare_quantize_layers_parse (line, NULL);
  if (table && pare_overrides_find (table, label))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "The name of layer '%s' cannot be written into a file of settings: leave configuration unset.", label);
  return FALSE;
}

char *
pare_configuration_text (GPtrArray *layers, const guint8 *choice, const PareQuantizeSettings *settings, GError **error)
{
  g_autoptr (GHashTable) table = pare_configuration_table (layers, choice, settings);
  g_autoptr (GList) labels = g_list_sort (g_hash_table_get_keys (table), (GCompareFunc)strcmp);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
                          "# For graphquantizer bits=%u activation-bits=%u edge-bits=%u, all other settings as\n"
                          "# they were: layers=@THIS-FILE\n",
                          settings->bits, settings->activation_bits, settings->edge_bits);
  for (GList *l = labels; l; l = l->next)
    {
      g_autoptr (GString) line = g_string_new (NULL);
      append_layer (line, l->data, g_hash_table_lookup (table, l->data));
      if (!check_line (line->str, l->data, error))
        return NULL;
      g_string_append (text, line->str);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
