/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the rounder refuses, and what it says; and what single layers can be told. */
#include "rounding.h"
#include <math.h>
#include <string.h>

static PareRoundingSettings
defaults (void)
{
  PareRoundingSettings settings;

  pare_rounding_settings_init (&settings);
  return settings;
}

static void
assert_fails (const RoundingNet *net, PareGraph *graph, gboolean sampled, const PareRoundingSettings *settings,
              int code, const char *text)
{
  g_autoptr (PareGraph) copy = pare_graph_copy (graph);
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_graph_round (copy, NULL, sampled ? net->samples : NULL, settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
}

typedef struct
{
  RoundingNet net;
  PareRoundingSettings settings;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  rounding_net_init (&fixture->net, &rounding_cases[3], 4);
  fixture->settings = defaults ();
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  rounding_net_clear (&fixture->net);
}

static void
test_float_network_is_an_error (Fixture *fixture, gconstpointer data)
{
  assert_fails (&fixture->net, fixture->net.floats, TRUE, &fixture->settings, PARE_ERROR_SETTINGS,
                "put the rounder behind graphquantizer");
}

static void
test_impossible_levels_are_an_error (Fixture *fixture, gconstpointer data)
{
  const guint impossible[] = { 0, 1, 257 };

  for (guint i = 0; i < G_N_ELEMENTS (impossible); i++)
    {
      fixture->settings.levels = impossible[i];
      assert_fails (&fixture->net, fixture->net.quantized, TRUE, &fixture->settings, PARE_ERROR_SETTINGS,
                    "from 2 to 256");
    }
}

static void
test_unknown_names_are_errors_with_the_nearest (Fixture *fixture, gconstpointer data)
{
  PareRoundingSettings settings = fixture->settings;

  settings.algorithm = "gtpq";
  assert_fails (&fixture->net, fixture->net.quantized, TRUE, &settings, PARE_ERROR_SETTINGS, "gptq");
  settings = fixture->settings;
  settings.layers = "layr:enable=false";
  assert_fails (&fixture->net, fixture->net.quantized, TRUE, &settings, PARE_ERROR_SETTINGS, "'layer'");
  settings.layers = "layer:algorithm=nearst";
  assert_fails (&fixture->net, fixture->net.quantized, TRUE, &settings, PARE_ERROR_SETTINGS, "nearest");
  settings.layers = NULL;
  settings.skip_layers = (const char *const[]){ "layr", NULL };
  assert_fails (&fixture->net, fixture->net.quantized, TRUE, &settings, PARE_ERROR_SETTINGS, "'layer'");
}

static void
test_methods_that_need_samples_say_so (Fixture *fixture, gconstpointer data)
{
  PareRoundingSettings settings = fixture->settings;

  settings.algorithm = "gptq";
  assert_fails (&fixture->net, fixture->net.quantized, FALSE, &settings, PARE_ERROR_NO_DATA, "link samples");
  settings = fixture->settings;
  settings.bias_correction = PARE_BIAS_CORRECTION_EMPIRICAL;
  assert_fails (&fixture->net, fixture->net.quantized, FALSE, &settings, PARE_ERROR_NO_DATA, "link samples");
}

static void
test_samples_that_are_not_finite_name_the_layer (Fixture *fixture, gconstpointer data)
{
  const float bad[] = { NAN, INFINITY };
  const char *algorithms[] = { "nearest", "gptq", "kmeans" };
  RoundingNet net = fixture->net;

  for (guint b = 0; b < G_N_ELEMENTS (bad); b++)
    for (guint a = 0; a < G_N_ELEMENTS (algorithms); a++)
      {
        g_autoptr (PareSamples) samples = pare_samples_new (1, G_MAXINT32);
        g_autofree float *numbers = g_memdup2 (pare_tensor_data (net.batch), pare_tensor_size (net.batch));
        g_autoptr (PareTensor) batch = NULL;
        numbers[7] = bad[b];
        batch = pare_tensor_new_floats (&net.batch->shape, numbers);
        g_assert_true (pare_samples_add (samples, &batch, 1, ROUNDING_SAMPLES, NULL));
        net.samples = samples;
        fixture->settings.algorithm = algorithms[a];
        assert_fails (&net, net.quantized, TRUE, &fixture->settings, PARE_ERROR_FORMAT, "Node 'layer'");
      }
}

static void
test_kmeans_of_16_bits_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_auto (RoundingNet) net = { 0 };

  rounding_net_init (&net, &rounding_cases[3], 16);
  fixture->settings.algorithm = "kmeans";
  assert_fails (&net, net.quantized, TRUE, &fixture->settings, PARE_ERROR_SETTINGS, "bits=8");
}

