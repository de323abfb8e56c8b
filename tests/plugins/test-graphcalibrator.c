/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphcalibrator and graphquantizer on two matrix products, whose ranges are known. */
#include "stagetest.h"
#include <math.h>
#include <string.h>

#define SIZE 4

static PareValue *
add_double (PareGraph *graph, const char *name, PareValue *x, const char *output)
{
  PareShape shape = pare_shape_of (2, SIZE, SIZE);
  g_autoptr (PareTensor) weight
      = pare_tensor_new_floats (&shape, (float[]){ 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2 });
  PareNode *node = pare_graph_add_node (graph, "", "MatMul", name, NULL);
  PareValue *y = pare_graph_add_value (graph, output);

  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "weight", weight));
  pare_node_add_output (node, y);
  return y;
}

/* h = 2 x, y [batch,4] = 2 h */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, SIZE) };
  PareValue *x = pare_graph_add_value (graph, "x");

  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, add_double (graph, "again", add_double (graph, "double", x, "h"), "y"));
  return graph;
}

static void
setup (StageTest *test, gconstpointer settings)
{
  stage_test_setup (test, settings);
  test->graph = graph_new ();
}

/* Feeds @n samples of four numbers. */
static GstFlowReturn
calibrate (StageTest *test, guint n, const float (*samples)[SIZE])
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, SIZE) };

  stage_test_open_samples (test, 1, &spec);
  stage_test_push_in_thread (test);
  for (guint i = 0; i < n; i++)
    stage_test_push_floats (test, &spec.shape, samples[i]);
  stage_test_end_samples (test);
  return stage_test_join (test);
}

static void
assert_range (PareGraph *graph, const char *name, float low, float high)
{
  const PareRange *range = &pare_graph_find_value (graph, name)->range;

  g_assert_cmpfloat (range->low, ==, low);
  g_assert_cmpfloat (range->high, ==, high);
}

static void
test_minmax_finds_the_extremes (StageTest *test, gconstpointer name)
{
  const float samples[][SIZE] = { { 1, 2, 3, 4 }, { -5, 0, 0, 0 }, { 0, 0, 7, 0 } };
  g_autoptr (GstBuffer) out = NULL;
  PareGraph *graph;
  gboolean found = FALSE;

  g_assert_cmpint (calibrate (test, 3, samples), ==, GST_FLOW_OK);
  out = gst_harness_pull (test->graphs);
  graph = gst_pare_buffer_get_graph (out);
  assert_range (graph, "x", -5, 7);
  assert_range (graph, "h", -10, 14);
  /* The graph that was given has none. */
  g_assert_cmpfloat (pare_graph_find_value (test->graph, "x")->range.low, >,
                     pare_graph_find_value (test->graph, "x")->range.high);
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      double high;
      if (strcmp (pare_record_entry_layer (entry), "double") || !pare_record_entry_number (entry, "high", &high))
        continue;
      g_assert_cmpfloat (high, ==, 14);
      found = TRUE;
    }
  g_assert_true (found);
}

static void
test_one_sample_is_enough (StageTest *test, gconstpointer name)
{
  const float samples[][SIZE] = { { 3, 3, 3, 3 } };
  g_autoptr (GstBuffer) out = NULL;

  g_assert_cmpint (calibrate (test, 1, samples), ==, GST_FLOW_OK);
  out = gst_harness_pull (test->graphs);
  assert_range (gst_pare_buffer_get_graph (out), "x", 3, 3);
  assert_range (gst_pare_buffer_get_graph (out), "h", 6, 6);
}

static void
test_numbers_that_are_not_finite_are_named (StageTest *test, gconstpointer name)
{
  const float samples[][SIZE] = { { 1, 2, 3, 4 }, { 0, NAN, 0, 0 } };

  g_assert_cmpint (calibrate (test, 2, samples), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "among samples 1 to 1");
}

static void
test_overflow_in_the_network_is_named (StageTest *test, gconstpointer name)
{
  const float samples[][SIZE] = { { 3e38f, 0, 0, 0 } };

  g_assert_cmpint (calibrate (test, 1, samples), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "'h' (of double)");
}

