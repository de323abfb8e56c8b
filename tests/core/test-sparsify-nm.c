/* SPDX-License-Identifier: LGPL-2.1-or-later
 * n:m sparsity goes along the input channels of every kind of layer; what cannot be sparse is left alone, with a
 * reason. */
#include "net.h"
#include "exec/executor.h"
#include "ops/operator.h"
#include "sparsify/nm.h"
#include "graph/pattern.h"
#include <math.h>
#include <string.h>

static const PareNmSettings two_of_four = { .n = 2, .m = 4 };

/* Every kind of layer: their input channels are 1 (stem), 8, depthwise, 6 (two groups of 3 inputs), 6, 54, 10. */
static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 1, 6, 6)), *h;

  h = OP (&net, "Conv", "stem", x, net_random (&net, "stem_w", pare_shape_of (4, 8, 1, 3, 3), -1, 1));
  h = OP (&net, "Conv", "wide", h, net_random (&net, "wide_w", pare_shape_of (4, 6, 8, 1, 1), -1, 1));
  h = OP (&net, "Conv", "depthwise", h, net_random (&net, "depthwise_w", pare_shape_of (4, 6, 1, 1, 1), -1, 1));
  pare_node_set_attribute (h->producer, pare_attribute_new_int ("group", 6));
  h = OP (&net, "Conv", "grouped", h, net_random (&net, "grouped_w", pare_shape_of (4, 6, 3, 1, 1), -1, 1));
  pare_node_set_attribute (h->producer, pare_attribute_new_int ("group", 2));
  h = OP (&net, "ConvTranspose", "up", h, net_random (&net, "up_w", pare_shape_of (4, 6, 5, 3, 3), -1, 1));
  h = OP (&net, "GlobalAveragePool", "pooled", h);
  h = OP (&net, "Flatten", "flat", h);
  h = OP (&net, "Gemm", "hidden", h, net_random (&net, "hidden_w", pare_shape_of (2, 10, 5), -1, 1));
  pare_node_set_attribute (h->producer, pare_attribute_new_int ("transB", 1));
  h = OP (&net, "MatMul", "scores", h, net_random (&net, "scores_w", pare_shape_of (2, 10, 3), -1, 1));
  net_output (&net, h);
  return g_object_ref (net.graph);
}

static const PareRecordEntry *
entry_of (const PareGraph *graph, const char *layer)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    if (strcmp (pare_record_entry_layer (pare_record_get (graph->record, i)), layer) == 0)
      return pare_record_get (graph->record, i);
  return NULL;
}

/* In which axis of its weight a layer's input channels are, by the operators' specification. */
static const struct
{
  const char *layer, *weight;
  guint axis;
} sparse[] = {
  { "wide", "wide_w", 1 },     { "grouped", "grouped_w", 1 }, { "up", "up_w", 0 },
  { "hidden", "hidden_w", 1 }, { "scores", "scores_w", 0 },
};

/* Entry @i of line @line along @axis. */
static double
entry (const PareTensor *tensor, guint axis, gint64 line, gint64 i)
{
  gint64 inner = pare_shape_span (&tensor->shape, axis + 1, tensor->shape.rank);

  return pare_tensor_get_double (tensor, (line / inner * tensor->shape.dims[axis] + i) * inner + line % inner);
}

static void
assert_magnitude_pattern (const PareTensor *before, const PareTensor *after, guint axis)
{
  gint64 length = after->shape.dims[axis], lines = pare_tensor_elements (after) / length;

  for (gint64 line = 0; line < lines; line++)
    for (gint64 i = 0; i < length; i += 4)
      {
        gint64 end = MIN (i + 4, length), kept = 0;
        double least = INFINITY, most = 0;
        for (gint64 j = i; j < end; j++)
          {
            double was = entry (before, axis, line, j), is = entry (after, axis, line, j);
            g_assert_true (is == 0 || is == was);
            kept += is != 0;
            if (is != 0)
              least = MIN (least, fabs (was));
            else
              most = MAX (most, fabs (was));
          }
        g_assert_cmpint (kept, ==, MIN (2, end - i));
        g_assert_cmpfloat (least, >=, most);
      }
}

