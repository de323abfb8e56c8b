/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stagetest.h"
#include <string.h>

void
stage_test_setup (StageTest *test, gconstpointer settings)
{
  g_auto (GStrv) words = g_strsplit (settings, " ", -1);

  test->element = gst_element_factory_make (words[0], "it");
  g_assert_nonnull (test->element);
  gst_object_ref_sink (test->element);
  for (guint i = 1; words[i]; i++)
    {
      g_auto (GStrv) sides = g_strsplit (words[i], "=", 2);
      gst_util_set_object_arg (G_OBJECT (test->element), sides[0], sides[1]);
    }
  test->bus = gst_bus_new ();
  gst_element_set_bus (test->element, test->bus);
  test->graphs = gst_harness_new_with_element (test->element, "sink", "src");
  gst_harness_set_src_caps_str (test->graphs, GST_PARE_GRAPH_CAPS);
}

void
stage_test_teardown (StageTest *test, gconstpointer settings)
{
  g_clear_pointer (&test->samples, gst_harness_teardown);
  gst_harness_teardown (test->graphs);
  gst_element_set_bus (test->element, NULL);
  gst_object_unref (test->bus);
  gst_object_unref (test->element);
  g_clear_object (&test->graph);
}

void
stage_test_open_samples (StageTest *test, guint n, const PareSpec *specs)
{
  test->samples = gst_harness_new_with_element (test->element, "tensors", NULL);
  gst_harness_set_src_caps (test->samples, gst_pare_tensor_caps_new (n, specs));
}

GstFlowReturn
stage_test_push_floats (StageTest *test, const PareShape *shape, const float *numbers)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (shape, numbers);

  return gst_harness_push (test->samples, gst_pare_buffer_from_tensors (&tensor, 1));
}

void
stage_test_end_samples (StageTest *test)
{
  gst_harness_push_event (test->samples, gst_event_new_eos ());
}

GstFlowReturn
stage_test_push (StageTest *test)
{
  return gst_harness_push (test->graphs, gst_pare_buffer_new_graph (test->graph));
}

static gpointer
push (gpointer test)
{
  return GINT_TO_POINTER (stage_test_push (test));
}

void
stage_test_push_in_thread (StageTest *test)
{
  test->thread = g_thread_new ("graph", push, test);
}

GstFlowReturn
stage_test_join (StageTest *test)
{
  return GPOINTER_TO_INT (g_thread_join (test->thread));
}

GstFlowReturn
stage_test_run (StageTest *test, guint count, guint n, void (*fill) (GRand *random, float *numbers))
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (1, n) };
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  g_autofree float *numbers = g_new (float, n);

  stage_test_open_samples (test, 1, &spec);
  stage_test_push_in_thread (test);
  for (guint i = 0; i < count; i++)
    {
      fill (random, numbers);
      stage_test_push_floats (test, &spec.shape, numbers);
    }
  stage_test_end_samples (test);
  return stage_test_join (test);
}

void
stage_test_assert_error (StageTest *test, GQuark domain, int code, const char *part)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (test->bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, domain, code);
  if (!strstr (error->message, part))
    g_error ("'%s' does not hold '%s'", error->message, part);
}

PareGraph *
stage_test_product (guint rows, guint columns, const float *weights, const char *result)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, rows) };
  PareShape shape = pare_shape_of (2, rows, columns);
  g_autoptr (PareTensor) weight = pare_tensor_new_floats (&shape, weights);
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
