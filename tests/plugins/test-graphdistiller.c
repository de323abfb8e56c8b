/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphdistiller on a single matrix product: the student has to find the teacher's numbers, which are 1 to 6. */
#include "stagetest.h"
#include <math.h>
#include <string.h>

#define ROWS 3
#define COLUMNS 2

typedef struct
{
  StageTest stage;
  GstHarness *teacher;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer settings)
{
  stage_test_setup (&fixture->stage, settings);
  fixture->stage.graph = stage_test_product (ROWS, COLUMNS, (float[ROWS * COLUMNS]){ 0 }, "y");
}

static void
teardown (Fixture *fixture, gconstpointer settings)
{
  g_clear_pointer (&fixture->teacher, gst_harness_teardown);
  stage_test_teardown (&fixture->stage, settings);
}

static void
push_teacher (Fixture *fixture, const char *result)
{
  g_autoptr (PareGraph) graph = stage_test_product (ROWS, COLUMNS, (float[]){ 1, 2, 3, 4, 5, 6 }, result);

  fixture->teacher = gst_harness_new_with_element (fixture->stage.element, "teacher", NULL);
  gst_harness_set_src_caps_str (fixture->teacher, GST_PARE_GRAPH_CAPS);
  g_assert_cmpint (gst_harness_push (fixture->teacher, gst_pare_buffer_new_graph (graph)), ==, GST_FLOW_OK);
}

static void
fill (GRand *random, float *numbers)
{
  for (guint k = 0; k < ROWS; k++)
    numbers[k] = g_rand_double_range (random, -1, 1);
}

/* The student, then @n samples and their end; what became of the student. */
static GstFlowReturn
run (Fixture *fixture, guint n)
{
  return stage_test_run (&fixture->stage, n, ROWS, fill);
}

static void
test_student_finds_the_teachers_weights (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;
  g_autoptr (GstMessage) progress = NULL;
  const PareTensor *weight;

  push_teacher (fixture, "y");
  g_assert_cmpint (run (fixture, 40), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (fixture->stage.graphs);
  weight = pare_graph_find_value (gst_pare_buffer_get_graph (buffer), "w")->constant;
  for (guint i = 0; i < ROWS * COLUMNS; i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (weight, i), i + 1, 0.05);
  progress = gst_bus_pop_filtered (fixture->stage.bus, GST_MESSAGE_ELEMENT);
  g_assert_true (gst_message_has_name (progress, "progress"));
}

static void
test_teacher_may_be_taken_as_input (Fixture *fixture, gconstpointer data)
{
  test_student_finds_the_teachers_weights (fixture, data);
}

static void
test_teacher_is_needed (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (run (fixture, 4), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "teacher pad");
}

static void
test_another_network_is_no_teacher (Fixture *fixture, gconstpointer data)
{
  push_teacher (fixture, "z");
  g_assert_cmpint (run (fixture, 8), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "'product'");
}

static void
test_one_sample_is_too_few (Fixture *fixture, gconstpointer data)
{
  push_teacher (fixture, "y");
  g_assert_cmpint (run (fixture, 1), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "at least 2");
}

static void
test_group_of_unknown_layers_is_an_error (Fixture *fixture, gconstpointer data)
{
  push_teacher (fixture, "y");
  g_assert_cmpint (run (fixture, 8), ==, GST_FLOW_ERROR);
  stage_test_assert_error (&fixture->stage, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "there is 'product'");
}

#define ADD(name, settings)                                                                                            \
  g_test_add ("/graphdistiller/" #name, Fixture, "graphdistiller batch-size=4 epochs=60 learning-rate=0.1" settings,   \
              setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (student_finds_the_teachers_weights, "");
  ADD (teacher_may_be_taken_as_input, " input=teacher groups=product:product");
  ADD (teacher_is_needed, "");
  ADD (another_network_is_no_teacher, "");
  ADD (one_sample_is_too_few, "");
  ADD (group_of_unknown_layers_is_an_error, " groups=produkt:product");
  return g_test_run ();
}
