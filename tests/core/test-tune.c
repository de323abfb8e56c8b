/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The tuner on a network in which one layer does not bear 4 bits: eight layers pass their data on, and the fifth tells
 * the classes apart by weights that are small beside one that is the same for all. */
#include "exec/executor.h"
#include "graph/overrides.h"
#include "net.h"
#include "quantize/layers.h"
#include "rounding/rounding.h"
#include "tune/configuration.h"
#include "tune/evaluation.h"
#include "tune/tune.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define CLASSES 8
#define LAYERS 8
#define SENSITIVE 4
#define SAMPLES 100
#define BATCH 16
#define SMALL 0.03f

static PareValue *
constant (Net *net, const char *name, PareShape shape, const float *data)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, data);

  return pare_graph_add_constant (net->graph, name, tensor);
}

/* Input @i goes to output (i + 1) mod CLASSES but for the first, which stays: integers bear any number of bits. */
static void
fill_rotation (float *w)
{
  for (int i = 0; i < CLASSES; i++)
    w[i * CLASSES + (i ? i % (CLASSES - 1) + 1 : 0)] = 1;
}

/* All outputs get 1 from input 0, which is 1 in all samples, and a little from one other each. */
static void
fill_sensitive (float *w, float *bias)
{
  for (int o = 0; o < CLASSES; o++)
    {
      w[o * CLASSES + o] = SMALL;
      w[o] = 1;
      bias[o] = -1;
    }
}

static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, CLASSES));

  x->range = (PareRange){ 0, 1 };
  for (int l = 0; l < LAYERS; l++)
    {
      float w[CLASSES * CLASSES] = { 0 }, bias[CLASSES] = { 0 };
      g_autofree char *name = g_strdup_printf ("layer%d", l), *wn = g_strdup_printf ("w%d", l);
      g_autofree char *bn = g_strdup_printf ("b%d", l), *rn = g_strdup_printf ("r%d", l);
      if (l == SENSITIVE)
        fill_sensitive (w, bias);
      else
        fill_rotation (w);
      x = OP (&net, "Gemm", name, x, constant (&net, wn, pare_shape_of (2, CLASSES, CLASSES), w),
              constant (&net, bn, pare_shape_of (1, CLASSES), bias));
      x->range = (PareRange){ 0, l < SENSITIVE ? 1 : 2 * SMALL };
      if (l == LAYERS - 1)
        break;
      x = OP (&net, "Relu", rn, x);
      x->range = (PareRange){ 0, l < SENSITIVE ? 1 : 2 * SMALL };
    }
  net_output (&net, x);
  return g_object_ref (net.graph);
}

/* Different multiples of 32/255 in random order behind a 1, so that 8 bits lose nothing of them. */
static void
fill_sample (GRand *random, float *x)
{
  x[0] = 1;
  for (int i = 1; i < CLASSES; i++)
    x[i] = 32.f * i / 255;
  for (int i = CLASSES - 1; i > 1; i--)
    {
      int j = g_rand_int_range (random, 1, i + 1);
      float swap = x[i];
      x[i] = x[j];
      x[j] = swap;
    }
}

static gint64
class_of (PareGraph *graph, const float *x)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  PareShape shape = pare_shape_of (2, 1, CLASSES);
  g_autoptr (PareTensor) input = pare_tensor_new_floats (&shape, x), output = NULL;
  g_autoptr (GError) error = NULL;

  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return pare_metric_class (pare_tensor_data (output), CLASSES);
}

static PareSamples *
samples_new (PareGraph *graph, gboolean labelled)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  PareSamples *samples = pare_samples_new (labelled ? 2 : 1, 1 << 20);
  g_autoptr (GError) error = NULL;

  for (int first = 0; first < SAMPLES; first += BATCH)
    {
      int n = MIN (BATCH, SAMPLES - first);
      float x[BATCH * CLASSES];
      gint64 labels[BATCH];
      PareShape shape = pare_shape_of (2, n, CLASSES);
      g_autoptr (PareTensor) inputs = NULL, classes = NULL;
      for (int i = 0; i < n; i++)
        {
          fill_sample (random, x + i * CLASSES);
          labels[i] = class_of (graph, x + i * CLASSES);
        }
      inputs = pare_tensor_new_floats (&shape, x);
      classes = pare_tensor_new_int64s (n, labels);
      pare_samples_add (samples, (PareTensor *[]){ inputs, classes }, 2, n, &error);
      g_assert_no_error (error);
    }
  return samples;
}

