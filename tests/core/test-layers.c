/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Per-layer settings as text. */
#include "quantize/layers.h"
#include <string.h>

static void
test_settings_are_read (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers
      = pare_quantize_layers_parse (" conv:0:bits=4, per-channel=false ; fc:enable=false;", &error);
  const PareQuantizeLayer *layer;

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (layers), ==, 2);
  layer = g_hash_table_lookup (layers, "conv:0");
  g_assert_nonnull (layer);
  g_assert_cmpint (layer->weight_bits, ==, 4);
  g_assert_cmpint (layer->per_channel, ==, 0);
  /* Nothing was said of it. */
  g_assert_cmpint (layer->enable, ==, -1);
  layer = g_hash_table_lookup (layers, "fc");
  g_assert_nonnull (layer);
  g_assert_cmpint (layer->enable, ==, 0);
}

static void
test_nothing_is_an_empty_table (void)
{
  g_autoptr (GHashTable) layers = pare_quantize_layers_parse (NULL, NULL);

  g_assert_nonnull (layers);
  g_assert_cmpuint (g_hash_table_size (layers), ==, 0);
}

static void
test_mistakes_are_named (void)
{
  static const struct
  {
    const char *text, *message;
  } cases[] = {
    { "conv", "NAME:SETTING=VALUE" },
    { "conv:bit=4", "did you mean 'bits'" },
    { "conv:bits", "'bits='" },
    { "conv:bits=-4", "'bits=-4'" },
    { "conv:bits=4x", "'bits=4x'" },
    { "conv:enable=no", "true or false" },
    { "a:bits=4;a:bits=5", "stands twice" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (pare_quantize_layers_parse (cases[i].text, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      if (!strstr (error->message, cases[i].message))
        g_error ("%s: %s", cases[i].text, error->message);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layers/settings_are_read", test_settings_are_read);
  g_test_add_func ("/layers/nothing_is_an_empty_table", test_nothing_is_an_empty_table);
  g_test_add_func ("/layers/mistakes_are_named", test_mistakes_are_named);
  return g_test_run ();
}
