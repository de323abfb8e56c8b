/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The base class of stages, by a stage that writes down what it is asked to do. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>

/* The stage under test */

G_DECLARE_FINAL_TYPE (TestStage, test_stage, TEST, STAGE, GstPareStage)

struct _TestStage
{
  GstPareStage parent_instance;
  GString *log;    /* of every batch: shapes, valid samples, first number of each sample */
  guint enough_at; /* samples; 0: never */
  guint passes;
  gboolean fail;
  guint resets;
};

G_DEFINE_TYPE (TestStage, test_stage, GST_TYPE_PARE_STAGE)

static gboolean
test_begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  g_string_append (TEST_STAGE (stage)->log, "begin ");
  return TRUE;
}

static gboolean
test_feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  TestStage *self = TEST_STAGE (stage);
  const float *data = pare_tensor_data (batch[0]);
  gint64 size = pare_shape_span (&batch[0]->shape, 1, batch[0]->shape.rank);

  if (self->fail)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY, "It did not work.");
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *shape = pare_shape_to_string (&batch[i]->shape);
      g_string_append (self->log, shape);
    }
  g_string_append_printf (self->log, "/%u:", gst_pare_stage_get_valid (stage));
  for (gint64 i = 0; i < batch[0]->shape.dims[0]; i++)
    g_string_append_printf (self->log, "%g ", data[i * size]);
  if (self->enough_at && gst_pare_stage_get_n_samples (stage) + gst_pare_stage_get_valid (stage) >= self->enough_at)
    gst_pare_stage_enough (stage);
  return TRUE;
}

static gboolean
test_again (GstPareStage *stage)
{
  TestStage *self = TEST_STAGE (stage);

  return self->passes > 1 && --self->passes;
}

static gboolean
test_finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  g_string_append (TEST_STAGE (stage)->log, gst_pare_stage_get_teacher (stage) ? "finish by teacher " : "finish ");
  g_free (graph->name);
  graph->name = g_strdup ("edited");
  return TRUE;
}

static void
test_reset (GstPareStage *stage)
{
  TEST_STAGE (stage)->resets++;
}

static void
test_stage_finalize (GObject *object)
{
  g_string_free (TEST_STAGE (object)->log, TRUE);
  G_OBJECT_CLASS (test_stage_parent_class)->finalize (object);
}

static void
test_stage_init (TestStage *self)
{
  self->log = g_string_new ("");
}

static void
test_stage_class_init (TestStageClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = test_stage_finalize;
  stage_class->needs_samples = TRUE;
  stage_class->begin = test_begin;
  stage_class->feed = test_feed;
  stage_class->again = test_again;
  stage_class->finish = test_finish;
  stage_class->reset = test_reset;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_stage_class_add_teacher_pad (stage_class);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Test", "Test", "Test", "Test");
}

/* The stage between a thread that pushes graphs and the test, which pushes samples. */
typedef struct
{
  TestStage *stage;
  GstBus *bus;
  GstHarness *graphs, *samples;
  GThread *thread;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->stage = g_object_ref_sink (g_object_new (test_stage_get_type (), "name", "stage", "batch-size", 2, NULL));
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (GST_ELEMENT (fixture->stage), fixture->bus);
  fixture->graphs = gst_harness_new_with_element (GST_ELEMENT (fixture->stage), "sink", "src");
  gst_harness_set_src_caps_str (fixture->graphs, GST_PARE_GRAPH_CAPS);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  if (fixture->samples)
    gst_harness_teardown (fixture->samples);
  gst_harness_teardown (fixture->graphs);
  gst_element_set_bus (GST_ELEMENT (fixture->stage), NULL);
  gst_object_unref (fixture->bus);
  /* Nothing holds on to the stage: it goes away here. */
  g_assert_cmpint (G_OBJECT (fixture->stage)->ref_count, ==, 1);
  gst_object_unref (fixture->stage);
}

static void
link_samples (Fixture *fixture)
{
  gint64 dims[] = { 2, 2 };
  PareSpec spec = { PARE_FLOAT32, pare_shape (2, dims) };
  g_autoptr (GstCaps) caps = gst_pare_tensor_caps_new (1, &spec);

  fixture->samples = gst_harness_new_with_element (GST_ELEMENT (fixture->stage), "tensors", NULL);
  gst_harness_set_src_caps (fixture->samples, g_steal_pointer (&caps));
}

/* A graph with the one input x [batch,1,2,2]. */
static PareGraph *
graph_new (int batch)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (4, batch, 1, 2, 2) };
  PareValue *x = pare_graph_add_value (graph, "x");

  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, x);
  return graph;
}

