/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks lose the share of their filters that was asked for, and the record says it. */
#include "network.h"
#include "sparsify/filter.h"
#include "sparsify/nm.h"
#include <string.h>

static PareValue *
conv (Net *net, const char *output, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (output, ".weight", NULL);

  return OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, out, in, 1, 1), -1, 1));
}

/* a and b are added, c stands alone, d gives the output. */
static Net
small_net (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 4, 4));
  PareValue *sum = OP (&net, "Add", "sum", conv (&net, "a", x, 3, 20), conv (&net, "b", x, 3, 20));

  net_output (&net, conv (&net, "d", OP (&net, "Relu", "r", conv (&net, "c", sum, 20, 10)), 10, 5));
  return net;
}

static gint64
filters_of (const Net *net, const char *name)
{
  return pare_node_constant (pare_graph_find_value (net->graph, name)->producer, 1)->shape.dims[0];
}

static const PareRecordEntry *
entry_of (const Net *net, const char *layer)
{
  for (guint i = 0; i < pare_record_length (net->graph->record); i++)
    if (strcmp (pare_record_entry_layer (pare_record_get (net->graph->record, i)), layer) == 0)
      return pare_record_get (net->graph->record, i);
  g_error ("no entry of %s", layer);
}

static double
number_of (const Net *net, const char *layer, const char *name)
{
  double value = -1;

  g_assert_true (pare_record_entry_number (entry_of (net, layer), name, &value));
  return value;
}

static void
sparsify (Net *net, double ratio, guint align, const char *layers)
{
  PareFilterSettings settings = { .ratio = ratio, .align = align, .layers = layers };
  g_autoptr (GError) error = NULL;

  pare_graph_sparsify_filters (net->graph, NULL, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (net->graph);
}

static void
assert_fails (Net *net, const PareFilterSettings *settings, int code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_graph_sparsify_filters (net->graph, NULL, settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
}

/* 16 positions: 16 (20 3 + 20 3 + 10 20 + 5 10) = 5920 before, 16 (10 3 + 10 3 + 5 10 + 5 5) = 2160 after. */
static void
test_half_of_the_filters_goes (void)
{
  g_auto (Net) net = small_net ();

  sparsify (&net, 0.5, 1, NULL);
  g_assert_cmpint (filters_of (&net, "a"), ==, 10);
  g_assert_cmpint (filters_of (&net, "b"), ==, 10);
  g_assert_cmpint (filters_of (&net, "c"), ==, 5);
  g_assert_cmpint (filters_of (&net, "d"), ==, 5);
  g_assert_cmpfloat (number_of (&net, "", "macs_before"), ==, 5920);
  g_assert_cmpfloat (number_of (&net, "", "macs_after"), ==, 2160);
  g_assert_cmpfloat (number_of (&net, "", "parameters_before"), ==, 370);
  g_assert_cmpfloat (number_of (&net, "", "parameters_after"), ==, 135);
}

static void
test_every_layer_is_in_the_record (void)
{
  g_auto (Net) net = small_net ();

  sparsify (&net, 0.25, 1, NULL);
  g_assert_cmpfloat (number_of (&net, "b", "filters_before"), ==, 20);
  g_assert_cmpfloat (number_of (&net, "b", "filters_after"), ==, 15);
  g_assert_cmpstr (pare_record_entry_reason (entry_of (&net, "b")), ==, "together with 'a'");
  g_assert_cmpstr (pare_record_entry_action (entry_of (&net, "c")), ==, "filters removed");
  g_assert_cmpstr (pare_record_entry_action (entry_of (&net, "d")), ==, "left alone");
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (&net, "d")), "output 'd'"));
}

/* Half of 20 is rounded up to 16, and of 10 to all of them. */
static void
test_counts_are_rounded_up_to_the_alignment (void)
{
  g_auto (Net) net = small_net ();

  sparsify (&net, 0.5, 16, NULL);
  g_assert_cmpint (filters_of (&net, "a"), ==, 16);
  g_assert_cmpint (filters_of (&net, "c"), ==, 10);
}

