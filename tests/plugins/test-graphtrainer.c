/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphtrainer on a matrix product with two classes: passes, validation, and what it refuses. */
#include "stagetest.h"
#include <string.h>

#define SIZE 2

/* Labels of samples: as they belong to them, and all of them wrong. */
#define RIGHT -1
#define WRONG -2

typedef struct
{
  StageTest stage;
  GstHarness *validation; /* NULL without that pad */
  GThread *validator;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer settings)
{
  const PareSpec specs[] = { { PARE_FLOAT32, pare_shape_of (1, SIZE) }, { PARE_INT64, pare_shape_of (1, 1) } };

  stage_test_setup (&fixture->stage, settings);
  fixture->stage.graph = stage_test_product (SIZE, 2, (float[4]){ 0 }, "y");
  stage_test_open_samples (&fixture->stage, 2, specs);
  stage_test_push_in_thread (&fixture->stage);
}

static void
teardown (Fixture *fixture, gconstpointer settings)
{
  if (fixture->validation)
    {
      g_thread_join (fixture->validator);
      gst_harness_teardown (fixture->validation);
    }
  stage_test_teardown (&fixture->stage, settings);
}

/* @n samples: class 0 along the first axis, 1 along the second; @label replaces the last one's unless it is RIGHT or
 * WRONG. */
static void
push_samples (GstHarness *harness, guint n, gint64 label)
{
  PareShape x_shape = pare_shape_of (1, SIZE);

  for (guint i = 0; i < n; i++)
    {
      gint64 number = label >= 0 && i == n - 1 ? label : (i + (label == WRONG)) % 2;
      PareTensor *sample[2] = { pare_tensor_new_floats (&x_shape, (float[]){ i % 2 == 0, i % 2 == 1 }),
                                pare_tensor_new_int64s (1, &number) };
      gst_harness_push (harness, gst_pare_buffer_from_tensors (sample, 2));
      pare_tensor_unref (sample[0]);
      pare_tensor_unref (sample[1]);
    }
}

static void
end_pass (GstHarness *harness)
{
  gst_harness_push_event (
      harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty (GST_PARE_PASS_END)));
}

static gpointer
push_validation (gpointer harness)
{
  for (guint i = 0; i < 3; i++)
    {
      push_samples (harness, 4, RIGHT);
      end_pass (harness);
    }
  return NULL;
}

/* Three passes of right samples are ready on the pad "validation". */
static void
start_validation (Fixture *fixture)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (fixture->stage.samples->srcpad);

  fixture->validation = gst_harness_new_with_element (fixture->stage.element, "validation", NULL);
  gst_harness_set_src_caps (fixture->validation, g_steal_pointer (&caps));
  fixture->validator = g_thread_new ("validation", push_validation, fixture->validation);
}

/* The first weight of what came out. */
static double
pull_weight (Fixture *fixture)
{
  g_autoptr (GstBuffer) out = gst_harness_pull (fixture->stage.graphs);

  return pare_tensor_get_double (pare_graph_find_value (gst_pare_buffer_get_graph (out), "w")->constant, 0);
}

/* The first step from zero: p = 1/2, so the gradient by w is (p - q) x / n = -1/4 on the diagonal. */
static void
test_each_pass_is_an_epoch (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GstBuffer) out = NULL;
  PareGraph *graph;
  double epochs = 0;

  push_samples (fixture->stage.samples, 4, RIGHT);
  end_pass (fixture->stage.samples);
  push_samples (fixture->stage.samples, 6, RIGHT); /* two fill no batch */
  end_pass (fixture->stage.samples);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->stage.graphs);
  graph = gst_pare_buffer_get_graph (out);
  /* 0.5 / 4 after the first step; then p = sigmoid (1/4), and the gradient is (p - 1) / 2 x 1/2. */
  g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (pare_graph_find_value (graph, "w")->constant, 0),
                                  0.125 + 0.25 * (1 - 1 / (1 + 0.77880078)), 1e-6);
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    g_assert_true (pare_record_entry_number (pare_record_get (graph->record, i), "epoch", &epochs));
  g_assert_cmpfloat (epochs, ==, 2);
}