static gpointer
push_graph_in_thread (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (PareGraph) graph = graph_new (-1);

  return GINT_TO_POINTER (gst_harness_push (fixture->graphs, gst_pare_buffer_new_graph (graph)));
}

static void
start_graph (Fixture *fixture)
{
  fixture->thread = g_thread_new ("graph", push_graph_in_thread, fixture);
}

static GstFlowReturn
join_graph (Fixture *fixture)
{
  return GPOINTER_TO_INT (g_thread_join (fixture->thread));
}

static GstFlowReturn
push_graph (Fixture *fixture, int batch)
{
  g_autoptr (PareGraph) graph = graph_new (batch);

  return gst_harness_push (fixture->graphs, gst_pare_buffer_new_graph (graph));
}

/* A sample whose four numbers are @number. */
static GstBuffer *
sample_new (float number)
{
  PareShape shape = pare_shape_of (2, 2, 2);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, (float[]){ number, number, number, number });

  return gst_pare_buffer_from_tensors (&tensor, 1);
}

static GstFlowReturn
push_sample (Fixture *fixture, float number)
{
  return gst_harness_push (fixture->samples, sample_new (number));
}

static void
end_samples (Fixture *fixture)
{
  g_assert_true (gst_harness_push_event (fixture->samples, gst_event_new_eos ()));
}

static void
end_pass (Fixture *fixture)
{
  GstStructure *mark = gst_structure_new_empty (GST_PARE_PASS_END);

  g_assert_true (gst_harness_push_event (fixture->samples, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, mark)));
}

/* Exactly one error was posted: this one. */
static void
assert_error (Fixture *fixture, GQuark domain, int code, const char *pattern)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_autoptr (GstMessage) second = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  g_assert_null (second);
  gst_message_parse_error (message, &error, NULL);
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("'%s' does not match '%s'", error->message, pattern);
  g_assert_error (error, domain, code);
}

static void
test_graph_is_copied (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PareGraph) graph = graph_new (-1);
  g_autoptr (GstBuffer) out = NULL;

  link_samples (fixture);
  fixture->thread = g_thread_new ("graph", push_graph_in_thread, fixture);
  push_sample (fixture, 1);
  end_samples (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
  out = gst_harness_pull (fixture->graphs);
  g_assert_cmpuint (gst_buffer_n_memory (out), ==, 0);
  g_assert_cmpstr (gst_pare_buffer_get_graph (out)->name, ==, "edited");
  g_assert_cmpstr (graph->name, ==, "");
  g_assert_cmpuint (fixture->stage->resets, ==, 1);
}

static void
test_samples_are_stacked (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  start_graph (fixture);
  for (int i = 1; i <= 3; i++)
    g_assert_cmpint (push_sample (fixture, i), ==, GST_FLOW_OK);
  end_samples (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
  /* Where the batch is open the last one is short. */
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin [2,1,2,2]/2:1 2 [1,1,2,2]/1:3 finish ");
  g_assert_cmpuint (gst_pare_stage_get_n_samples (GST_PARE_STAGE (fixture->stage)), ==, 3);
}

static void
test_pass_end_serves_each_graph_a_pass (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  for (int graph = 0; graph < 2; graph++)
    {
      start_graph (fixture);
      push_sample (fixture, graph + 1);
      end_pass (fixture);
      g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
    }
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin [1,1,2,2]/1:1 finish begin [1,1,2,2]/1:2 finish ");
}

static void
test_several_passes (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  fixture->stage->passes = 2;
  start_graph (fixture);
  push_sample (fixture, 1);
  end_pass (fixture);
  push_sample (fixture, 2);
  end_pass (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin [1,1,2,2]/1:1 [1,1,2,2]/1:2 finish ");
}

static void
test_missing_pass_asks_for_a_store (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  fixture->stage->passes = 2;
  start_graph (fixture);
  push_sample (fixture, 1);
  end_samples (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "*once more*tensorstore*");
}

static void
test_second_graph_asks_for_a_store (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  start_graph (fixture);
  push_sample (fixture, 1);
  end_samples (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
  g_assert_cmpint (push_graph (fixture, -1), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "*another one came*tensorstore*");
}

/* A source that knows one pass only. */
static gboolean
refuse_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return FALSE;
}

static void
test_enough_ends_the_branch (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  gst_pad_set_event_function (fixture->samples->srcpad, refuse_event);
  fixture->stage->enough_at = 2;
  start_graph (fixture);
  g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_OK);
  g_assert_cmpint (push_sample (fixture, 2), ==, GST_FLOW_EOS);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin [2,1,2,2]/2:1 2 finish ");
}

static void
test_a_graph_after_enough_asks_for_a_store (Fixture *fixture, gconstpointer data)
{
  test_enough_ends_the_branch (fixture, data);
  g_assert_cmpint (push_graph (fixture, -1), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "*another one came*tensorstore*");
}

/* The harness accepts every event, as a store with another pass does. */
static void
test_after_enough_the_next_graph_gets_a_pass (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  fixture->stage->enough_at = 2;
  for (int graph = 0; graph < 2; graph++)
    {
      start_graph (fixture);
      g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_OK);
      g_assert_cmpint (push_sample (fixture, 2), ==, GST_FLOW_OK);
      g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
    }
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin [2,1,2,2]/2:1 2 finish begin [2,1,2,2]/2:1 2 finish ");
}

