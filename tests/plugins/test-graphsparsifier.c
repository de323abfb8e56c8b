/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphsparsifier in a pipeline: with and without samples, one network after another, and its errors as messages. */
#include "gst/gstpare.h"
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#define ROWS 8
#define COLUMNS 3

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *samples;
} Fixture;

/* y [batch,3] = x [batch,8] w */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, ROWS) };
  PareShape shape = pare_shape_of (2, ROWS, COLUMNS);
  float numbers[ROWS * COLUMNS];
  g_autoptr (PareTensor) weight = NULL;
  PareValue *x = pare_graph_add_value (graph, "x"), *y = pare_graph_add_value (graph, "y");
  PareNode *node = pare_graph_add_node (graph, "", "MatMul", "product", NULL);

  for (guint i = 0; i < ROWS * COLUMNS; i++)
    numbers[i] = 1 + i * 7 % 24;
  weight = pare_tensor_new_floats (&shape, numbers);
  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "w", weight));
  pare_node_add_output (node, y);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, y);
  return graph;
}

/* @data: "property=value property=value" */
static void
setup (Fixture *fixture, gconstpointer data)
{
  g_auto (GStrv) settings = g_strsplit (data, " ", -1);

  fixture->element = gst_element_factory_make ("graphsparsifier", NULL);
  g_assert_nonnull (fixture->element);
  gst_object_ref_sink (fixture->element);
  for (guint i = 0; settings[i]; i++)
    {
      g_auto (GStrv) sides = g_strsplit (settings[i], "=", 2);
      gst_util_set_object_arg (G_OBJECT (fixture->element), sides[0], sides[1]);
    }
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->element, fixture->bus);
  fixture->graphs = gst_harness_new_with_element (fixture->element, "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  if (fixture->samples)
    gst_harness_teardown (fixture->samples);
  gst_harness_teardown (fixture->graphs);
  gst_element_set_bus (fixture->element, NULL);
  gst_object_unref (fixture->bus);
  gst_object_unref (fixture->element);
}

static gpointer
push_graph (gpointer harness)
{
  g_autoptr (PareGraph) graph = graph_new ();

  return GINT_TO_POINTER (gst_harness_push (harness, gst_pare_buffer_new_graph (graph)));
}

/* Samples whose second half repeats the first: each weight has one that can do its work. */
static void
push_samples (Fixture *fixture, guint n)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, ROWS) };
  g_autoptr (GRand) random = g_rand_new_with_seed (3);

  for (guint i = 0; i < n; i++)
    {
      float numbers[ROWS];
      g_autoptr (PareTensor) x = NULL;
      for (guint k = 0; k < ROWS; k++)
        numbers[k] = k % 4 < 2 ? g_rand_double_range (random, -1, 1) : numbers[k - 2];
      x = pare_tensor_new_floats (&spec.shape, numbers);
      gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&x, 1));
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
}

static GstFlowReturn
run_with_samples (Fixture *fixture, guint n)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, ROWS) };
  GThread *thread;

  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
  thread = g_thread_new ("graph", push_graph, fixture->graphs);
  push_samples (fixture, n);
  return GPOINTER_TO_INT (g_thread_join (thread));
}

/* Entry [row][column] of the weight that came out. */
static double
weight_at (GstBuffer *buffer, guint row, guint column)
{
  return pare_tensor_get_double (pare_graph_find_value (gst_pare_buffer_get_graph (buffer), "w")->constant,
                                 row * COLUMNS + column);
}

static double
original_at (guint row, guint column)
{
  return 1 + (row * COLUMNS + column) * 7 % 24;
}

static void
test_largest_weights_stay_without_samples (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (fixture->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    for (guint r = 0; r < ROWS; r++)
      {
        guint larger = 0;
        for (guint other = r / 4 * 4; other < r / 4 * 4 + 4; other++)
          larger += original_at (other, c) > original_at (r, c);
        g_assert_cmpfloat (weight_at (buffer, r, c), ==, larger < 2 ? original_at (r, c) : 0);
      }
}

/* Two inputs are two others: one weight of each pair is enough when it takes over the other's. */
static void
test_what_stays_does_the_work_of_what_went (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (run_with_samples (fixture, 40), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (fixture->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    for (guint r = 0; r < ROWS; r += 4)
      for (guint k = r; k < r + 2; k++)
        {
          double first = weight_at (buffer, k, c), second = weight_at (buffer, k + 2, c);
          g_assert_true ((first == 0) != (second == 0));
          g_assert_cmpfloat_with_epsilon (first + second, original_at (k, c) + original_at (k + 2, c), 0.05);
        }
}

static void
test_networks_follow_each_other (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstBuffer) buffer = NULL;
      g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_OK);
      buffer = gst_harness_pull (fixture->graphs);
      g_assert_cmpuint (pare_graph_find_value (gst_pare_buffer_get_graph (buffer), "w")->sparsity.update_frequency, ==,
                        5);
    }
}

static void
assert_error_says (Fixture *fixture, GQuark domain, int code, const char *text)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_impossible_modes_are_errors (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_ERROR);
  assert_error_says (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "n:m");
}

static void
test_samples_are_missed (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_ERROR);
  assert_error_says (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "tensors pad");
}

static void
test_nothing_to_do_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_ERROR);
  assert_error_says (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "allow-none");
}

static void
test_outputs_of_the_network_keep_their_filters (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (fixture->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    g_assert_cmpfloat (weight_at (buffer, 0, c), ==, original_at (0, c));
}

#define ADD(name, settings) g_test_add ("/graphsparsifier/" #name, Fixture, settings, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (largest_weights_stay_without_samples, "mode=2:4");
  ADD (what_stays_does_the_work_of_what_went, "mode=2:4 ridge=0.0001");
  ADD (networks_follow_each_other, "mode=2:4 update-frequency=5");
  ADD (impossible_modes_are_errors, "mode=4:2");
  ADD (samples_are_missed, "algorithm=obc");
  ADD (nothing_to_do_is_an_error, "skip-layers=product");
  g_test_add ("/graphsparsifier/no_filter_to_remove_is_an_error", Fixture, "mode=filter", setup,
              test_nothing_to_do_is_an_error, teardown);
  ADD (outputs_of_the_network_keep_their_filters, "mode=filter allow-none=true");
  return g_test_run ();
}
