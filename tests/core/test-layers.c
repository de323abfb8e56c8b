/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Per-layer settings as text. */
#include "graph/overrides.h"
#include "net.h"
#include "quantize/layers.h"
#include "quantize/weight-algorithm.h"
#include <glib/gstdio.h>
#include <string.h>

static void
test_settings_are_read (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers = pare_quantize_layers_parse (" conv:0:bits=4, per-channel=false ; fc:enable=false;"
                                                              "b:activation-bits=16,group-size=32,weight-algorithm=mse",
                                                              &error);
  const PareQuantizeLayer *layer;
  guint n;

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (layers), ==, 3);
  layer = g_hash_table_lookup (layers, "conv:0");
  g_assert_nonnull (layer);
  g_assert_cmpint (layer->weight_bits, ==, 4);
  g_assert_cmpint (layer->per_channel, ==, 0);
  /* Nothing was said of it. */
  g_assert_cmpint (layer->enable, ==, -1);
  layer = g_hash_table_lookup (layers, "fc");
  g_assert_nonnull (layer);
  g_assert_cmpint (layer->enable, ==, 0);
  layer = g_hash_table_lookup (layers, "b");
  g_assert_nonnull (layer);
  g_assert_cmpint (layer->activation_bits, ==, 16);
  g_assert_cmpint (layer->group_size, ==, 32);
  g_assert_cmpstr (pare_weight_algorithms (&n)[layer->weight_algorithm]->name, ==, "mse");
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
    { "conv:", "NAME:SETTING=VALUE" },
    { "conv:bit=4", "did you mean 'bits'" },
    { "conv:bits", "'bits='" },
    { "conv:bits=-4", "'bits=-4'" },
    { "conv:bits=4x", "'bits=4x'" },
    { "conv:bits=17", "a whole number from 2 to 16" },
    { "conv:activation-bits=1", "a whole number from 2 to 16" },
    { "conv:group-size=-1", "a whole number from 0" },
    { "conv:weight-algorithm=arg", "arq" },
    { "conv:enable=no", "true or false" },
    { "a:bits=4;a:bits=5", "stands twice" },
    { "a:enable=false,bits=5", "'a' stays in float" },
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

typedef struct
{
  double ratio;
  int pattern;
} Sparse;

static const char *const patterns[] = { "1:4", "2:4", NULL };
static const PareOverrideField sparse_fields[] = {
  { "ratio", PARE_OVERRIDE_NUMBER, G_STRUCT_OFFSET (Sparse, ratio), .minimum = 0, .maximum = 1 },
  { "pattern", PARE_OVERRIDE_CHOICE, G_STRUCT_OFFSET (Sparse, pattern), .choices = patterns },
};

static GHashTable *
parse_sparse (const char *text, GError **error)
{
  static const Sparse unset = { -1, -1 };

  return pare_overrides_parse (text, sparse_fields, G_N_ELEMENTS (sparse_fields), &unset, sizeof unset, error);
}

static void
test_numbers_and_choices_are_read (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers = parse_sparse ("a:ratio=0.25;b:0:pattern=2:4", &error);
  const Sparse *sparse;

  g_assert_no_error (error);
  sparse = g_hash_table_lookup (layers, "a");
  g_assert_nonnull (sparse);
  g_assert_cmpfloat (sparse->ratio, ==, 0.25);
  g_assert_cmpint (sparse->pattern, ==, -1);
  /* Colons in the layer's name and in the value. */
  sparse = g_hash_table_lookup (layers, "b:0");
  g_assert_nonnull (sparse);
  g_assert_cmpint (sparse->pattern, ==, 1);
}

static void
test_numbers_lie_between_their_bounds (void)
{
  static const char *const texts[] = { "a:ratio=0", "a:ratio=1", "a:ratio=nan", "a:ratio=", "a:ratio=0.5x" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (parse_sparse (texts[i], &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, "a number between 0 and 1"));
    }
}

static void
test_choices_are_listed (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (parse_sparse ("a:pattern=3:4", &error));
  g_assert_cmpstr (error->message, ==, "Layer 'a' has 'pattern=3:4': write one of 1:4, 2:4.");
}

static void
test_layers_are_looked_for_in_the_graph (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GHashTable) there = parse_sparse ("relu:ratio=0.5", NULL);
  g_autoptr (GHashTable) misspelt = parse_sparse ("rellu:ratio=0.5", NULL);
  g_autoptr (GHashTable) unlike = parse_sparse ("classifier:ratio=0.5", NULL);
  g_autoptr (GError) near = NULL, far = NULL;

  OP (&net, "Relu", "relu", net_input (&net, "x", pare_shape_of (2, 1, 4)));
  g_assert_true (pare_overrides_check_layers (there, net.graph, NULL));
  g_assert_true (pare_overrides_check_layers (NULL, net.graph, NULL));
  g_assert_cmpfloat (((const Sparse *)pare_overrides_find (there, "relu"))->ratio, ==, 0.5);
  g_assert_null (pare_overrides_find (misspelt, "relu"));
  g_assert_null (pare_overrides_find (NULL, "relu"));
  g_assert_false (pare_overrides_check_layers (misspelt, net.graph, &near));
  g_assert_cmpstr (near->message, ==, "There is no layer 'rellu': did you mean 'relu'?");
  g_assert_false (pare_overrides_check_layers (unlike, net.graph, &far));
  g_assert_cmpstr (far->message, ==, "There is no layer 'classifier': 'pare inspect' lists them.");
}