typedef struct
{
  PareGraph *graph;
  PareSamples *samples;
  PareTuneSettings settings;
  PareTuneResult result;
  GError *error;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer labelled)
{
  fixture->graph = network ();
  fixture->samples = samples_new (fixture->graph, GPOINTER_TO_INT (labelled));
  pare_tune_settings_init (&fixture->settings);
  fixture->settings.quantize.bits = 4;
  fixture->settings.sensitivity_samples = 10;
}

static void
teardown (Fixture *fixture, gconstpointer labelled)
{
  g_object_unref (fixture->graph);
  pare_samples_free (fixture->samples);
  g_clear_error (&fixture->error);
}

static gboolean
tune (Fixture *fixture)
{
  return pare_graph_tune (fixture->graph, fixture->samples, &fixture->settings, NULL, NULL, &fixture->result,
                          &fixture->error);
}

/* The number under @name that the tuner's last entry for @layer with @action has; NaN without one. */
static double
recorded (const Fixture *fixture, const char *layer, const char *action, const char *name)
{
  double value = NAN;

  for (guint i = 0; i < pare_record_length (fixture->graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (fixture->graph->record, i);
      if (strcmp (pare_record_entry_stage (entry), "graphtuner") == 0
          && strcmp (pare_record_entry_layer (entry), layer) == 0
          && strcmp (pare_record_entry_action (entry), action) == 0)
        pare_record_entry_number (entry, name, &value);
    }
  return value;
}

/* Whether all but the sensitive layer have 4 bits: 8 at the edges. */
static void
assert_only_one_is_raised (const Fixture *fixture)
{
  for (int l = 0; l < LAYERS; l++)
    {
      g_autofree char *name = g_strdup_printf ("layer%d", l);
      gboolean eight = l == 0 || l == LAYERS - 1 || l == SENSITIVE;
      g_assert_cmpfloat (recorded (fixture, name, "chosen", "weight_bits"), ==, eight ? 8 : 4);
    }
  g_assert_cmpuint (fixture->result.raised, ==, 1);
  g_assert_cmpuint (fixture->result.layers, ==, LAYERS);
}

/* One of the float network, a part of one to begin with, 1.4 for 14 options on 10 samples each, two hits. */
static void
test_one_sensitive_layer_is_found (Fixture *fixture, gconstpointer labelled)
{
  tune (fixture);
  g_assert_no_error (fixture->error);
  assert_only_one_is_raised (fixture);
  g_assert_true (fixture->result.met);
  g_assert_cmpfloat (fixture->result.drop, <=, 0.1);
  g_assert_cmpfloat (fixture->result.evaluations, <=, 5);
  g_assert_cmpfloat (recorded (fixture, "layer4", "ranked", "rank"), ==, 1);
}

static void
test_a_target_that_is_met_at_once_takes_two_evaluations (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.quantize.bits = 8;
  tune (fixture);
  g_assert_no_error (fixture->error);
  g_assert_cmpfloat (fixture->result.evaluations, ==, 2);
  g_assert_cmpuint (fixture->result.raised, ==, 0);
}

static void
test_a_ladder_to_float_needs_no_8_bits (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.ladder = "float";
  tune (fixture);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->result.raised, ==, 1);
  g_assert_cmpfloat (recorded (fixture, "layer4", "chosen", "weight_bits"), ==, 0);
}

/* Whatever is quantized changes the outputs a little. */
static void
test_an_exact_target_leaves_all_in_float (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.metric = "sqnr";
  fixture->settings.target_drop = 0;
  tune (fixture);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->result.raised, ==, LAYERS);
  g_assert_cmpfloat (fixture->result.drop, ==, 0);
  g_assert_cmpfloat (recorded (fixture, "layer0", "chosen", "weight_bits"), ==, 0);
}

/* The scores of 4 bits are coarse whatever the activations are: the step is taken, and then the next one. */
static void
test_a_ladder_passes_16_bits_of_activations (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.ladder = "16,8";
  fixture->settings.max_evaluations = 20;
  tune (fixture);
  g_assert_no_error (fixture->error);
  g_assert_true (isfinite (recorded (fixture, "layer4", "ranked", "sensitivity_w4a16")));
  g_assert_true (isfinite (recorded (fixture, "layer4", "ranked", "sensitivity_w8a16")));
  g_assert_cmpfloat (recorded (fixture, "layer4", "chosen", "weight_bits"), ==, 8);
  g_assert_cmpfloat (recorded (fixture, "layer4", "chosen", "activation_bits"), ==, 16);
}