static void
test_every_kind_of_layer_keeps_its_largest (void)
{
  g_autoptr (PareGraph) before = network (), graph = pare_graph_copy (before);
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_graph_sparsify_nm (graph, NULL, &two_of_four, NULL, NULL, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (sparse); i++)
    {
      const PareValue *value = pare_graph_find_value (graph, sparse[i].weight);
      const PareRecordEntry *record = entry_of (graph, sparse[i].layer);
      double kept;
      assert_magnitude_pattern (pare_graph_find_value (before, sparse[i].weight)->constant, value->constant,
                                sparse[i].axis);
      g_assert_cmpint (value->sparsity.mode, ==, PARE_SPARSITY_N_OF_M);
      g_assert_cmpuint (value->sparsity.n, ==, 2);
      g_assert_cmpuint (value->sparsity.m, ==, 4);
      g_assert_cmpuint (value->sparsity.axis, ==, sparse[i].axis);
      g_assert_cmpstr (pare_record_entry_action (record), ==, "made sparse");
      g_assert_true (pare_record_entry_number (record, "kept", &kept));
    }
}

static void
assert_left_alone (const char *layer, const char *weight, const char *why)
{
  g_autoptr (PareGraph) before = network (), graph = pare_graph_copy (before);
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_graph_sparsify_nm (graph, NULL, &two_of_four, NULL, NULL, &error));
  g_assert_true (pare_graph_find_value (graph, weight)->constant == pare_graph_find_value (before, weight)->constant);
  g_assert_cmpint (pare_graph_find_value (graph, weight)->sparsity.mode, ==, PARE_SPARSITY_NONE);
  g_assert_cmpstr (pare_record_entry_action (entry_of (graph, layer)), ==, "left alone");
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (graph, layer)), why));
}

static void
test_few_input_channels_are_left_alone (void)
{
  assert_left_alone ("stem", "stem_w", "1 input channel,");
}

static void
test_depthwise_is_left_alone (void)
{
  assert_left_alone ("depthwise", "depthwise_w", "depthwise");
}