/* The value that it should compute has another name there. */
static void
test_teacher_of_another_network_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PareGraph) teacher = pare_graph_copy (fixture->net.floats);
  g_autoptr (GError) error = NULL;

  pare_graph_swap_names (teacher, pare_node_output (pare_graph_find_layer (teacher, "layer", NULL), 0),
                         pare_graph_add_value (teacher, "other"));
  pare_graph_remove_dead (teacher);
  g_assert_false (
      pare_graph_round (fixture->net.quantized, teacher, fixture->net.samples, &fixture->settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "'layer'"));
}

static gboolean
cancel (guint64 done, guint64 total, gpointer calls)
{
  ++*(guint *)calls;
  return FALSE;
}

static void
test_work_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  guint calls = 0;
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_graph_round (fixture->net.quantized, NULL, fixture->net.samples, &fixture->settings, cancel,
                                    &calls, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (calls, ==, 1);
}

static const PareRecordEntry *
entry_of (const PareGraph *graph)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    if (strcmp (pare_record_entry_stage (pare_record_get (graph->record, i)), "graphrounder") == 0)
      return pare_record_get (graph->record, i);
  return NULL;
}

static double
moved (const Fixture *fixture)
{
  g_autoptr (PareGraph) graph = rounding_run (&fixture->net, &fixture->settings, TRUE);
  double number = -1;

  g_assert_true (pare_record_entry_number (entry_of (graph), "moved", &number));
  return number;
}

static void
test_single_layers_stay_at_the_nearest (Fixture *fixture, gconstpointer data)
{
  const char *skipped[] = { "layer", NULL };

  g_assert_cmpfloat (moved (fixture), >, 0);
  fixture->settings.layers = "layer:enable=false";
  g_assert_cmpfloat (moved (fixture), ==, 0);
  fixture->settings.layers = "layer:algorithm=nearest";
  g_assert_cmpfloat (moved (fixture), ==, 0);
  fixture->settings.layers = NULL;
  fixture->settings.skip_layers = skipped;
  g_assert_cmpfloat (moved (fixture), ==, 0);
}

static void
test_record_says_when_memory_does_not_suffice (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PareGraph) graph = NULL;
  double number;

  fixture->settings.memory_limit = 100;
  graph = rounding_run (&fixture->net, &fixture->settings, TRUE);
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (graph)), "raise memory-limit"));
  g_assert_true (pare_record_entry_number (entry_of (graph), "moved", &number));
  g_assert_cmpfloat (number, ==, 0);
}

#define TEST(name, function) g_test_add ("/rounding-errors/" name, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("float-network", test_float_network_is_an_error);
  TEST ("impossible-levels", test_impossible_levels_are_an_error);
  TEST ("unknown-names-with-the-nearest", test_unknown_names_are_errors_with_the_nearest);
  TEST ("methods-that-need-samples", test_methods_that_need_samples_say_so);
  TEST ("samples-that-are-not-finite", test_samples_that_are_not_finite_name_the_layer);
  TEST ("kmeans-of-16-bits", test_kmeans_of_16_bits_is_an_error);
  TEST ("teacher-of-another-network", test_teacher_of_another_network_is_an_error);
  TEST ("work-can-be-cancelled", test_work_can_be_cancelled);
  TEST ("single-layers-stay-at-the-nearest", test_single_layers_stay_at_the_nearest);
  TEST ("memory-does-not-suffice", test_record_says_when_memory_does_not_suffice);
  return g_test_run ();
}
