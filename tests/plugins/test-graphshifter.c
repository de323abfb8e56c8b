/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphshifter on one product of integers whose accumulators are known. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>
#include <string.h>

#define SIZE 8

static PareValue *
add (PareGraph *graph, const char *op_type, const char *output, PareValue *a, PareValue *b)
{
  PareNode *node = pare_graph_add_node (graph, "", op_type, output, NULL);
  PareValue *value = pare_graph_add_value (graph, output);

  pare_node_add_input (node, a);
  pare_node_add_input (node, b);
  pare_node_add_output (node, value);
  return value;
}

/* y = the sum of 127 x, with steps of 1 for x and for the weight. */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, SIZE) };
  PareShape shape = pare_shape_of (2, SIZE, 1);
  PareValue *x = pare_graph_add_value (graph, "x"), *step;
  gint8 integers[SIZE];
  g_autoptr (PareTensor) one = pare_tensor_new_scalar_float (1), weight = NULL;

  memset (integers, 127, SIZE);
  weight = pare_tensor_new_copy (PARE_INT8, &shape, integers);
  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  step = pare_graph_add_constant (graph, "step", one);
  g_ptr_array_add (
      graph->outputs,
      add (graph, "MatMul", "y",
           add (graph, "DequantizeLinear", "data", add (graph, "QuantizeLinear", "rounded", x, step), step),
           add (graph, "DequantizeLinear", "weight", pare_graph_add_constant (graph, "w", weight), step)));
  return graph;
}

typedef struct
{
  PareGraph *graph;
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *samples;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->graph = graph_new ();
  fixture->element = gst_object_ref_sink (gst_element_factory_make ("graphshifter", NULL));
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->element, fixture->bus);
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
  g_object_unref (fixture->graph);
}

static gpointer
push_graph (gpointer data)
{
  Fixture *fixture = data;

  return GINT_TO_POINTER (gst_harness_push (fixture->graphs, gst_pare_buffer_new_graph (fixture->graph)));
}

/* Two samples: all numbers are @first, then @second. */
static GstFlowReturn
shift (Fixture *fixture, float first, float second)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, SIZE) };
  GThread *thread;

  fixture->graphs = gst_harness_new_with_element (fixture->element, "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
  thread = g_thread_new ("graph", push_graph, fixture);
  for (guint i = 0; i < 2; i++)
    {
      float numbers[SIZE];
      g_autoptr (PareTensor) tensor = NULL;
      for (guint k = 0; k < SIZE; k++)
        numbers[k] = i ? second : first;
      tensor = pare_tensor_new_floats (&spec.shape, numbers);
      gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&tensor, 1));
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  return GPOINTER_TO_INT (g_thread_join (thread));
}

static const PareRecordEntry *
only_entry (GstBuffer *buffer)
{
  PareGraph *graph = gst_pare_buffer_get_graph (buffer);

  g_assert_cmpuint (pare_record_length (graph->record), ==, 1);
  return pare_record_get (graph->record, 0);
}

static guint
count_shifts (GstBuffer *buffer)
{
  PareGraph *graph = gst_pare_buffer_get_graph (buffer);
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += strcmp (((PareNode *)graph->nodes->pdata[i])->op_type, "AccumulatorShift") == 0;
  return n;
}

/* 8 x 127 x 255 = 259080 is 32385 x 8, so that three bits can go without a loss. */
static void
test_all_batches_count (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) out = NULL;
  const PareRecordEntry *entry;

  g_object_set (fixture->element, "batch-size", 1, NULL);
  g_assert_cmpint (shift (fixture, 255, 8), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->graphs);
  entry = only_entry (out);
  g_assert_cmpstr (pare_record_entry_layer (entry), ==, "y");
  g_assert_cmpfloat (pare_record_entry_list (entry)->values[0], ==, 3);
  g_assert_cmpuint (count_shifts (out), ==, 1);
}

static void
test_record_alone_can_tell_the_shifts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) out = NULL;

  g_object_set (fixture->element, "simulate", FALSE, NULL);
  g_assert_cmpint (shift (fixture, 1, 2), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->graphs);
  g_assert_cmpfloat (pare_record_entry_list (only_entry (out))->values[0], ==, 0);
  g_assert_cmpuint (count_shifts (out), ==, 0);
}

static void
test_unknown_layer_names_the_nearest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (fixture->element, "layers", "z:shift=1", NULL);
  g_assert_cmpint (shift (fixture, 1, 2), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "'y'"));
}

#define ADD(name) g_test_add ("/graphshifter/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (all_batches_count);
  ADD (record_alone_can_tell_the_shifts);
  ADD (unknown_layer_names_the_nearest);
  return g_test_run ();
}