static void
test_one_mode_per_layer (void)
{
  g_autoptr (PareGraph) graph = network ();
  g_autoptr (GError) error = NULL;
  PareNmSettings settings = two_of_four;

  pare_graph_find_value (graph, "wide_w")->sparsity.mode = PARE_SPARSITY_FILTER;
  g_assert_false (pare_graph_sparsify_nm (graph, NULL, &settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'wide'"));
  g_assert_nonnull (strstr (error->message, "one sparsity mode"));
  /* The way out that the message names. */
  g_clear_error (&error);
  settings.skip_layers = (const char *const[]){ "wide", NULL };
  g_assert_true (pare_graph_sparsify_nm (graph, NULL, &settings, NULL, NULL, &error));
}

static void
test_unknown_layers_are_errors (void)
{
  g_autoptr (PareGraph) graph = network ();
  g_autoptr (GError) error = NULL;
  PareNmSettings settings = two_of_four;

  settings.skip_layers = (const char *const[]){ "hiden", NULL };
  g_assert_false (pare_graph_sparsify_nm (graph, NULL, &settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'hidden'"));
}

static void
test_single_layers_have_settings_of_their_own (void)
{
  g_autoptr (PareGraph) graph = network ();
  g_autoptr (GError) error = NULL;
  PareNmSettings settings = two_of_four;

  settings.layers = "hidden:n=1;grouped:enable=false;scores:n=3,m=8";
  g_assert_true (pare_graph_sparsify_nm (graph, NULL, &settings, NULL, NULL, &error));
  g_assert_true (pare_pattern_holds (pare_graph_find_value (graph, "hidden_w")->constant, 1, 1, 4, 0));
  g_assert_true (pare_pattern_holds (pare_graph_find_value (graph, "scores_w")->constant, 0, 3, 8, 0));
  g_assert_false (pare_pattern_holds (pare_graph_find_value (graph, "scores_w")->constant, 0, 2, 4, 0));
  g_assert_cmpuint (pare_graph_find_value (graph, "scores_w")->sparsity.m, ==, 8);
  g_assert_cmpstr (pare_record_entry_action (entry_of (graph, "grouped")), ==, "left alone");
}

static void
test_impossible_settings_of_layers_are_errors (void)
{
  static const struct
  {
    const char *layers, *message;
  } bad[] = {
    { "hidden:n=4", "'hidden' asks for 4:4" },
    { "hiden:n=1", "'hidden'" },
    { "hidden:k=1", "'k'" },
    { "hidden:n=0", "n=0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (PareGraph) before = network (), graph = pare_graph_copy (before);
      g_autoptr (GError) error = NULL;
      PareNmSettings settings = two_of_four;
      settings.layers = bad[i].layers;
      g_assert_false (pare_graph_sparsify_nm (graph, NULL, &settings, NULL, NULL, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, bad[i].message));
      g_assert_true (pare_graph_find_value (graph, "wide_w")->constant
                     == pare_graph_find_value (before, "wide_w")->constant);
    }
}

/* Samples for the network, whose channels have to do with each other. */
static PareSamples *
samples_new (void)
{
  PareSamples *samples = pare_samples_new (1, 1 << 20);
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (4, 16, 1, 6, 6);

  for (guint batch = 0; batch < 8; batch++)
    {
      float x[16 * 36];
      g_autoptr (PareTensor) tensor = NULL;
      for (guint i = 0; i < G_N_ELEMENTS (x); i++)
        x[i] = 0.5 * (i ? x[i - 1] : 0) + g_rand_double_range (random, -1, 1);
      tensor = pare_tensor_new_floats (&shape, x);
      g_assert_true (pare_samples_add (samples, &tensor, 1, 16, &error));
    }
  return samples;
}

/* Mean squared difference of the scores of two networks on the samples, relative to the variance of the first's. */
static double
output_error (PareGraph *original, PareGraph *pruned, PareSamples *samples)
{
  g_autoptr (PareExecutor) first_executor = pare_executor_new (original);
  g_autoptr (PareExecutor) second_executor = pare_executor_new (pruned);
  PareExecutor *executors[] = { first_executor, second_executor };
  g_autoptr (GError) problem = NULL;
  double error = 0, sum = 0, squares = 0;
  guint n = 0;

  for (guint first = 0; first < 128; first += 16)
    {
      guint64 indices[16];
      g_autoptr (GPtrArray) batch = NULL;
      PareTensor *y[2];
      for (guint i = 0; i < 16; i++)
        indices[i] = first + i;
      batch = pare_samples_stack (samples, indices, 16, &problem);
      for (guint k = 0; k < 2; k++)
        g_assert_true (pare_executor_run (executors[k], (PareTensor **)batch->pdata, 1, &y[k], &problem));
      for (gint64 i = 0; i < pare_tensor_elements (y[0]); i++, n++)
        {
          double a = pare_tensor_get_double (y[0], i), b = pare_tensor_get_double (y[1], i);
          error += (a - b) * (a - b);
          sum += a;
          squares += a * a;
        }
      pare_tensor_unref (y[0]);
      pare_tensor_unref (y[1]);
    }
  return error / (squares - sum * sum / n);
}

/* Also: magnitude does not look at samples that are there. */
static void
test_solved_weights_compute_what_the_original_did (void)
{
  g_autoptr (PareGraph) original = network ();
  g_autoptr (PareSamples) samples = samples_new ();
  static const char *const algorithms[] = { "magnitude", "sparsegpt", "obc" };
  double errors[G_N_ELEMENTS (algorithms)];

  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    {
      g_autoptr (PareGraph) graph = pare_graph_copy (original);
      g_autoptr (GError) error = NULL;
      PareNmSettings settings;
      pare_nm_settings_init (&settings);
      settings.algorithm = algorithms[i];
      g_assert_true (pare_graph_sparsify_nm (graph, samples, &settings, NULL, NULL, &error));
      g_assert_no_error (error);
      errors[i] = output_error (original, graph, samples);
      g_test_message ("%s: %g", algorithms[i], errors[i]);
      for (guint k = 0; k < G_N_ELEMENTS (sparse); k++)
        g_assert_true (
            pare_pattern_holds (pare_graph_find_value (graph, sparse[k].weight)->constant, sparse[k].axis, 2, 4, 0));
    }
  g_assert_cmpfloat (errors[1], <, 0.1 * errors[0]);
  g_assert_cmpfloat (errors[2], <, 0.1 * errors[0]);
}

/* 10 inputs take 5 * 8 * 10 * 13 bytes, 3 inputs of two groups 6 * 8 * 3 * 6. */
static void
test_layers_too_wide_for_memory_keep_their_largest (void)
{
  g_autoptr (PareGraph) before = network (), graph = pare_graph_copy (before);
  g_autoptr (PareSamples) samples = samples_new ();
  g_autoptr (GError) error = NULL;
  PareNmSettings settings;
  double number;

  pare_nm_settings_init (&settings);
  settings.memory_limit = 5000;
  g_assert_true (pare_graph_sparsify_nm (graph, samples, &settings, NULL, NULL, &error));
  g_assert_no_error (error);
  assert_magnitude_pattern (pare_graph_find_value (before, "scores_w")->constant,
                            pare_graph_find_value (graph, "scores_w")->constant, 0);
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (graph, "scores")), "memory-limit"));
  g_assert_false (pare_record_entry_number (entry_of (graph, "scores"), "error", &number));
  g_assert_true (pare_record_entry_number (entry_of (graph, "grouped"), "error", &number));
}

static gboolean
cancel_at_second (guint64 done, guint64 total, gpointer calls)
{
  g_assert_cmpuint (total, ==, G_N_ELEMENTS (sparse));
  g_assert_cmpuint (done, ==, ++*(guint *)calls);
  return done < 2;
}

static void
test_work_can_be_cancelled (void)
{
  g_autoptr (PareGraph) graph = network ();
  g_autoptr (GError) error = NULL;
  guint calls = 0;

  g_assert_false (pare_graph_sparsify_nm (graph, NULL, &two_of_four, cancel_at_second, &calls, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (calls, ==, 2);
}

static void
test_nothing_eligible_is_an_error_unless_allowed (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 2));
  g_autoptr (GError) error = NULL;
  PareNmSettings settings = two_of_four;

  net_output (&net, OP (&net, "MatMul", "product", x, net_random (&net, "w", pare_shape_of (2, 2, 3), -1, 1)));
  g_assert_false (pare_graph_sparsify_nm (net.graph, NULL, &settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'product', for one, is left alone since it has 2 input channels"));
  g_clear_error (&error);
  settings.allow_none = TRUE;
  g_assert_true (pare_graph_sparsify_nm (net.graph, NULL, &settings, NULL, NULL, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sparsify-nm/kinds", test_every_kind_of_layer_keeps_its_largest);
  g_test_add_func ("/sparsify-nm/few-inputs", test_few_input_channels_are_left_alone);
  g_test_add_func ("/sparsify-nm/depthwise", test_depthwise_is_left_alone);
  g_test_add_func ("/sparsify-nm/one-mode", test_one_mode_per_layer);
  g_test_add_func ("/sparsify-nm/unknown-layer", test_unknown_layers_are_errors);
  g_test_add_func ("/sparsify-nm/layers", test_single_layers_have_settings_of_their_own);
  g_test_add_func ("/sparsify-nm/bad-layers", test_impossible_settings_of_layers_are_errors);
  g_test_add_func ("/sparsify-nm/solved", test_solved_weights_compute_what_the_original_did);
  g_test_add_func ("/sparsify-nm/memory", test_layers_too_wide_for_memory_keep_their_largest);
  g_test_add_func ("/sparsify-nm/cancelled", test_work_can_be_cancelled);
  g_test_add_func ("/sparsify-nm/nothing-eligible", test_nothing_eligible_is_an_error_unless_allowed);
  return g_test_run ();
}