static void
test_an_impossible_target_is_an_error (Fixture *fixture, gconstpointer labelled)
{
  guint nodes = fixture->graph->nodes->len;

  fixture->settings.ladder = "5";
  g_assert_false (tune (fixture));
  g_assert_error (fixture->error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (fixture->error->message, "end of the ladder '5'"));
  g_assert_cmpuint (fixture->graph->nodes->len, ==, nodes);
}

static void
test_a_miss_can_be_allowed (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.ladder = "5";
  fixture->settings.allow_miss = TRUE;
  g_assert_true (tune (fixture));
  g_assert_false (fixture->result.met);
  /* Measured to the end, not up to the target. */
  g_assert_cmpfloat (fixture->result.drop, >, 50);
}

static void
test_evaluations_are_bounded (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.max_evaluations = 1.01;
  fixture->settings.ladder = "8";
  g_assert_false (tune (fixture));
  g_assert_nonnull (strstr (fixture->error->message, "max-evaluations"));
}

static void
test_top1_needs_labels (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.metric = "top1";
  g_assert_false (tune (fixture));
  g_assert_error (fixture->error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (fixture->error->message, "'top1' needs labels"));
}

static void
test_an_unknown_layer_is_an_error (Fixture *fixture, gconstpointer labelled)
{
  g_autoptr (GHashTable) layers = pare_quantize_layers_parse ("layer44:bits=8", NULL);

  fixture->settings.quantize.layers = layers;
  g_assert_false (tune (fixture));
  g_assert_error (fixture->error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (fixture->error->message, "layer4"));
}

/* What the user says of a layer stays. */
static void
test_layers_with_given_bits_are_not_tuned (Fixture *fixture, gconstpointer labelled)
{
  g_autoptr (GHashTable) layers = pare_quantize_layers_parse ("layer4:bits=8;layer2:enable=false", NULL);

  fixture->settings.quantize.layers = layers;
  tune (fixture);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->result.layers, ==, LAYERS - 2);
  g_assert_cmpuint (fixture->result.raised, ==, 0);
}

static void
test_names_are_checked (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.sensitivity = "cosin";
  g_assert_false (tune (fixture));
  g_assert_nonnull (strstr (fixture->error->message, "cosine"));
  g_clear_error (&fixture->error);
  fixture->settings.sensitivity = NULL;
  fixture->settings.ladder = "9";
  g_assert_false (tune (fixture));
  g_assert_nonnull (strstr (fixture->error->message, "a step '9'"));
}

static gboolean
stop_after_a_while (guint64 done, guint64 total, gpointer user_data)
{
  g_assert_cmpuint (done, <=, total);
  return done < SAMPLES + 20;
}

static void
test_work_can_be_cancelled (Fixture *fixture, gconstpointer labelled)
{
  guint nodes = fixture->graph->nodes->len;

  g_assert_false (pare_graph_tune (fixture->graph, fixture->samples, &fixture->settings, stop_after_a_while, NULL, NULL,
                                   &fixture->error));
  g_assert_nonnull (fixture->error);
  g_assert_cmpuint (fixture->graph->nodes->len, ==, nodes);
}

/* Every ranking that there is finds the one layer. */
static void
test_every_sensitivity_ranks_it_first (Fixture *fixture, gconstpointer labelled)
{
  for (const PareMetric *const *metric = pare_metrics (); *metric; metric++)
    {
      g_autoptr (PareGraph) graph = network ();
      g_set_object (&fixture->graph, graph);
      fixture->settings.sensitivity = (*metric)->name;
      tune (fixture);
      g_assert_no_error (fixture->error);
      g_assert_cmpfloat (recorded (fixture, "layer4", "ranked", "rank"), ==, 1);
      assert_only_one_is_raised (fixture);
    }
}

