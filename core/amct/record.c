/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AMCT's record of scales and offsets, as protobuf text: record { key: "conv" value { scale_d: .. scale_w: .. } }. */
#include "amct/record.h"

PareAmctLayer *
pare_amct_layer_new (const char *key)
{
  PareAmctLayer *layer = g_new0 (PareAmctLayer, 1);

  layer->key = g_strdup (key);
  layer->scale_w = g_array_new (FALSE, FALSE, sizeof (float));
  layer->offset_w = g_array_new (FALSE, FALSE, sizeof (gint32));
  layer->shift_bit = g_array_new (FALSE, FALSE, sizeof (guint32));
  layer->balance = g_array_new (FALSE, FALSE, sizeof (float));
  return layer;
}

void
pare_amct_layer_free (PareAmctLayer *layer)
{
  g_free (layer->key);
  g_array_unref (layer->scale_w);
  g_array_unref (layer->offset_w);
  g_array_unref (layer->shift_bit);
  g_array_unref (layer->balance);
  g_free (layer->dst_type);
  g_free (layer);
}

static void
print_float (GString *text, const char *field, float number)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  /* Nine digits tell every float32 from its neighbours, whatever the locale. */
  g_string_append_printf (text, "    %s: %s\n", field, g_ascii_formatd (digits, sizeof digits, "%.9g", number));
}

static void
print_floats (GString *text, const char *field, const GArray *numbers)
{
  for (guint i = 0; i < numbers->len; i++)
    print_float (text, field, g_array_index (numbers, float, i));
}

/* Of signed and of unsigned numbers: all that may stand here are small. */
static void
print_integers (GString *text, const char *field, const GArray *numbers)
{
  for (guint i = 0; i < numbers->len; i++)
    g_string_append_printf (text, "    %s: %d\n", field, g_array_index (numbers, gint32, i));
}

static void
print_string (GString *text, const char *indent, const char *field, const char *string)
{
  g_autofree char *escaped = g_strescape (string, NULL);

  g_string_append_printf (text, "%s%s: \"%s\"\n", indent, field, escaped);
}

char *
pare_amct_record_print (const GPtrArray *layers)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < layers->len; i++)
    {
      const PareAmctLayer *layer = layers->pdata[i];
      g_string_append (text, "record {\n");
      print_string (text, "  ", "key", layer->key);
      g_string_append (text, "  value {\n");
      if (layer->scale_d > 0)
        {
          print_float (text, "scale_d", layer->scale_d);
          g_string_append_printf (text, "    offset_d: %d\n", layer->offset_d);
        }
      print_floats (text, "scale_w", layer->scale_w);
      print_integers (text, "offset_w", layer->offset_w);
      print_integers (text, "shift_bit", layer->shift_bit);
      print_floats (text, "tensor_balance_factor", layer->balance);
      if (layer->skip_fusion)
        g_string_append (text, "    skip_fusion: true\n");
      if (layer->dst_type)
        print_string (text, "    ", "dst_type", layer->dst_type);
      g_string_append (text, "  }\n}\n");
    }
  return g_string_free (text, FALSE);
}
