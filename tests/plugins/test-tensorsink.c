/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorsink: samples stacked into a file that appears only when the stream has ended. */
#include "../folder.h"
#include "data/reader.h"
#include "gst/tensorcaps.h"
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#define TWO_FLOATS                                                                                                     \
  "other/tensors, format=(string)static, num_tensors=1, dimensions=(string)2, types=(string)float32, framerate=0/1"
#define FLOATS_AND_LABEL                                                                                               \
  "other/tensors, format=(string)static, num_tensors=2, dimensions=(string)\"2,1\", "                                  \
  "types=(string)\"float32,int64\", framerate=0/1"

static char *folder;

static void
setup (void)
{
  folder = folder_create ();
}

static void
teardown (void)
{
  folder_remove (folder);
}

static GstHarness *
new_sink (const char *path, const char *caps)
{
  GstElement *sink = gst_element_factory_make ("tensorsink", NULL);
  GstHarness *harness;

  g_object_set (sink, "location", path, NULL);
  harness = gst_harness_new_with_element (sink, "sink", NULL);
  gst_harness_set_src_caps_str (harness, caps);
  gst_object_unref (sink);
  return harness;
}

static GstBuffer *
new_sample (float left, float right)
{
  const float numbers[] = { left, right };

  return gst_buffer_new_memdup (numbers, sizeof numbers);
}

static GstMemory *
label_memory (gint64 label)
{
  gpointer data = g_memdup2 (&label, sizeof label);

  return gst_memory_new_wrapped (0, data, sizeof label, 0, sizeof label, data, g_free);
}

GST_START_TEST (test_samples_are_stacked_and_appear_at_the_end)
{
  g_autofree char *path = g_build_filename (folder, "out.npy", NULL);
  GstHarness *harness = new_sink (path, TWO_FLOATS);
  g_autoptr (PareTensor) tensor = NULL;
  PareShape shape = pare_shape_of (2, 3, 2);

  for (guint i = 0; i < 3; i++)
    assert_equals_int (gst_harness_push (harness, new_sample (i, 10 * i)), GST_FLOW_OK);
  fail_if (g_file_test (path, G_FILE_TEST_EXISTS));
  fail_unless (gst_harness_push_event (harness, gst_event_new_eos ()));
  tensor = pare_npy_load (path, NULL);
  fail_unless (tensor != NULL && pare_shape_equal (&tensor->shape, &shape));
  for (guint i = 0; i < 3; i++)
    {
      assert_equals_float (pare_tensor_get_double (tensor, 2 * i), i);
      assert_equals_float (pare_tensor_get_double (tensor, 2 * i + 1), 10 * i);
    }
  gst_harness_teardown (harness);
}
GST_END_TEST;

GST_START_TEST (test_several_tensors_go_into_an_archive)
{
  g_autofree char *path = g_build_filename (folder, "out.npz", NULL);
  GstHarness *harness = new_sink (path, FLOATS_AND_LABEL);
  g_autoptr (PareReader) reader = NULL;
  PareTensor *sample[2];

  for (gint64 i = 0; i < 2; i++)
    {
      GstBuffer *buffer = new_sample (i, i);
      gint64 label = 40 + i;
      gst_buffer_append_memory (buffer, label_memory (label));
      assert_equals_int (gst_harness_push (harness, buffer), GST_FLOW_OK);
    }
  fail_unless (gst_harness_push_event (harness, gst_event_new_eos ()));
  reader = pare_reader_open (path, NULL);
  fail_unless (reader != NULL);
  assert_equals_int (pare_reader_samples (reader), 2);
  assert_equals_string (pare_reader_name (reader, 1), "arr_1");
  for (gint64 i = 0; i < 2; i++)
    {
      assert_equals_int (pare_reader_next (reader, sample, NULL), 1);
      assert_equals_float (pare_tensor_get_double (sample[0], 0), i);
      assert_equals_int64 (pare_tensor_get_int (sample[1], 0), 40 + i);
      pare_tensor_unref (sample[0]);
      pare_tensor_unref (sample[1]);
    }
  gst_harness_teardown (harness);
}
GST_END_TEST;

GST_START_TEST (test_a_stream_that_does_not_end_leaves_the_old_file)
{
  g_autofree char *path = g_build_filename (folder, "out.npy", NULL);
  g_autofree char *text = NULL;
  GstHarness *harness;

  fail_unless (g_file_set_contents (path, "old", -1, NULL));
  harness = new_sink (path, TWO_FLOATS);
  assert_equals_int (gst_harness_push (harness, new_sample (1, 2)), GST_FLOW_OK);
  gst_harness_teardown (harness);
  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  assert_equals_string (text, "old");
}
GST_END_TEST;

static void
assert_error (GstHarness *harness, GstBus *bus, const char *part)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, part) != NULL, "%s", error->message);
  /* Messages left on the bus hold the element, which holds the bus. */
  gst_bus_set_flushing (bus, TRUE);
}

static GstBus *
watch (GstHarness *harness)
{
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (harness->element, bus);
  return bus;
}

GST_START_TEST (test_what_cannot_be_written_is_an_error)
{
  g_autofree char *path = g_build_filename (folder, "out.npy", NULL);
  GstHarness *harness = new_sink (path, TWO_FLOATS);
  g_autoptr (GstBus) bus = watch (harness);

  /* No sample at all. */
  gst_harness_push_event (harness, gst_event_new_eos ());
  assert_error (harness, bus, "without a sample");
  fail_if (g_file_test (path, G_FILE_TEST_EXISTS));
  gst_harness_teardown (harness);

  /* Two tensors into a file for one. */
  harness = new_sink (path, FLOATS_AND_LABEL);
  gst_clear_object (&bus);
  bus = watch (harness);
  {
    guint8 bytes[16] = { 0 };
    assert_equals_int (gst_harness_push (harness, gst_buffer_new_memdup (bytes, sizeof bytes)), GST_FLOW_ERROR);
  }
  assert_error (harness, bus, ".npz");
  gst_harness_teardown (harness);

  /* A folder that is not there. */
  harness = new_sink ("/nonexistent/out.npy", TWO_FLOATS);
  gst_clear_object (&bus);
  bus = watch (harness);
  assert_equals_int (gst_harness_push (harness, new_sample (1, 2)), GST_FLOW_ERROR);
  assert_error (harness, bus, "/nonexistent/out.npy");
  gst_harness_teardown (harness);
}
GST_END_TEST;

static Suite *
tensorsink_suite (void)
{
  Suite *suite = suite_create ("tensorsink");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, test_samples_are_stacked_and_appear_at_the_end);
  tcase_add_test (tests, test_several_tensors_go_into_an_archive);
  tcase_add_test (tests, test_a_stream_that_does_not_end_leaves_the_old_file);
  tcase_add_test (tests, test_what_cannot_be_written_is_an_error);
  return suite;
}

GST_CHECK_MAIN (tensorsink);