/* One epoch of right labels, then two of wrong ones, which undo it. */
static void
push_epochs (Fixture *fixture)
{
  for (guint i = 0; i < 3; i++)
    {
      push_samples (fixture->stage.samples, 4, i ? WRONG : RIGHT);
      end_pass (fixture->stage.samples);
    }
}

static void
test_the_best_epoch_is_kept (Fixture *fixture, gconstpointer unused)
{
  start_validation (fixture);
  push_epochs (fixture);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_OK);
  /* The weight after the first step, as below. */
  g_assert_cmpfloat_with_epsilon (pull_weight (fixture), 0.125, 1e-6);
}

/* The same, but nobody judges. */
static void
test_without_validation_the_last_epoch_is_kept (Fixture *fixture, gconstpointer unused)
{
  push_epochs (fixture);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_OK);
  g_assert_cmpfloat (pull_weight (fixture), <, 0);
}

/* A hundred epochs are allowed, and three passes come. */
static void
test_patience_ends_training (Fixture *fixture, gconstpointer unused)
{
  start_validation (fixture);
  push_epochs (fixture);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_OK);
  g_assert_cmpfloat_with_epsilon (pull_weight (fixture), 0.125, 1e-6);
}

static void
test_numbers_that_run_away_name_the_layer (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 4; i++)
    push_samples (fixture->stage.samples, 4, i % 2 ? WRONG : RIGHT);
  stage_test_end_samples (&fixture->stage);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                           "'product' (MatMul) was the first layer with such a number in 'w'");
}

static void
test_one_epoch_needs_no_store (Fixture *fixture, gconstpointer unused)
{
  push_samples (fixture->stage.samples, 8, RIGHT);
  stage_test_end_samples (&fixture->stage);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_OK);
}

static void
test_a_second_epoch_asks_for_a_store (Fixture *fixture, gconstpointer unused)
{
  push_samples (fixture->stage.samples, 8, RIGHT);
  stage_test_end_samples (&fixture->stage);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
                           "put a tensorstore before its tensors pad");
}

static void
test_unknown_classes_are_refused (Fixture *fixture, gconstpointer unused)
{
  push_samples (fixture->stage.samples, 4, 7);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "Sample 3 has the label 7");
}

static void
test_fewer_samples_than_a_batch_are_refused (Fixture *fixture, gconstpointer unused)
{
  push_samples (fixture->stage.samples, 3, RIGHT);
  stage_test_end_samples (&fixture->stage);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
                           "holds 3 samples, fewer than the 4 of a batch");
}

static void
test_schedules_ask_how_many_samples_there_are (Fixture *fixture, gconstpointer unused)
{
  push_samples (fixture->stage.samples, 4, RIGHT);
  g_assert_cmpint (stage_test_join (&fixture->stage), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                           "must know how many samples there are");
}

#define TEST(path, function, settings)                                                                                 \
  g_test_add (path, Fixture, "graphtrainer batch-size=4 learning-rate=0.5" settings, setup, function, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  TEST ("/graphtrainer/epochs", test_each_pass_is_an_epoch, " epochs=2 momentum=0");
  TEST ("/graphtrainer/best-epoch", test_the_best_epoch_is_kept, " epochs=3 momentum=0");
  TEST ("/graphtrainer/last-epoch", test_without_validation_the_last_epoch_is_kept, " epochs=3 momentum=0");
  TEST ("/graphtrainer/patience", test_patience_ends_training, " epochs=100 patience=2 momentum=0");
  TEST ("/graphtrainer/divergence", test_numbers_that_run_away_name_the_layer, " learning-rate=1e30 weight-decay=1e6");
  TEST ("/graphtrainer/one-epoch", test_one_epoch_needs_no_store, "");
  TEST ("/graphtrainer/second-epoch", test_a_second_epoch_asks_for_a_store, " epochs=2");
  TEST ("/graphtrainer/labels", test_unknown_classes_are_refused, "");
  TEST ("/graphtrainer/few-samples", test_fewer_samples_than_a_batch_are_refused, "");
  TEST ("/graphtrainer/length", test_schedules_ask_how_many_samples_there_are, " schedule=cosine");
  return g_test_run ();
}
