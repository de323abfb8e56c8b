/* SPDX-License-Identifier: LGPL-2.1-or-later
 * onnxloader and onnxexporter: files in, files out, and what stays untouched when something is wrong. */
#include "../folder.h"
#include "gst/gstpare.h"
#include "onnx/onnx.h"
#include <gst/check/gstharness.h>
#include <string.h>

typedef struct
{
  char *folder, *model, *output, *record;
} Fixture;

/* y = Relu (x), in a file. */
static void
write_model (const char *path)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, -1, 4) };
  PareValue *x = pare_graph_add_value (graph, "x"), *y = pare_graph_add_value (graph, "y");
  PareNode *node = pare_graph_add_node (graph, "", "Relu", "relu", NULL);

  graph->ir_version = 8;
  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  pare_value_set_spec (y, &spec);
  pare_node_add_input (node, x);
  pare_node_add_output (node, y);
  g_ptr_array_add (graph->inputs, x);
  g_ptr_array_add (graph->outputs, y);
  g_assert_true (pare_onnx_save (graph, path, PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_no_error (error);
}

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->folder = folder_create ();
  fixture->model = g_build_filename (fixture->folder, "model.onnx", NULL);
  fixture->output = g_build_filename (fixture->folder, "out.onnx", NULL);
  fixture->record = g_build_filename (fixture->folder, "record.json", NULL);
  write_model (fixture->model);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  folder_remove (fixture->folder);
  g_free (fixture->model);
  g_free (fixture->output);
  g_free (fixture->record);
}

/* Runs @description to its end: NULL, or its first error. @bytes receives what pare-export said. */
static GError *
run (const char *description, gint64 *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstBus) bus = NULL;
  GError *failure = NULL;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (gboolean done = FALSE; !done;)
    {
      g_autoptr (GstMessage) message
          = gst_bus_timed_pop_filtered (bus, 5 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
      g_assert_nonnull (message);
      done = GST_MESSAGE_TYPE (message) != GST_MESSAGE_ELEMENT;
      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
        gst_message_parse_error (message, &failure, NULL);
      else if (bytes && gst_message_has_name (message, "pare-export"))
        gst_structure_get_int64 (gst_message_get_structure (message), "bytes", bytes);
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return failure;
}

static void
test_file_goes_through (Fixture *fixture, gconstpointer data)
{
  g_autofree char *description
      = g_strdup_printf ("onnxloader location=%s ! graphfuser ! onnxexporter location=%s record=%s", fixture->model,
                         fixture->output, fixture->record);
  g_autofree char *before = NULL, *after = NULL, *record = NULL;
  gsize before_size, after_size;
  gint64 bytes = -1;

  g_assert_no_error (run (description, &bytes));
  g_assert_true (g_file_get_contents (fixture->model, &before, &before_size, NULL));
  g_assert_true (g_file_get_contents (fixture->output, &after, &after_size, NULL));
  g_assert_cmpmem (before, before_size, after, after_size);
  g_assert_cmpint (bytes, ==, after_size);
  g_assert_true (g_file_get_contents (fixture->record, &record, NULL, NULL));
  g_assert_true (g_str_has_prefix (record, "{"));
}

static void
test_two_files_in_one_place_are_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("onnxloader location=%s ! onnxexporter location=%s record=%s/./out.onnx",
                                           fixture->model, fixture->output, fixture->folder);
  g_autoptr (GError) error = run (line, NULL);

  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "two files"));
  g_assert_false (g_file_test (fixture->output, G_FILE_TEST_EXISTS));
}

static void
test_unwritable_record_leaves_no_model (Fixture *fixture, gconstpointer data)
{
  g_autofree char *description
      = g_strdup_printf ("onnxloader location=%s ! onnxexporter location=%s record=%s/none/record.json", fixture->model,
                         fixture->output, fixture->folder);
  g_autoptr (GError) error = run (description, NULL);

  g_assert_nonnull (error);
  g_assert_cmpint (error->domain, ==, GST_RESOURCE_ERROR);
  g_assert_false (g_file_test (fixture->output, G_FILE_TEST_EXISTS));
}

static void
test_unwritable_model_leaves_no_record (Fixture *fixture, gconstpointer data)
{
  g_autofree char *description
      = g_strdup_printf ("onnxloader location=%s ! onnxexporter location=%s/none/out.onnx record=%s", fixture->model,
                         fixture->folder, fixture->record);
  g_autoptr (GError) error = run (description, NULL);

  g_assert_nonnull (error);
  g_assert_cmpint (error->domain, ==, GST_RESOURCE_ERROR);
  g_assert_false (g_file_test (fixture->record, G_FILE_TEST_EXISTS));
}