/* Noise over variance of the outputs with one layer quantized, computed here. */
static void
test_sensitivity_is_measured_end_to_end (Fixture *fixture, gconstpointer labelled)
{
  g_autoptr (PareGraph) floats = network (), quantized = network ();
  g_autoptr (PareExecutor) before = pare_executor_new (floats), after = NULL;
  g_autoptr (GPtrArray) batch = NULL;
  const char *others[] = { "layer0", "layer1", "layer2", "layer3", "layer5", "layer6", "layer7", NULL };
  PareQuantizeSettings settings = fixture->settings.quantize;
  g_autoptr (PareTensor) y = NULL, z = NULL;
  double noise = 0, sum = 0, squares = 0;

  tune (fixture);
  g_assert_no_error (fixture->error);
  settings.skip_layers = others;
  g_assert_true (pare_graph_quantize (quantized, &settings, NULL));
  after = pare_executor_new (quantized);
  batch = pare_samples_stack (fixture->samples, (guint64[]){ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 10, NULL);
  g_assert_true (pare_executor_run (before, (PareTensor **)batch->pdata, 1, &y, NULL));
  g_assert_true (pare_executor_run (after, (PareTensor **)batch->pdata, 1, &z, NULL));
  for (int i = 0; i < 10 * CLASSES; i++)
    {
      double a = pare_tensor_get_double (y, i), b = pare_tensor_get_double (z, i);
      noise += (a - b) * (a - b);
      sum += a;
      squares += a * a;
    }
  g_assert_cmpfloat_with_epsilon (recorded (fixture, "layer4", "ranked", "sensitivity_w4"),
                                  100 * noise / (squares - sum * sum / (10 * CLASSES)), 1e-3);
}

/* 8 layers of 64 weights: 4 bits for all are 256 bytes, and there is room for one layer of 8. */
static void
test_a_size_goes_to_the_sensitive_layer (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.budget = PARE_TUNE_BUDGET_SIZE;
  fixture->settings.limit = 288;
  fixture->settings.candidates = "4,8";
  tune (fixture);
  g_assert_no_error (fixture->error);
  g_assert_cmpfloat (recorded (fixture, "", "shared out", "used"), ==, 288);
  g_assert_cmpfloat (recorded (fixture, "layer4", "chosen", "weight_bits"), ==, 8);
  g_assert_cmpfloat (recorded (fixture, "layer0", "chosen", "weight_bits"), ==, 4);
  g_assert_cmpuint (fixture->result.raised, ==, 1);
}

static void
test_a_budget_that_is_too_small_is_an_error (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.budget = PARE_TUNE_BUDGET_BITOPS;
  fixture->settings.limit = 0.03; /* 4 x 8 of 32 x 32 is 0.03125 */
  g_assert_false (tune (fixture));
  g_assert_error (fixture->error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (fixture->error->message, "take 0.03125"));
}

/* What is written quantizes a network the same way. */
static void
test_the_configuration_can_be_read_again (Fixture *fixture, gconstpointer labelled)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "layers", NULL), *reference = g_strconcat ("@", path, NULL);
  g_autoptr (PareGraph) again = network ();
  g_autoptr (GHashTable) layers = NULL;
  PareQuantizeSettings settings = fixture->settings.quantize;

  fixture->settings.configuration = path;
  tune (fixture);
  g_assert_no_error (fixture->error);
  layers = pare_quantize_layers_parse (reference, &fixture->error);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (g_hash_table_size (layers), ==, LAYERS);
  settings.layers = layers;
  g_assert_true (pare_graph_quantize (again, &settings, NULL));
  g_assert_cmpuint (again->values->len, ==, fixture->graph->values->len);
  for (guint i = 0; i < again->values->len; i++)
    {
      const PareValue *a = again->values->pdata[i], *b = fixture->graph->values->pdata[i];
      g_assert_cmpstr (a->name, ==, b->name);
      g_assert_true (!a->constant || pare_tensor_equal (a->constant, b->constant));
    }
  g_unlink (path);
  g_rmdir (folder);
}

/* Weights that do not lie on a grid of few bits. */
static void
make_rough (PareGraph *graph)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      g_autoptr (PareTensor) tensor = NULL;
      float w[CLASSES * CLASSES];
      if (!value->constant || value->constant->shape.rank != 2)
        continue;
      for (int k = 0; k < CLASSES * CLASSES; k++)
        w[k] = pare_tensor_get_double (value->constant, k) + g_rand_double_range (random, -0.02, 0.02);
      tensor = pare_tensor_new_floats (&value->constant->shape, w);
      pare_value_set_constant (value, tensor);
    }
}

/* What was chosen, as users write it. */
static GHashTable *
chosen_layers (const Fixture *fixture)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (int l = 0; l < LAYERS; l++)
    {
      g_autofree char *name = g_strdup_printf ("layer%d", l);
      g_string_append_printf (text, "%s:bits=%g;", name, recorded (fixture, name, "chosen", "weight_bits"));
    }
  return pare_quantize_layers_parse (text->str, NULL);
}

/* Tunes with gptq by the first 8 samples. The weights are those that graphquantizer and graphrounder make of the same
 * network for the bits that were chosen. */
