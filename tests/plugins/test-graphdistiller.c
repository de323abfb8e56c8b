/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphdistiller on a single matrix product: the student has to find the teacher's numbers, which are 1 to 6. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#define ROWS 3
#define COLUMNS 2

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *teacher, *samples;
} Fixture;

/* @result [batch,2] = x [batch,3] @numbers */
static PareGraph *
graph_new (const float *numbers, const char *result)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, ROWS) };
  PareShape shape = pare_shape_of (2, ROWS, COLUMNS);
  g_autoptr (PareTensor) weight = pare_tensor_new_floats (&shape, numbers);
  PareValue *x = pare_graph_add_value (graph, "x"), *y = pare_graph_add_value (graph, result);
  PareNode *node = pare_graph_add_node (graph, "", "MatMul", "product", NULL);

  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "w", weight));
  pare_node_add_output (node, y);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, y);
  return graph;
}

static gpointer
push_student (gpointer harness)
{
  g_autoptr (PareGraph) graph = graph_new ((float[ROWS *COLUMNS]){ 0 }, "y");

  return GINT_TO_POINTER (gst_harness_push (harness, gst_pare_buffer_new_graph (graph)));
}

/* @data: "property=value property=value" */
static void
setup (Fixture *fixture, gconstpointer data)
{
  g_auto (GStrv) settings = g_strsplit (data, " ", -1);
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, ROWS) };

  fixture->element = gst_element_factory_make ("graphdistiller", NULL);
  g_assert_nonnull (fixture->element);
  gst_object_ref_sink (fixture->element);
  g_object_set (fixture->element, "batch-size", 4, "epochs", 60, "learning-rate", 0.1, NULL);
  for (guint i = 0; settings[i]; i++)
    {
      g_auto (GStrv) sides = g_strsplit (settings[i], "=", 2);
      gst_util_set_object_arg (G_OBJECT (fixture->element), sides[0], sides[1]);
    }
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->element, fixture->bus);
  fixture->graphs = gst_harness_new_with_element (fixture->element, "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  if (fixture->teacher)
    gst_harness_teardown (fixture->teacher);
  gst_harness_teardown (fixture->samples);
  gst_harness_teardown (fixture->graphs);
  gst_element_set_bus (fixture->element, NULL);
  gst_object_unref (fixture->bus);
  gst_object_unref (fixture->element);
}

static void
push_teacher (Fixture *fixture, const char *result)
{
  g_autoptr (PareGraph) graph = graph_new ((float[]){ 1, 2, 3, 4, 5, 6 }, result);

  fixture->teacher = gst_harness_new_with_element (fixture->element, "teacher", NULL);
  gst_harness_set_src_caps_str (fixture->teacher, GST_PARE_GRAPH_CAPS);
  g_assert_cmpint (gst_harness_push (fixture->teacher, gst_pare_buffer_new_graph (graph)), ==, GST_FLOW_OK);
}

/* The student, then @n samples and their end; what became of the student. */
static GstFlowReturn
run (Fixture *fixture, guint n)
{
  GThread *thread = g_thread_new ("graph", push_student, fixture->graphs);
  PareShape shape = pare_shape_of (1, ROWS);
  g_autoptr (GRand) random = g_rand_new_with_seed (3);

  for (guint i = 0; i < n; i++)
    {
      float numbers[ROWS];
      for (guint k = 0; k < ROWS; k++)
        numbers[k] = g_rand_double_range (random, -1, 1);
      g_autoptr (PareTensor) x = pare_tensor_new_floats (&shape, numbers);
      gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&x, 1));
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  return GPOINTER_TO_INT (g_thread_join (thread));
}

static void
assert_error_says (Fixture *fixture, GQuark domain, int code, const char *text)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_student_finds_the_teachers_weights (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;
  g_autoptr (GstMessage) progress = NULL;
  const PareTensor *weight;

  push_teacher (fixture, "y");
  g_assert_cmpint (run (fixture, 40), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (fixture->graphs);
  weight = pare_graph_find_value (gst_pare_buffer_get_graph (buffer), "w")->constant;
  for (guint i = 0; i < ROWS * COLUMNS; i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (weight, i), i + 1, 0.05);
  progress = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ELEMENT);
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
  assert_error_says (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "teacher pad");
}

static void
test_another_network_is_no_teacher (Fixture *fixture, gconstpointer data)
{
  push_teacher (fixture, "z");
  g_assert_cmpint (run (fixture, 8), ==, GST_FLOW_ERROR);
  assert_error_says (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "'product'");
}

static void
test_one_sample_is_too_few (Fixture *fixture, gconstpointer data)
{
  push_teacher (fixture, "y");
  g_assert_cmpint (run (fixture, 1), ==, GST_FLOW_ERROR);
  assert_error_says (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "at least 2");
}

static void
test_group_of_unknown_layers_is_an_error (Fixture *fixture, gconstpointer data)
{
  push_teacher (fixture, "y");
  g_assert_cmpint (run (fixture, 8), ==, GST_FLOW_ERROR);
  assert_error_says (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "there is 'product'");
}

#define ADD(name, settings) g_test_add ("/graphdistiller/" #name, Fixture, settings, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (student_finds_the_teachers_weights, "");
  ADD (teacher_may_be_taken_as_input, "input=teacher groups=product:product");
  ADD (teacher_is_needed, "");
  ADD (another_network_is_no_teacher, "");
  ADD (one_sample_is_too_few, "");
  ADD (group_of_unknown_layers_is_an_error, "groups=produkt:product");
  return g_test_run ();
}
