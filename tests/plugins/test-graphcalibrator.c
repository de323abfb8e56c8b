/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphcalibrator and graphquantizer on two matrix products, whose ranges are known. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#define SIZE 4

static PareValue *
add_double (PareGraph *graph, const char *name, PareValue *x, const char *output)
{
  PareShape shape = pare_shape_of (2, SIZE, SIZE);
  g_autoptr (PareTensor) weight
      = pare_tensor_new_floats (&shape, (float[]){ 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2 });
  PareNode *node = pare_graph_add_node (graph, "", "MatMul", name, NULL);
  PareValue *y = pare_graph_add_value (graph, output);

  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "weight", weight));
  pare_node_add_output (node, y);
  return y;
}

/* h = 2 x, y [batch,4] = 2 h */
static PareGraph *
graph_new (void)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, SIZE) };
  PareValue *x = pare_graph_add_value (graph, "x");

  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, add_double (graph, "again", add_double (graph, "double", x, "h"), "y"));
  return graph;
}

typedef struct
{
  PareGraph *graph;
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *samples;
  GThread *thread;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer name)
{
  fixture->graph = graph_new ();
  fixture->element = gst_element_factory_make (name, "it");
  g_assert_nonnull (fixture->element);
  gst_object_ref_sink (fixture->element);
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->element, fixture->bus);
}

static void
teardown (Fixture *fixture, gconstpointer name)
{
  if (fixture->samples)
    gst_harness_teardown (fixture->samples);
  if (fixture->graphs)
    gst_harness_teardown (fixture->graphs);
  gst_element_set_bus (fixture->element, NULL);
  gst_object_unref (fixture->bus);
  gst_object_unref (fixture->element);
  g_object_unref (fixture->graph);
}

/* Once the properties are set: the stage starts. */
static void
start (Fixture *fixture)
{
  fixture->graphs = gst_harness_new_with_element (fixture->element, "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
}

static gpointer
push_graph (gpointer data)
{
  Fixture *fixture = data;

  return GINT_TO_POINTER (gst_harness_push (fixture->graphs, gst_pare_buffer_new_graph (fixture->graph)));
}

/* Feeds @n samples of four numbers. */
static GstFlowReturn
calibrate (Fixture *fixture, guint n, const float (*samples)[SIZE])
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, SIZE) };

  start (fixture);
  fixture->samples = gst_harness_new_with_element (fixture->element, "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
  fixture->thread = g_thread_new ("graph", push_graph, fixture);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&spec.shape, samples[i]);
      gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&tensor, 1));
    }
  gst_harness_push_event (fixture->samples, gst_event_new_eos ());
  return GPOINTER_TO_INT (g_thread_join (fixture->thread));
}

static void
assert_error (Fixture *fixture, GQuark domain, int code, const char *part)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
  if (!strstr (error->message, part))
    g_error ("'%s' does not hold '%s'", error->message, part);
}

static void
assert_range (PareGraph *graph, const char *name, float low, float high)
{
  const PareRange *range = &pare_graph_find_value (graph, name)->range;

  g_assert_cmpfloat (range->low, ==, low);
  g_assert_cmpfloat (range->high, ==, high);
}

static void
test_minmax_finds_the_extremes (Fixture *fixture, gconstpointer name)
{
  const float samples[][SIZE] = { { 1, 2, 3, 4 }, { -5, 0, 0, 0 }, { 0, 0, 7, 0 } };
  g_autoptr (GstBuffer) out = NULL;
  PareGraph *graph;
  gboolean found = FALSE;

  g_object_set (fixture->element, "algorithm", "minmax", "batch-size", 2, NULL);
  g_assert_cmpint (calibrate (fixture, 3, samples), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->graphs);
  graph = gst_pare_buffer_get_graph (out);
  assert_range (graph, "x", -5, 7);
  assert_range (graph, "h", -10, 14);
  /* The graph that was given has none. */
  g_assert_cmpfloat (pare_graph_find_value (fixture->graph, "x")->range.low, >,
                     pare_graph_find_value (fixture->graph, "x")->range.high);
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      double high;
      if (strcmp (pare_record_entry_layer (entry), "double") || !pare_record_entry_number (entry, "high", &high))
        continue;
      g_assert_cmpfloat (high, ==, 14);
      found = TRUE;
    }
  g_assert_true (found);
}

