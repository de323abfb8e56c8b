/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphdecomposer in a pipeline: with and without samples, one network after another, and its errors as messages. */
#include "gst/gstpare.h"
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <string.h>

#define ROWS 12
#define COLUMNS 8

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *samples;
} Fixture;

/* y [batch,8] = x [batch,12] w, w of full rank. */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, ROWS) };
  PareShape shape = pare_shape_of (2, ROWS, COLUMNS);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  float numbers[ROWS * COLUMNS];
  g_autoptr (PareTensor) weight = NULL;
  PareValue *x = pare_graph_add_value (graph, "x"), *y = pare_graph_add_value (graph, "y");
  PareNode *node = pare_graph_add_node (graph, "", "MatMul", "product", NULL);

  for (guint i = 0; i < ROWS * COLUMNS; i++)
    numbers[i] = (float)g_rand_double_range (random, -1, 1);
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

  fixture->element = gst_element_factory_make ("graphdecomposer", NULL);
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

/* Samples that have three directions only. */
static void
sample_numbers (GRand *random, float numbers[ROWS])
{
  double a = g_rand_double_range (random, -1, 1), b = g_rand_double_range (random, -1, 1),
         c = g_rand_double_range (random, -1, 1);

  for (guint k = 0; k < ROWS; k++)
    numbers[k] = (float)(k % 3 == 0 ? a : k % 3 == 1 ? b + a : c - b) * (float)(1 + k);
}

static GstFlowReturn
run_with_samples (Fixture *fixture, guint n)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, ROWS) };
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  GThread *thread;

  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
  thread = g_thread_new ("graph", push_graph, fixture->graphs);
  for (guint i = 0; i < n; i++)
    {
      float numbers[ROWS];
      g_autoptr (PareTensor) x = NULL;
      sample_numbers (random, numbers);
      x = pare_tensor_new_floats (&spec.shape, numbers);
      gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&x, 1));
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  return GPOINTER_TO_INT (g_thread_join (thread));
}

static double
number_of (GstBuffer *buffer, const char *name)
{
  const PareRecord *record = gst_pare_buffer_get_graph (buffer)->record;
  double number;

  g_assert_cmpuint (pare_record_length (record), ==, 1);
  g_assert_true (pare_record_entry_number (pare_record_get (record, 0), name, &number));
  return number;
}

static void
test_networks_follow_each_other (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstBuffer) buffer = NULL;
      g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_OK);
      buffer = gst_harness_pull (fixture->graphs);
      g_assert_cmpuint (gst_pare_buffer_get_graph (buffer)->nodes->len, ==, 2);
      /* 96 multiply-accumulates become 20 for each rank; half of them allow two. */
      g_assert_cmpfloat (number_of (buffer, "rank"), ==, 2);
      g_assert_cmpfloat (number_of (buffer, "macs-after"), ==, 40);
      g_assert_cmpfloat (number_of (buffer, "error"), >, 0.1);
    }
}

/* Rank 3 is enough for what these samples are made of, though not for the weights. */
static void
test_samples_show_what_rank_is_enough (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) blind = NULL, informed = NULL;

  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_OK);
  blind = gst_harness_pull (fixture->graphs);
  g_assert_cmpfloat (number_of (blind, "error"), >, 0.05);
  g_assert_cmpint (run_with_samples (fixture, 40), ==, GST_FLOW_OK);
  informed = gst_harness_pull (fixture->graphs);
  g_assert_cmpfloat (number_of (informed, "error"), <, 1e-4);
}

static void
test_errors_are_messages (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture->graphs)), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
}

#define ADD(name, test, settings) g_test_add ("/graphdecomposer/" name, Fixture, settings, setup, test_##test, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("networks-follow-each-other", networks_follow_each_other, "ratio=0.5");
  ADD ("samples-show-what-rank-is-enough", samples_show_what_rank_is_enough, "layers=product:rank=3");
  ADD ("ratio", errors_are_messages, "ratio=1");
  ADD ("policy", errors_are_messages, "policy=mac");
  ADD ("method", errors_are_messages, "method=svd");
  ADD ("layer", errors_are_messages, "layers=produkt:rank=3");
  ADD ("setting", errors_are_messages, "layers=product:ranks=3");
  ADD ("rank", errors_are_messages, "layers=product:rank=9");
  ADD ("nothing", errors_are_messages, "skip-layers=product");
  return g_test_run ();
}