/* The record is written first, and is gone again when what comes after it fails. */
static void
test_unwritable_amct_record_leaves_nothing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *description
      = g_strdup_printf ("onnxloader location=%s ! onnxexporter location=%s record=%s amct-record=%s/none/record.txt",
                         fixture->model, fixture->output, fixture->record, fixture->folder);
  g_autoptr (GError) error = run (description, NULL);

  g_assert_nonnull (error);
  g_assert_false (g_file_test (fixture->output, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (fixture->record, G_FILE_TEST_EXISTS));
}

static void
test_missing_model_is_named (Fixture *fixture, gconstpointer data)
{
  g_autofree char *description = g_strdup_printf ("onnxloader location=%s/none.onnx ! onnxexporter location=%s",
                                                  fixture->folder, fixture->output);
  g_autoptr (GError) error = run (description, NULL);

  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "none.onnx"));
  g_assert_false (g_file_test (fixture->output, G_FILE_TEST_EXISTS));
}

static void
test_damaged_model_keeps_the_old_output (Fixture *fixture, gconstpointer data)
{
  g_autofree char *description
      = g_strdup_printf ("onnxloader location=%s ! onnxexporter location=%s", fixture->model, fixture->output);
  g_autofree char *kept = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (fixture->model, "\xff\xff\xff\xff", 4, NULL));
  g_assert_true (g_file_set_contents (fixture->output, "old", 3, NULL));
  error = run (description, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
  g_assert_true (g_file_get_contents (fixture->output, &kept, NULL, NULL));
  g_assert_cmpstr (kept, ==, "old");
}

static void
test_no_location_fails_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstElement) exporter = gst_object_ref_sink (gst_element_factory_make ("onnxexporter", NULL));

  g_assert_cmpint (gst_element_set_state (exporter, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (exporter, GST_STATE_NULL);
}

/* Two graphs into one exporter whose location is @name. */
static GstFlowReturn
export_two (Fixture *fixture, const char *name)
{
  g_autofree char *location = g_build_filename (fixture->folder, name, NULL);
  g_autoptr (GstElement) exporter = gst_object_ref_sink (gst_element_factory_make ("onnxexporter", NULL));
  GstHarness *harness;
  g_autoptr (PareGraph) graph = pare_onnx_load (fixture->model, NULL);
  GstFlowReturn flow;

  g_object_set (exporter, "location", location, NULL);
  harness = gst_harness_new_with_element (exporter, "sink", NULL);
  gst_harness_set_src_caps_str (harness, GST_PARE_GRAPH_CAPS);
  g_assert_cmpint (gst_harness_push (harness, gst_pare_buffer_new_graph (graph)), ==, GST_FLOW_OK);
  flow = gst_harness_push (harness, gst_pare_buffer_new_graph (graph));
  gst_harness_teardown (harness);
  return flow;
}

static void
test_second_graph_never_overwrites (Fixture *fixture, gconstpointer data)
{
  g_autofree char *second = g_build_filename (fixture->folder, "out-1.onnx", NULL);

  g_assert_cmpint (export_two (fixture, "out.onnx"), ==, GST_FLOW_ERROR);
  g_assert_cmpint (export_two (fixture, "out-%u.onnx"), ==, GST_FLOW_OK);
  g_assert_true (g_file_test (second, G_FILE_TEST_EXISTS));
}

static void
test_packed_integers_need_a_form_with_integers (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *settings, *message;
  } cases[] = {
    { "int4=packed form=fakequant", "form=fakequant has no place" },
    { "int4=yes", "write int8 or packed" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *description = g_strdup_printf ("onnxloader location=%s ! onnxexporter location=%s %s",
                                                      fixture->model, fixture->output, cases[i].settings);
      g_autoptr (GError) error = run (description, NULL);
      g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, cases[i].message));
      g_assert_false (g_file_test (fixture->output, G_FILE_TEST_EXISTS));
    }
}

#define ADD(name) g_test_add ("/onnxexporter/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (file_goes_through);
  ADD (unwritable_record_leaves_no_model);
  ADD (two_files_in_one_place_are_refused);
  ADD (unwritable_model_leaves_no_record);
  ADD (unwritable_amct_record_leaves_nothing);
  ADD (missing_model_is_named);
  ADD (damaged_model_keeps_the_old_output);
  ADD (no_location_fails_at_once);
  ADD (second_graph_never_overwrites);
  ADD (packed_integers_need_a_form_with_integers);
  return g_test_run ();
}
