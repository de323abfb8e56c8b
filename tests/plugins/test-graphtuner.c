/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphtuner in a pipeline: labels on the pad tensors, results as properties, and its errors as messages. */
#include "stagetest.h"
#include <string.h>

#define ROWS 4
#define CLASSES 2
#define SAMPLES 40

/* The classes differ by a weight that 2 bits do not show beside the first one, which is the same for both. */
static PareGraph *
network (gboolean calibrated)
{
  const float weights[ROWS * CLASSES] = { 1, 1, 0.1f, 0, 0, 0.1f, 0, 0 };
  PareGraph *graph = stage_test_product (ROWS, CLASSES, weights, "scores");

  for (guint i = 0; calibrated && i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (!value->constant)
        value->range = (PareRange){ 0, 1.1f };
    }
  return graph;
}

static void
setup (StageTest *test, gconstpointer settings)
{
  const PareSpec specs[] = { { PARE_FLOAT32, pare_shape_of (1, ROWS) }, { PARE_INT64, pare_shape_of (1, 1) } };

  stage_test_setup (test, settings);
  test->graph = network (TRUE);
  stage_test_open_samples (test, 2, specs);
}

static void
push_sample (StageTest *test, gint64 label)
{
  const float numbers[ROWS] = { 1, label == 0, label == 1, 0 };
  PareShape shape = pare_shape_of (1, ROWS);
  g_autoptr (PareTensor) x = pare_tensor_new_floats (&shape, numbers), y = pare_tensor_new_int64s (1, &label);
  PareTensor *sample[] = { x, y };

  gst_harness_push (test->samples, gst_pare_buffer_from_tensors (sample, 2));
}

static GstFlowReturn
run (StageTest *test)
{
  stage_test_push_in_thread (test);
  for (guint i = 0; i < SAMPLES; i++)
    push_sample (test, i % CLASSES);
  stage_test_end_samples (test);
  return stage_test_join (test);
}

/* The one layer cannot have 2 bits, and needs no more than 8. */
static void
test_a_layer_is_raised_for_its_labels (StageTest *test, gconstpointer settings)
{
  double drop, evaluations;
  guint tuned, raised;
  g_autoptr (GstMessage) message = NULL;

  g_assert_cmpint (run (test), ==, GST_FLOW_OK);
  g_object_get (test->element, "drop", &drop, "evaluations", &evaluations, "tuned", &tuned, "raised", &raised, NULL);
  g_assert_cmpfloat (drop, ==, 0);
  g_assert_cmpuint (tuned, ==, 1);
  g_assert_cmpuint (raised, ==, 1);
  g_assert_cmpfloat (evaluations, >, 2);
  while (!message || !gst_structure_has_name (gst_message_get_structure (message), "tuning"))
    {
      gst_clear_message (&message);
      message = gst_bus_pop_filtered (test->bus, GST_MESSAGE_ELEMENT);
      g_assert_nonnull (message);
    }
}

static void
test_what_meets_the_target_takes_two_evaluations (StageTest *test, gconstpointer settings)
{
  double evaluations;

  g_assert_cmpint (run (test), ==, GST_FLOW_OK);
  g_object_get (test->element, "evaluations", &evaluations, NULL);
  g_assert_cmpfloat (evaluations, ==, 2);
}

static void
test_a_miss_is_an_error (StageTest *test, gconstpointer settings)
{
  g_assert_cmpint (run (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "allow-miss=true");
}

static void
test_an_allowed_miss_is_a_warning (StageTest *test, gconstpointer settings)
{
  g_autoptr (GstMessage) message = NULL;

  g_assert_cmpint (run (test), ==, GST_FLOW_OK);
  message = gst_bus_pop_filtered (test->bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
}

static void
test_a_network_without_ranges_is_an_error (StageTest *test, gconstpointer settings)
{
  g_autoptr (PareGraph) graph = network (FALSE);

  g_set_object (&test->graph, graph);
  g_assert_cmpint (run (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "graphcalibrator");
}

static void
test_no_sample_is_an_error (StageTest *test, gconstpointer settings)
{
  stage_test_push_in_thread (test);
  stage_test_end_samples (test);
  g_assert_cmpint (stage_test_join (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "received no sample");
}

#define ADD(name, settings)                                                                                            \
  g_test_add ("/graphtuner/" #name, StageTest, settings, setup, test_##name, stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (a_layer_is_raised_for_its_labels, "graphtuner bits=2 edge-bits=2 batch-size=8");
  ADD (what_meets_the_target_takes_two_evaluations, "graphtuner");
  ADD (a_miss_is_an_error, "graphtuner bits=2 edge-bits=2 ladder=3");
  ADD (an_allowed_miss_is_a_warning, "graphtuner bits=2 edge-bits=2 ladder=3 allow-miss=true");
  ADD (a_network_without_ranges_is_an_error, "graphtuner");
  ADD (no_sample_is_an_error, "graphtuner");
  return g_test_run ();
}
