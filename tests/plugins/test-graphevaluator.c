/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphevaluator and graphrunner on a network that adds nothing: its scores are the samples themselves. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>
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

static gpointer
push_graph (gpointer harness)
{
  g_autoptr (PareGraph) graph = graph_new ();

  return GINT_TO_POINTER (gst_harness_push (harness, gst_pare_buffer_new_graph (graph)));
}

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *samples;
  GThread *thread;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer name)
{
  PareSpec specs[] = { { PARE_FLOAT32, pare_shape_of (1, CLASSES) }, { PARE_INT64, pare_shape_of (1, 1) } };

  fixture->element = gst_element_factory_make (name, "it");
  g_assert_nonnull (fixture->element);
  gst_object_ref_sink (fixture->element);
  g_object_set (fixture->element, "batch-size", 2, NULL);
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->element, fixture->bus);
  fixture->graphs = gst_harness_new_with_element (fixture->element, "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (2, specs));
}

static void
teardown (Fixture *fixture, gconstpointer name)
{
  gst_harness_teardown (fixture->samples);
  gst_harness_teardown (fixture->graphs);
  gst_element_set_bus (fixture->element, NULL);
  gst_object_unref (fixture->bus);
  gst_object_unref (fixture->element);
}

static GstFlowReturn
push_sample (Fixture *fixture, const float *scores, gint64 label)
{
  PareShape shape = pare_shape_of (1, CLASSES);
  g_autoptr (PareTensor) x = pare_tensor_new_floats (&shape, scores);
  g_autoptr (PareTensor) y = pare_tensor_new_int64s (1, &label);
  PareTensor *sample[] = { x, y };

  return gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (sample, 2));
}

static void
test_evaluation_counts_hits (Fixture *fixture, gconstpointer name)
{
  const float scores[CLASSES] = { 5, 4, 3, 2, 1, 0 };
  /* Label 0 is first, 4 is fifth, 5 is sixth. */
  const gint64 labels[] = { 0, 4, 5 };
  double top1, top5, loss, expected = 0;
  guint64 n;

  fixture->thread = g_thread_new ("graph", push_graph, fixture->graphs);
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (push_sample (fixture, scores, labels[i]), ==, GST_FLOW_OK);
      /* The cross-entropy by its definition. */
      expected -= log (exp (scores[labels[i]]) / (exp (5) + exp (4) + exp (3) + exp (2) + exp (1) + 1)) / 3;
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (fixture->thread)), ==, GST_FLOW_OK);
  g_object_get (fixture->element, "top1", &top1, "top5", &top5, "loss", &loss, "n", &n, NULL);
  g_assert_cmpfloat_with_epsilon (top1, 1. / 3, 1e-12);
  g_assert_cmpfloat_with_epsilon (top5, 2. / 3, 1e-12);
  g_assert_cmpfloat_with_epsilon (loss, expected, 1e-6);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (gst_harness_buffers_received (fixture->graphs), ==, 1);
}

static void
test_equal_scores_are_no_hit_for_the_later_class (Fixture *fixture, gconstpointer name)
{
  const float scores[CLASSES] = { 0 };
  double top1, top5;

  fixture->thread = g_thread_new ("graph", push_graph, fixture->graphs);
  push_sample (fixture, scores, 0);
  push_sample (fixture, scores, 5);
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  g_thread_join (fixture->thread);
  g_object_get (fixture->element, "top1", &top1, "top5", &top5, NULL);
  g_assert_cmpfloat (top1, ==, 0.5);
  g_assert_cmpfloat (top5, ==, 0.5);
}

static void
test_label_out_of_range_is_an_error (Fixture *fixture, gconstpointer name)
{
  const float scores[CLASSES] = { 0 };
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  fixture->thread = g_thread_new ("graph", push_graph, fixture->graphs);
  push_sample (fixture, scores, 0);
  g_assert_cmpint (push_sample (fixture, scores, CLASSES), ==, GST_FLOW_ERROR);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (fixture->thread)), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "Sample 1 has the label 6"));
}

static void
test_runner_pushes_a_result_per_sample (Fixture *fixture, gconstpointer name)
{
  GstHarness *results = gst_harness_new_with_element (fixture->element, NULL, "results");
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, CLASSES) };
  g_autoptr (GstCaps) caps = NULL, expected = gst_pare_tensor_caps_new (1, &spec);
  g_autoptr (GstEvent) event = NULL;

  fixture->thread = g_thread_new ("graph", push_graph, fixture->graphs);
  for (int i = 0; i < 3; i++)
    push_sample (fixture, (float[CLASSES]){ i, 10 }, 0);
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (fixture->thread)), ==, GST_FLOW_OK);
  gst_harness_push_event (fixture->graphs, gst_event_new_eos ());

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

#define ADD(element, name) g_test_add ("/" element "/" #name, Fixture, element, setup, test_##name, teardown)

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