static void
test_layers_have_ratios_of_their_own (void)
{
  g_auto (Net) net = small_net ();

  sparsify (&net, 0.5, 1, "b:ratio=0.2;c:enable=false");
  g_assert_cmpint (filters_of (&net, "a"), ==, 16);
  g_assert_cmpint (filters_of (&net, "c"), ==, 10);
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (&net, "c")), "skip 'c'"));
}

static void
test_filters_that_stay_are_those_of_the_largest_norm (void)
{
  g_auto (Net) net = small_net ();
  g_autoptr (PareTensor) before
      = pare_tensor_ref (pare_node_constant (pare_graph_find_value (net.graph, "c")->producer, 1));
  double largest = 0;
  guint best = 0;
  const float *left;

  for (guint i = 0; i < 10; i++)
    {
      double norm = 0;
      for (guint k = 0; k < 20; k++)
        norm += pare_tensor_get_double (before, i * 20 + k) * pare_tensor_get_double (before, i * 20 + k);
      best = norm > largest ? i : best;
      largest = MAX (norm, largest);
    }
  sparsify (&net, 0.9, 1, "a:enable=false");
  g_assert_cmpint (filters_of (&net, "c"), ==, 1);
  left = pare_tensor_data (pare_node_constant (pare_graph_find_value (net.graph, "c")->producer, 1));
  g_assert_cmpfloat (left[7], ==, (float)pare_tensor_get_double (before, best * 20 + 7));
}

static void
test_impossible_settings_are_errors (void)
{
  g_auto (Net) net = small_net ();
  const char *unknown[] = { "aa", NULL }, *all[] = { "a", "c", NULL };

  assert_fails (&net, &(PareFilterSettings){ .ratio = 0 }, PARE_ERROR_SETTINGS, "ratio 0");
  assert_fails (&net, &(PareFilterSettings){ .ratio = 1 }, PARE_ERROR_SETTINGS, "ratio 1");
  assert_fails (&net, &(PareFilterSettings){ .ratio = 0.5, .skip_layers = unknown }, PARE_ERROR_SETTINGS, "'a'");
  assert_fails (&net, &(PareFilterSettings){ .ratio = 0.5, .layers = "a:ratio=0.2;b:ratio=0.3" }, PARE_ERROR_SETTINGS,
                "share their channels");
  assert_fails (&net, &(PareFilterSettings){ .ratio = 0.5, .skip_layers = all }, PARE_ERROR_SETTINGS,
                "No channel can be removed");
  assert_fails (&net, &(PareFilterSettings){ .ratio = 0.5, .algorithm = "taylor" }, PARE_ERROR_NO_DATA, "samples");
  g_assert_cmpint (filters_of (&net, "a"), ==, 20);
}

static void
test_a_layer_has_one_sparsity_mode (void)
{
  g_auto (Net) net = small_net ();
  g_auto (Net) other = small_net ();
  PareNmSettings nm;
  g_autoptr (GError) error = NULL;

  pare_nm_settings_init (&nm);
  g_assert_true (pare_graph_sparsify_nm (net.graph, NULL, &nm, NULL, NULL, NULL));
  assert_fails (&net, &(PareFilterSettings){ .ratio = 0.5 }, PARE_ERROR_SETTINGS, "one sparsity mode");
  sparsify (&other, 0.5, 1, NULL);
  g_assert_false (pare_graph_sparsify_nm (other.graph, NULL, &nm, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/sparsify-filters/" #name, test_##name)
  ADD (half_of_the_filters_goes);
  ADD (every_layer_is_in_the_record);
  ADD (counts_are_rounded_up_to_the_alignment);
  ADD (layers_have_ratios_of_their_own);
  ADD (filters_that_stay_are_those_of_the_largest_norm);
  ADD (impossible_settings_are_errors);
  ADD (a_layer_has_one_sparsity_mode);
  return g_test_run ();
}