static void
test_unknown_algorithm_names_the_nearest (StageTest *test, gconstpointer name)
{
  g_assert_cmpint (calibrate (test, 0, NULL), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "minmax");
}

/* As a calibrator would leave it. */
static void
set_ranges (StageTest *test)
{
  pare_graph_find_value (test->graph, "x")->range = (PareRange){ -1, 1 };
  pare_graph_find_value (test->graph, "h")->range = (PareRange){ -2, 2 };
}

static guint
count_pairs (StageTest *test)
{
  g_autoptr (GstBuffer) out = gst_harness_pull (test->graphs);
  PareGraph *graph = gst_pare_buffer_get_graph (out);
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += pare_node_is (graph->nodes->pdata[i], "DequantizeLinear");
  return n;
}

static void
test_layer_is_quantized (StageTest *test, gconstpointer name)
{
  set_ranges (test);
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  /* Of the input and the weight at least. */
  g_assert_cmpuint (count_pairs (test), >=, 2);
}

static void
test_skipped_layers_stay_in_float (StageTest *test, gconstpointer name)
{
  set_ranges (test);
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_pairs (test), ==, 0);
}

static void
test_nothing_to_quantize_is_an_error (StageTest *test, gconstpointer name)
{
  set_ranges (test);
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "for one, stays in float");
}

static void
test_unknown_layer_names_the_nearest (StageTest *test, gconstpointer name)
{
  set_ranges (test);
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "'double'");
}

static void
test_missing_ranges_are_an_error (StageTest *test, gconstpointer name)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "graphcalibrator");
}

static void
test_weights_alone_need_no_ranges (StageTest *test, gconstpointer name)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_pairs (test), ==, 2);
}

static void
test_contradiction_names_the_layer (StageTest *test, gconstpointer name)
{
  set_ranges (test);
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "'double' is in skip-layers");
}

static void
test_unknown_weight_algorithm_names_the_nearest (StageTest *test, gconstpointer name)
{
  set_ranges (test);
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "'arq'");
}

static void
test_unknown_fusion_names_the_nearest (StageTest *test, gconstpointer name)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "identity");
}

static void
test_running_stage_keeps_its_properties (StageTest *test, gconstpointer name)
{
  guint bins, before;

  g_object_get (test->element, "bins", &before, NULL);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*'bins' keeps its value*");
  g_object_set (test->element, "bins", 100, NULL);
  g_test_assert_expected_messages ();
  g_object_get (test->element, "bins", &bins, NULL);
  g_assert_cmpuint (bins, ==, before);
}

#define ADD(element, name, settings)                                                                                   \
  g_test_add ("/" element "/" #name, StageTest, element settings, setup, test_##name, stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("graphcalibrator", minmax_finds_the_extremes, " algorithm=minmax batch-size=2");
  ADD ("graphcalibrator", one_sample_is_enough, " algorithm=minmax");
  ADD ("graphcalibrator", numbers_that_are_not_finite_are_named, " batch-size=1");
  ADD ("graphcalibrator", overflow_in_the_network_is_named, "");
  ADD ("graphcalibrator", unknown_algorithm_names_the_nearest, " algorithm=minmux");
  ADD ("graphcalibrator", running_stage_keeps_its_properties, "");
  ADD ("graphquantizer", layer_is_quantized, "");
  ADD ("graphquantizer", skipped_layers_stay_in_float, " skip-layers=again layers=double:enable=false allow-none=true");
  ADD ("graphquantizer", nothing_to_quantize_is_an_error, " skip-layers=again layers=double:enable=false");
  ADD ("graphquantizer", unknown_layer_names_the_nearest, " skip-layers=doubel");
  ADD ("graphquantizer", missing_ranges_are_an_error, "");
  ADD ("graphquantizer", weights_alone_need_no_ranges, " weights-only=true bits=4");
  ADD ("graphquantizer", contradiction_names_the_layer, " skip-layers=double layers=double:bits=4");
  ADD ("graphquantizer", unknown_weight_algorithm_names_the_nearest, " weight-algorithm=arg");
  ADD ("graphfuser", unknown_fusion_names_the_nearest, " skip=identty");
  return g_test_run ();
}