static void
test_numbers_that_are_not_finite_are_named (Fixture *fixture, gconstpointer name)
{
  const float samples[][SIZE] = { { 1, 2, 3, 4 }, { 0, NAN, 0, 0 } };

  g_object_set (fixture->element, "batch-size", 1, NULL);
  g_assert_cmpint (calibrate (fixture, 2, samples), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "among samples 1 to 1");
}

static void
test_overflow_in_the_network_is_named (Fixture *fixture, gconstpointer name)
{
  const float samples[][SIZE] = { { 3e38f, 0, 0, 0 } };

  g_assert_cmpint (calibrate (fixture, 1, samples), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "'h' (of double)");
}

static void
test_unknown_algorithm_names_the_nearest (Fixture *fixture, gconstpointer name)
{
  g_object_set (fixture->element, "algorithm", "minmux", NULL);
  g_assert_cmpint (calibrate (fixture, 0, NULL), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "minmax");
}

/* As a calibrator would leave it. */
static void
set_ranges (Fixture *fixture)
{
  pare_graph_find_value (fixture->graph, "x")->range = (PareRange){ -1, 1 };
  pare_graph_find_value (fixture->graph, "h")->range = (PareRange){ -2, 2 };
}

static guint
count_pairs (Fixture *fixture)
{
  g_autoptr (GstBuffer) out = gst_harness_pull (fixture->graphs);
  PareGraph *graph = gst_pare_buffer_get_graph (out);
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += pare_node_is (graph->nodes->pdata[i], "DequantizeLinear");
  return n;
}

static void
test_layer_is_quantized (Fixture *fixture, gconstpointer name)
{
  set_ranges (fixture);
  start (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_OK);
  /* Of the input and the weight at least. */
  g_assert_cmpuint (count_pairs (fixture), >=, 2);
}

static void
test_skipped_layers_stay_in_float (Fixture *fixture, gconstpointer name)
{
  set_ranges (fixture);
  g_object_set (fixture->element, "skip-layers", "again", "layers", "double:enable=false", NULL);
  start (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_pairs (fixture), ==, 0);
}

static void
test_unknown_layer_names_the_nearest (Fixture *fixture, gconstpointer name)
{
  set_ranges (fixture);
  g_object_set (fixture->element, "skip-layers", "doubel", NULL);
  start (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "'double'");
}

static void
test_missing_ranges_are_an_error (Fixture *fixture, gconstpointer name)
{
  start (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "graphcalibrator");
}

static void
test_unknown_fusion_names_the_nearest (Fixture *fixture, gconstpointer name)
{
  g_object_set (fixture->element, "skip", "identty", NULL);
  start (fixture);
  g_assert_cmpint (GPOINTER_TO_INT (push_graph (fixture)), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "identity");
}

static void
test_running_stage_keeps_its_properties (Fixture *fixture, gconstpointer name)
{
  guint bins, before;

  g_object_get (fixture->element, "bins", &before, NULL);
  start (fixture);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*'bins' keeps its value*");
  g_object_set (fixture->element, "bins", 100, NULL);
  g_test_assert_expected_messages ();
  g_object_get (fixture->element, "bins", &bins, NULL);
  g_assert_cmpuint (bins, ==, before);
}

#define ADD(element, name) g_test_add ("/" element "/" #name, Fixture, element, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("graphcalibrator", minmax_finds_the_extremes);
  ADD ("graphcalibrator", numbers_that_are_not_finite_are_named);
  ADD ("graphcalibrator", overflow_in_the_network_is_named);
  ADD ("graphcalibrator", unknown_algorithm_names_the_nearest);
  ADD ("graphcalibrator", running_stage_keeps_its_properties);
  ADD ("graphquantizer", layer_is_quantized);
  ADD ("graphquantizer", skipped_layers_stay_in_float);
  ADD ("graphquantizer", unknown_layer_names_the_nearest);
  ADD ("graphquantizer", missing_ranges_are_an_error);
  ADD ("graphfuser", unknown_fusion_names_the_nearest);
  return g_test_run ();
}
