/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphshifter on one product of integers whose accumulators are known. */
#include "stagetest.h"
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

static void
setup (StageTest *test, gconstpointer settings)
{
  stage_test_setup (test, settings);
  test->graph = graph_new ();
}

/* Two samples: all numbers are @first, then @second. */
static GstFlowReturn
shift (StageTest *test, float first, float second)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, SIZE) };

  stage_test_open_samples (test, 1, &spec);
  stage_test_push_in_thread (test);
  for (guint i = 0; i < 2; i++)
    {
      float numbers[SIZE];
      for (guint k = 0; k < SIZE; k++)
        numbers[k] = i ? second : first;
      stage_test_push_floats (test, &spec.shape, numbers);
    }
  stage_test_end_samples (test);
  return stage_test_join (test);
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
test_all_batches_count (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) out = NULL;
  const PareRecordEntry *entry;

  g_assert_cmpint (shift (test, 255, 8), ==, GST_FLOW_OK);
  out = gst_harness_pull (test->graphs);
  entry = only_entry (out);
  g_assert_cmpstr (pare_record_entry_layer (entry), ==, "y");
  g_assert_cmpfloat (pare_record_entry_list (entry)->values[0], ==, 3);
  g_assert_cmpuint (count_shifts (out), ==, 1);
}

static void
test_record_alone_can_tell_the_shifts (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) out = NULL;

  g_assert_cmpint (shift (test, 1, 2), ==, GST_FLOW_OK);
  out = gst_harness_pull (test->graphs);
  g_assert_cmpfloat (pare_record_entry_list (only_entry (out))->values[0], ==, 0);
  g_assert_cmpuint (count_shifts (out), ==, 0);
}

static void
test_unknown_layer_names_the_nearest (StageTest *test, gconstpointer data)
{
  g_assert_cmpint (shift (test, 1, 2), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "'y'");
}

#define ADD(name, settings)                                                                                            \
  g_test_add ("/graphshifter/" #name, StageTest, "graphshifter " settings, setup, test_##name, stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (all_batches_count, "batch-size=1");
  ADD (record_alone_can_tell_the_shifts, "simulate=false");
  ADD (unknown_layer_names_the_nearest, "layers=z:shift=1");
  return g_test_run ();
}
