/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What is said of single layers reaches the values that they read, with what is only moved on the way. */
#include "calibrate/layers.h"
#include "net.h"
#include <string.h>

/* x -> first -> MaxPool -> second, and the pool's result into third, too. */
static void
build (Net *net)
{
  PareValue *x = net_input (net, "x", pare_shape_of (4, 1, 2, 8, 8));
  PareValue *first = OP (net, "Conv", "first", x, net_random (net, "w1", pare_shape_of (4, 2, 2, 1, 1), -1, 1));
  PareValue *pool = OP (net, "MaxPool", "pool", first);

  net_set_ints (pool, "kernel_shape", 2, (gint64[]){ 2, 2 });
  net_output (net, OP (net, "Conv", "second", pool, net_random (net, "w2", pare_shape_of (4, 2, 2, 1, 1), -1, 1)));
  net_output (net, OP (net, "Conv", "third", pool, net_random (net, "w3", pare_shape_of (4, 2, 2, 1, 1), -1, 1)));
}

static GHashTable *
values_of (Net *net, GHashTable *layers, GError **error)
{
  return pare_calibrate_layers_values (net->graph, layers, error);
}

static void
test_settings_reach_what_a_layer_reads (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GHashTable) layers = pare_calibrate_layers_parse ("second:algorithm=ifmr,percentile=100,bins=512", NULL);
  g_autoptr (GHashTable) values = NULL;
  PareObserverSettings settings = { .bins = 2048, .bits = 8, .percentile = 99, .momentum = 0.9 };
  const PareObserver *observer = pare_observer_find ("minmax", NULL);

  g_assert_nonnull (layers);
  build (&net);
  values = values_of (&net, layers, NULL);
  g_assert_cmpuint (g_hash_table_size (values), ==, 2);
  g_assert_true (g_hash_table_contains (values, pare_graph_find_value (net.graph, "pool")));
  pare_calibrate_layer_apply (NULL, &observer, &settings);
  g_assert_cmpstr (observer->name, ==, "minmax");
  pare_calibrate_layer_apply (g_hash_table_lookup (values, pare_graph_find_value (net.graph, "first")), &observer,
                              &settings);
  g_assert_cmpstr (observer->name, ==, "ifmr");
  g_assert_cmpuint (settings.bins, ==, 512);
  g_assert_cmpuint (settings.bits, ==, 8);
  g_assert_cmpfloat (settings.percentile, ==, 100);
  g_assert_cmpfloat (settings.momentum, ==, 0.9);
}

static void
test_one_value_has_one_range (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GHashTable) same = pare_calibrate_layers_parse ("second:bins=512;third:bins=512", NULL);
  g_autoptr (GHashTable) other = pare_calibrate_layers_parse ("second:bins=512;third:bins=64", NULL);
  g_autoptr (GHashTable) unknown = pare_calibrate_layers_parse ("thrd:bins=64", NULL);
  g_autoptr (GHashTable) values = NULL;
  g_autoptr (GError) error = NULL;

  build (&net);
  values = values_of (&net, same, NULL);
  g_assert_nonnull (values);
  g_assert_null (values_of (&net, other, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'third'"));
  g_clear_error (&error);
  g_assert_null (values_of (&net, unknown, &error));
  g_assert_nonnull (strstr (error->message, "did you mean 'third'"));
}

static void
test_impossible_settings_name_the_layer (void)
{
  static const char *const cases[]
      = { "a:percentile=100.1", "a:percentile=49", "a:bins=15", "a:algorithm=none", "a:search-low=1.1", "a:bts=8" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (pare_calibrate_layers_parse (cases[i], &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, "'a'"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calibrate-layers/settings-reach-what-a-layer-reads", test_settings_reach_what_a_layer_reads);
  g_test_add_func ("/calibrate-layers/one-value-has-one-range", test_one_value_has_one_range);
  g_test_add_func ("/calibrate-layers/impossible-settings-name-the-layer", test_impossible_settings_name_the_layer);
  return g_test_run ();
}
