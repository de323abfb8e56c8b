/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphevaluator and graphrunner on a network that adds nothing: its scores are the samples themselves. */
#include "stagetest.h"
#include <math.h>
#include <string.h>

#define CLASSES 6

/* scores [batch,6] = Identity (x) */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, CLASSES) };
  PareValue *x = pare_graph_add_value (graph, "x");
  PareValue *scores = pare_graph_add_value (graph, "scores");
  PareNode *node = pare_graph_add_node (graph, "", "Identity", "copy", NULL);

  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  pare_value_set_spec (scores, &spec);
  pare_node_add_input (node, x);
  pare_node_add_output (node, scores);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, scores);
  return graph;
}

static void
setup (StageTest *test, gconstpointer settings)
{
  PareSpec specs[] = { { PARE_FLOAT32, pare_shape_of (1, CLASSES) }, { PARE_INT64, pare_shape_of (1, 1) } };

  stage_test_setup (test, settings);
  test->graph = graph_new ();
  stage_test_open_samples (test, 2, specs);
}

static GstFlowReturn
push_sample (StageTest *test, const float *scores, gint64 label)
{
  PareShape shape = pare_shape_of (1, CLASSES);
  g_autoptr (PareTensor) x = pare_tensor_new_floats (&shape, scores);
  g_autoptr (PareTensor) y = pare_tensor_new_int64s (1, &label);
  PareTensor *sample[] = { x, y };

  return gst_harness_push (test->samples, gst_pare_buffer_from_tensors (sample, 2));
}

static void
test_evaluation_counts_hits (StageTest *test, gconstpointer name)
{
  const float scores[CLASSES] = { 5, 4, 3, 2, 1, 0 };
  /* Label 0 is first, 4 is fifth, 5 is sixth. */
  const gint64 labels[] = { 0, 4, 5 };
  double top1, top5, loss, expected = 0;
  guint64 n;

  stage_test_push_in_thread (test);
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (push_sample (test, scores, labels[i]), ==, GST_FLOW_OK);
      /* The cross-entropy by its definition. */
      expected -= log (exp (scores[labels[i]]) / (exp (5) + exp (4) + exp (3) + exp (2) + exp (1) + 1)) / 3;
    }
  stage_test_end_samples (test);
  g_assert_cmpint (stage_test_join (test), ==, GST_FLOW_OK);
  g_object_get (test->element, "top1", &top1, "top5", &top5, "loss", &loss, "n", &n, NULL);
  g_assert_cmpfloat_with_epsilon (top1, 1. / 3, 1e-12);
  g_assert_cmpfloat_with_epsilon (top5, 2. / 3, 1e-12);
  g_assert_cmpfloat_with_epsilon (loss, expected, 1e-6);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (gst_harness_buffers_received (test->graphs), ==, 1);
}

static void
test_equal_scores_are_no_hit_for_the_later_class (StageTest *test, gconstpointer name)
{
  const float scores[CLASSES] = { 0 };
  double top1, top5;

  stage_test_push_in_thread (test);
  push_sample (test, scores, 0);
  push_sample (test, scores, 5);
  stage_test_end_samples (test);
  stage_test_join (test);
  g_object_get (test->element, "top1", &top1, "top5", &top5, NULL);
  g_assert_cmpfloat (top1, ==, 0.5);
  g_assert_cmpfloat (top5, ==, 0.5);
}

static void
test_label_out_of_range_is_an_error (StageTest *test, gconstpointer name)
{
  const float scores[CLASSES] = { 0 };

  stage_test_push_in_thread (test);
  push_sample (test, scores, 0);
  g_assert_cmpint (push_sample (test, scores, CLASSES), ==, GST_FLOW_ERROR);
  g_assert_cmpint (stage_test_join (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "Sample 1 has the label 6");
}

static void
test_runner_pushes_a_result_per_sample (StageTest *test, gconstpointer name)
{
  GstHarness *results = gst_harness_new_with_element (test->element, NULL, "results");
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, CLASSES) };
  g_autoptr (GstCaps) caps = NULL, expected = gst_pare_tensor_caps_new (1, &spec);
  g_autoptr (GstEvent) event = NULL;

  stage_test_push_in_thread (test);
  for (int i = 0; i < 3; i++)
    push_sample (test, (float[CLASSES]){ i, 10 }, 0);
  stage_test_end_samples (test);
  g_assert_cmpint (stage_test_join (test), ==, GST_FLOW_OK);
  gst_harness_push_event (test->graphs, gst_event_new_eos ());

  g_assert_cmpuint (gst_harness_buffers_received (results), ==, 3);
  caps = gst_pad_get_current_caps (results->sinkpad);
  g_assert_true (gst_caps_is_equal (caps, expected));
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GstBuffer) buffer = gst_harness_pull (results);
      float scores[CLASSES];
      g_assert_cmpuint (gst_buffer_get_size (buffer), ==, sizeof scores);
      gst_buffer_extract (buffer, 0, scores, sizeof scores);
      g_assert_cmpfloat (scores[0], ==, i);
      g_assert_cmpfloat (scores[1], ==, 10);
    }
  /* The results end with the graphs. */
  while ((event = gst_harness_try_pull_event (results)) && GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    gst_clear_event (&event);
  g_assert_nonnull (event);
  gst_harness_teardown (results);
}

#define ADD(element, name)                                                                                             \
  g_test_add ("/" element "/" #name, StageTest, element " batch-size=2", setup, test_##name, stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("graphevaluator", evaluation_counts_hits);
  ADD ("graphevaluator", equal_scores_are_no_hit_for_the_later_class);
  ADD ("graphevaluator", label_out_of_range_is_an_error);
  ADD ("graphrunner", runner_pushes_a_result_per_sample);
  return g_test_run ();
}