static void
assert_rounds_like_the_rounder (Fixture *fixture)
{
  g_autoptr (PareSamples) learn = pare_samples_new (1, 1 << 20);
  g_autoptr (GPtrArray) batch = pare_samples_stack (fixture->samples, (guint64[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8, NULL);
  g_autoptr (PareGraph) rounded = NULL;
  g_autoptr (GHashTable) layers = NULL;
  PareQuantizeSettings quantize = fixture->settings.quantize;
  PareRoundingSettings settings;

  make_rough (fixture->graph);
  rounded = pare_graph_copy (fixture->graph);
  pare_samples_add (learn, (PareTensor **)batch->pdata, 1, 8, NULL);
  pare_rounding_settings_init (&settings);
  settings.algorithm = fixture->settings.rounding = "gptq";
  fixture->settings.rounding_samples = 8;
  tune (fixture);
  g_assert_no_error (fixture->error);
  quantize.layers = layers = chosen_layers (fixture);
  g_assert_true (pare_graph_quantize (rounded, &quantize, NULL));
  g_assert_true (pare_graph_round (rounded, NULL, learn, &settings, NULL, NULL, NULL));
  for (int l = 0; l < LAYERS; l++)
    {
      g_autofree char *weight = g_strdup_printf ("w%d", l);
      g_assert_true (pare_tensor_equal (pare_graph_find_value (rounded, weight)->constant,
                                        pare_graph_find_value (fixture->graph, weight)->constant));
    }
}

static void
test_rounded_weights_are_taken_over (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.target_drop = 1000; /* nothing is raised */
  assert_rounds_like_the_rounder (fixture);
}

static void
test_what_a_budget_chose_is_rounded_anew (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.budget = PARE_TUNE_BUDGET_SIZE;
  fixture->settings.limit = 288;
  fixture->settings.candidates = "3,4,8";
  assert_rounds_like_the_rounder (fixture);
  g_assert_cmpuint (fixture->result.raised, >, 0);
}

static void
test_samples_for_rounding_leave_some_to_evaluate_on (Fixture *fixture, gconstpointer labelled)
{
  fixture->settings.rounding = "gptq";
  fixture->settings.rounding_samples = SAMPLES;
  g_assert_false (tune (fixture));
  g_assert_error (fixture->error, PARE_ERROR, PARE_ERROR_NO_DATA);
}

static void
test_a_name_that_cannot_be_written_is_an_error (Fixture *fixture, gconstpointer labelled)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  PareTuneOption option = { .bits = 8 };
  PareTuneLayer layer = { .label = (char *)"a;b", .options = g_array_new (FALSE, FALSE, sizeof option) };

  g_array_append_val (layer.options, option);
  g_ptr_array_add (layers, &layer);
  g_assert_null (pare_configuration_text (layers, (guint8[]){ 0 }, &fixture->settings.quantize, &fixture->error));
  g_assert_error (fixture->error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_array_unref (layer.options);
}

#define ADD(name, labelled)                                                                                            \
  g_test_add ("/tune/" #name #labelled, Fixture, GINT_TO_POINTER (labelled), setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (one_sensitive_layer_is_found, TRUE);
  ADD (one_sensitive_layer_is_found, FALSE);
  ADD (a_target_that_is_met_at_once_takes_two_evaluations, TRUE);
  ADD (a_ladder_to_float_needs_no_8_bits, TRUE);
  ADD (a_ladder_passes_16_bits_of_activations, TRUE);
  ADD (an_exact_target_leaves_all_in_float, FALSE);
  ADD (an_impossible_target_is_an_error, TRUE);
  ADD (a_miss_can_be_allowed, TRUE);
  ADD (evaluations_are_bounded, TRUE);
  ADD (top1_needs_labels, FALSE);
  ADD (an_unknown_layer_is_an_error, TRUE);
  ADD (layers_with_given_bits_are_not_tuned, TRUE);
  ADD (names_are_checked, TRUE);
  ADD (work_can_be_cancelled, TRUE);
  ADD (every_sensitivity_ranks_it_first, TRUE);
  ADD (sensitivity_is_measured_end_to_end, TRUE);
  ADD (a_size_goes_to_the_sensitive_layer, TRUE);
  ADD (a_budget_that_is_too_small_is_an_error, TRUE);
  ADD (the_configuration_can_be_read_again, TRUE);
  ADD (rounded_weights_are_taken_over, TRUE);
  ADD (what_a_budget_chose_is_rounded_anew, TRUE);
  ADD (samples_for_rounding_leave_some_to_evaluate_on, TRUE);
  ADD (a_name_that_cannot_be_written_is_an_error, TRUE);
  return g_test_run ();
}
