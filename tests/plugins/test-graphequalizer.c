/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphequalizer on two products whose channels differ in size. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>
#include <string.h>

static PareValue *
multiply (PareGraph *graph, const char *output, PareValue *x, const float *weights)
{
  PareShape square = pare_shape_of (2, 2, 2);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&square, weights);
  PareNode *node = pare_graph_add_node (graph, "", "MatMul", output, NULL);
  PareValue *value = pare_graph_add_value (graph, output);

  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "w", tensor));
  pare_node_add_output (node, value);
  return value;
}

/* Channel 1 of h is a hundred times channel 0, and its weights in y a hundredth. */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, 2) };
  PareValue *x = pare_graph_add_value (graph, "x");

  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, multiply (graph, "y", multiply (graph, "h", x, (float[]){ 1, 50, 0.5f, 100 }),
                                             (float[]){ 1, 0.7f, 0.006f, 0.01f }));
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
  fixture->element = gst_object_ref_sink (gst_element_factory_make ("graphequalizer", NULL));
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

static void
begin (Fixture *fixture)
{
  fixture->graphs = gst_harness_new_with_element (fixture->element, "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
}

/* With @n samples on the other pad. */
static GstFlowReturn
equalize (Fixture *fixture, guint n)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, 2) };
  GThread *thread;

  begin (fixture);
  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
  thread = g_thread_new ("graph", push_graph, fixture);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&spec.shape, (float[]){ i % 3 - 1.0f, i % 5 - 2.0f });
      gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&tensor, 1));
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  return GPOINTER_TO_INT (g_thread_join (thread));
}

/* Whether the record says so of @layer. */
static gboolean
was (GstBuffer *buffer, const char *layer, const char *action)
{
  PareGraph *graph = gst_pare_buffer_get_graph (buffer);

  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (strcmp (pare_record_entry_layer (entry), layer) == 0
          && strcmp (pare_record_entry_action (entry), action) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
test_cross_layer_needs_no_samples (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) out = NULL;

  begin (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->graphs);
  g_assert_true (was (out, "h", "equalized"));
}

static void
test_balance_takes_samples (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstBuffer) out = NULL;

  g_object_set (fixture->element, "algorithm", "balance", "batch-size", 4, NULL);
  g_assert_cmpint (equalize (fixture, 10), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->graphs);
  g_assert_true (was (out, "y", "balanced"));
}

static void
assert_error (Fixture *fixture, GQuark domain, int code, const char *text)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
  if (!strstr (error->message, text))
    g_error ("'%s' does not say '%s'", error->message, text);
}

static void
test_missing_samples_are_an_error (Fixture *fixture, gconstpointer data)
{
  g_object_set (fixture->element, "algorithm", "cross-layer,balance", NULL);
  begin (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "'tensors'");
}

static void
test_unknown_layer_names_the_nearest (Fixture *fixture, gconstpointer data)
{
  g_object_set (fixture->element, "layers", "hh:enable=false", NULL);
  begin (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "'h'");
}

#define ADD(name) g_test_add ("/graphequalizer/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (cross_layer_needs_no_samples);
  ADD (balance_takes_samples);
  ADD (missing_samples_are_an_error);
  ADD (unknown_layer_names_the_nearest);
  return g_test_run ();
}