static char *
write_settings (const char *text, gssize length)
{
  g_autoptr (GError) error = NULL;
  char *path = NULL;
  int fd = g_file_open_tmp ("pare-layers-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, text, length, NULL));
  return path;
}

/* What @section of a file with @text says; NULL: what stands in front of all. */
static GHashTable *
parse_file (const char *text, gssize length, const char *section, GError **error)
{
  g_autofree char *path = write_settings (text, length);
  g_autofree char *reference = g_strconcat ("@", path, section ? "#" : NULL, section, NULL);
  GHashTable *layers = pare_quantize_layers_parse (reference, error);

  g_unlink (path);
  return layers;
}

static void
test_file_holds_a_layer_in_each_line (void)
{
  static const char text[] = "# of all stages\n[graphsparsifier]\nconv: ratio=0.5\n\n"
                             " [graphquantizer]\r\nconv#1:0: bits=4, per-channel=false # why\n  fc:enable=false\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers = parse_file (text, -1, "graphquantizer", &error);
  g_autoptr (GHashTable) plain = parse_file ("conv:bits=3", -1, NULL, &error);
  const PareQuantizeLayer *layer;

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (layers), ==, 2);
  layer = pare_overrides_find (layers, "conv#1:0");
  g_assert_nonnull (layer);
  g_assert_cmpint (layer->weight_bits, ==, 4);
  g_assert_cmpint (layer->per_channel, ==, 0);
  layer = pare_overrides_find (layers, "fc");
  g_assert_cmpint (layer->enable, ==, 0);
  layer = pare_overrides_find (plain, "conv");
  g_assert_cmpint (layer->weight_bits, ==, 3);
}

static void
test_mistakes_in_files_are_named (void)
{
  static const struct
  {
    const char *text;
    gssize length;
    const char *section, *message;
  } cases[] = {
    { "[graphquantiser]\na:bits=4", -1, "graphquantizer", "no section [graphquantizer], but graphquantiser" },
    { "a:bits=4", -1, "graphquantizer", "no section [graphquantizer]" },
    { "[graphquantizer]\na:bits=4", -1, NULL, "SECTION" },
    { "[graphquantizer]\na:bits=4\nb:bit=4", -1, "graphquantizer", "did you mean 'bits'" },
    { "[graphquantizer]\na:bits=4\na:bits=5", -1, "graphquantizer", "stands twice" },
    { "a:bits=4\0b:bits=4", 17, NULL, "UTF-8" },
    { "\xff\xfe", -1, NULL, "UTF-8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (parse_file (cases[i].text, cases[i].length, cases[i].section, &error));
      g_assert_nonnull (error);
      if (!strstr (error->message, cases[i].message))
        g_error ("%s: %s", cases[i].text, error->message);
    }
}

static void
test_files_that_cannot_be_read_are_errors (void)
{
  g_autofree char *large = g_strnfill ((1 << 20) + 1, '\n');
  g_autoptr (GError) missing = NULL, folder = NULL, too_large = NULL;

  g_assert_null (pare_quantize_layers_parse ("@/there/is/no/such.file#graphquantizer", &missing));
  g_assert_error (missing, PARE_ERROR, PARE_ERROR_NOT_FOUND);
  g_assert_null (pare_quantize_layers_parse ("@/dev#graphquantizer", &folder));
  g_assert_error (folder, PARE_ERROR, PARE_ERROR_DECODE);
  g_assert_null (parse_file (large, -1, NULL, &too_large));
  g_assert_error (too_large, PARE_ERROR, PARE_ERROR_DECODE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layers/settings_are_read", test_settings_are_read);
  g_test_add_func ("/layers/nothing_is_an_empty_table", test_nothing_is_an_empty_table);
  g_test_add_func ("/layers/mistakes_are_named", test_mistakes_are_named);
  g_test_add_func ("/layers/numbers_and_choices_are_read", test_numbers_and_choices_are_read);
  g_test_add_func ("/layers/numbers_lie_between_their_bounds", test_numbers_lie_between_their_bounds);
  g_test_add_func ("/layers/choices_are_listed", test_choices_are_listed);
  g_test_add_func ("/layers/layers_are_looked_for_in_the_graph", test_layers_are_looked_for_in_the_graph);
  g_test_add_func ("/layers/file_holds_a_layer_in_each_line", test_file_holds_a_layer_in_each_line);
  g_test_add_func ("/layers/mistakes_in_files_are_named", test_mistakes_in_files_are_named);
  g_test_add_func ("/layers/files_that_cannot_be_read_are_errors", test_files_that_cannot_be_read_are_errors);
  return g_test_run ();
}