static void
test_no_sample_is_an_error (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  /* EOS may come before the graph. */
  end_samples (fixture);
  g_assert_cmpint (push_graph (fixture, -1), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "stage received no sample:*");
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin ");
  g_assert_cmpuint (fixture->stage->resets, ==, 1);
}

static void
test_half_precision_is_refused_where_it_cannot_be (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PareGraph) graph = graph_new (-1);
  float number = 1;
  g_autoptr (PareTensor) one = pare_tensor_new_floats (&(PareShape){ 0 }, &number);
  g_autoptr (PareTensor) half = pare_tensor_cast (one, PARE_FLOAT16);

  GST_PARE_STAGE_GET_CLASS (fixture->stage)->needs_float32 = TRUE;
  pare_value_set_constant (pare_graph_add_value (graph, "half"), half);
  link_samples (fixture);
  g_assert_cmpint (gst_harness_push (fixture->graphs, gst_pare_buffer_new_graph (graph)), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "*graphfuser widen=true*");
  g_assert_cmpstr (fixture->stage->log->str, ==, "");
  GST_PARE_STAGE_GET_CLASS (fixture->stage)->needs_float32 = FALSE;
}

static void
test_no_tensors_pad_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (push_graph (fixture, -1), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "stage received no sample: link*");
}

static void
test_error_in_feed_stops_both_branches (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  fixture->stage->fail = TRUE;
  start_graph (fixture);
  g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_OK);
  g_assert_cmpint (push_sample (fixture, 2), ==, GST_FLOW_ERROR);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED, "It did not work.");
  g_assert_cmpuint (fixture->stage->resets, ==, 1);
}

static void
test_wrong_shape_names_both (Fixture *fixture, gconstpointer data)
{
  PareShape shape = pare_shape_of (2, 3, 2);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, (float[6]){ 0 });
  PareSpec spec = { PARE_FLOAT32, shape };

  link_samples (fixture);
  gst_harness_set_src_caps (fixture->samples, gst_pare_tensor_caps_new (1, &spec));
  start_graph (fixture);
  g_assert_cmpint (gst_harness_push (fixture->samples, gst_pare_buffer_from_tensors (&tensor, 1)), ==, GST_FLOW_ERROR);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "*'x'*?,1,2,2]*3,2]*");
}

static void
test_stopping_ends_the_wait (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  start_graph (fixture);
  g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_OK);
  gst_element_set_state (GST_ELEMENT (fixture->stage), GST_STATE_NULL);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_FLUSHING);
  g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR));
}

static void
test_flush_ends_the_wait (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  start_graph (fixture);
  g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_OK);
  gst_harness_push_event (fixture->graphs, gst_event_new_flush_start ());
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_FLUSHING);
  gst_harness_push_event (fixture->graphs, gst_event_new_flush_stop (TRUE));
}

static void
test_end_without_graph_is_forwarded (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstEvent) event = NULL;

  link_samples (fixture);
  gst_harness_push_event (fixture->graphs, gst_event_new_eos ());
  /* The samples' branch is told to end as well. */
  g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_EOS);
  while ((event = gst_harness_pull_event (fixture->graphs)) && GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    gst_clear_event (&event);
  g_assert_nonnull (event);
}

static void
test_graph_waits_for_the_teacher (Fixture *fixture, gconstpointer data)
{
  GstHarness *teacher = gst_harness_new_with_element (GST_ELEMENT (fixture->stage), "teacher", NULL);
  g_autoptr (PareGraph) graph = graph_new (-1);

  gst_harness_set_src_caps_str (teacher, GST_PARE_GRAPH_CAPS);
  link_samples (fixture);
  start_graph (fixture);
  g_assert_cmpint (gst_harness_push (teacher, gst_pare_buffer_new_graph (graph)), ==, GST_FLOW_OK);
  push_sample (fixture, 1);
  end_samples (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
  g_assert_cmpstr (fixture->stage->log->str, ==, "begin [1,1,2,2]/1:1 finish by teacher ");
  gst_harness_teardown (teacher);
}

static void
test_missing_teacher_is_an_error (Fixture *fixture, gconstpointer data)
{
  GstHarness *teacher = gst_harness_new_with_element (GST_ELEMENT (fixture->stage), "teacher", NULL);

  gst_harness_set_src_caps_str (teacher, GST_PARE_GRAPH_CAPS);
  gst_harness_push_event (teacher, gst_event_new_eos ());
  g_assert_cmpint (push_graph (fixture, -1), ==, GST_FLOW_ERROR);
  assert_error (fixture, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "stage received no teacher*");
  gst_harness_teardown (teacher);
}

static void
test_caps_without_framerate_are_understood (Fixture *fixture, gconstpointer data)
{
  link_samples (fixture);
  gst_harness_set_src_caps_str (fixture->samples, "other/tensors, format=static, num_tensors=1, "
                                                  "dimensions=(string)2:2:1:1, types=(string)float32");
  start_graph (fixture);
  g_assert_cmpint (push_sample (fixture, 1), ==, GST_FLOW_OK);
  end_samples (fixture);
  g_assert_cmpint (join_graph (fixture), ==, GST_FLOW_OK);
}

static void
test_progress_ends_with_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstMessage) last = NULL;
  GstMessage *message;
  gint64 current;
  int percent;

  link_samples (fixture);
  start_graph (fixture);
  for (int i = 0; i < 5; i++)
    push_sample (fixture, i);
  end_samples (fixture);
  join_graph (fixture);
  while ((message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ELEMENT)))
    {
      gst_clear_message (&last);
      last = message;
    }
  g_assert_nonnull (last);
  g_assert_true (gst_structure_get (gst_message_get_structure (last), "current", G_TYPE_INT64, &current, "percent",
                                    G_TYPE_INT, &percent, NULL));
  g_assert_cmpint (current, ==, 5);
  g_assert_cmpint (percent, ==, 100);
}

static void
test_meta_survives_a_copy (void)
{
  PareGraph *graph = graph_new (1);
  g_autoptr (GstBuffer) buffer = gst_pare_buffer_new_graph (graph);
  GstBuffer *copy = gst_buffer_copy_deep (buffer);

  g_assert_true (gst_pare_buffer_get_graph (copy) == graph);
  g_assert_cmpint (G_OBJECT (graph)->ref_count, ==, 3);
  gst_buffer_unref (copy);
  g_assert_cmpint (G_OBJECT (graph)->ref_count, ==, 2);
  g_object_unref (graph);
}

static void
test_names_are_split_and_stripped (void)
{
  g_auto (GStrv) names = gst_pare_split_names (" conv1,, fc ,");

  g_assert_cmpstrv (names, ((const char *[]){ "conv1", "fc", NULL }));
  g_assert_null (gst_pare_split_names (" ,"));
  g_assert_null (gst_pare_split_names (NULL));
}

#define ADD(name) g_test_add ("/stage/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (graph_is_copied);
  ADD (samples_are_stacked);
  ADD (pass_end_serves_each_graph_a_pass);
  ADD (several_passes);
  ADD (missing_pass_asks_for_a_store);
  ADD (second_graph_asks_for_a_store);
  ADD (enough_ends_the_branch);
  ADD (a_graph_after_enough_asks_for_a_store);
  ADD (after_enough_the_next_graph_gets_a_pass);
  ADD (no_sample_is_an_error);
  ADD (half_precision_is_refused_where_it_cannot_be);
  ADD (no_tensors_pad_is_an_error);
  ADD (error_in_feed_stops_both_branches);
  ADD (wrong_shape_names_both);
  ADD (stopping_ends_the_wait);
  ADD (flush_ends_the_wait);
  ADD (end_without_graph_is_forwarded);
  ADD (graph_waits_for_the_teacher);
  ADD (missing_teacher_is_an_error);
  ADD (caps_without_framerate_are_understood);
  ADD (progress_ends_with_all);
  g_test_add_func ("/stage/meta_survives_a_copy", test_meta_survives_a_copy);
  g_test_add_func ("/stage/names_are_split_and_stripped", test_names_are_split_and_stripped);
  return g_test_run ();
}
