/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorsrc: what its buffers hold, and what it says about files that do not fit. */
#include "../folder.h"
#include "data/reader.h"
#include "gst/tensorcaps.h"
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

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

/* float32 [n,2]: sample i is {i, -i}. */
static char *
write_data (guint n)
{
  char *path = g_build_filename (folder, "data.npy", NULL);
  PareShape shape = pare_shape_of (2, n, 2);
  g_autofree float *numbers = g_new (float, 2 * n);
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < n; i++)
    {
      numbers[2 * i] = i;
      numbers[2 * i + 1] = -(float)i;
    }
  tensor = pare_tensor_new_floats (&shape, numbers);
  fail_unless (pare_npy_save (tensor, path, NULL));
  return path;
}

/* int64 [n]: label i is 100 + i. */
static char *
write_labels (guint n)
{
  char *path = g_build_filename (folder, "labels.npy", NULL);
  g_autofree gint64 *numbers = g_new (gint64, n);
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < n; i++)
    numbers[i] = 100 + i;
  tensor = pare_tensor_new_int64s (n, numbers);
  fail_unless (pare_npy_save (tensor, path, NULL));
  return path;
}

GST_START_TEST (test_samples_come_with_their_labels)
{
  g_autofree char *data = write_data (5);
  g_autofree char *labels = write_labels (5);
  GstHarness *harness;
  GstElement *source = gst_element_factory_make ("tensorsrc", NULL);
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GstCaps) expected
      = gst_caps_from_string ("other/tensors, format=(string)static, num_tensors=2, dimensions=(string)\"2,1\", "
                              "types=(string)\"float32,int64\", framerate=0/1");

  g_object_set (source, "location", data, "labels", labels, "start", (guint64)1, "samples", (guint64)3, NULL);
  harness = gst_harness_new_with_element (source, NULL, "src");
  gst_harness_play (harness);
  for (guint i = 1; i < 4; i++)
    {
      g_autoptr (GstBuffer) buffer = gst_harness_pull (harness);
      float numbers[2];
      gint64 label;
      GstMapInfo map;

      fail_if (GST_BUFFER_PTS_IS_VALID (buffer));
      assert_equals_int (gst_buffer_n_memory (buffer), 2);
      assert_equals_int (gst_buffer_extract (buffer, 0, numbers, 8), 8);
      assert_equals_float (numbers[0], i);
      assert_equals_float (numbers[1], -(float)i);
      fail_unless (gst_memory_map (gst_buffer_peek_memory (buffer, 1), &map, GST_MAP_READ));
      assert_equals_int (map.size, 8);
      memcpy (&label, map.data, 8);
      assert_equals_int64 (label, 100 + i);
      gst_memory_unmap (gst_buffer_peek_memory (buffer, 1), &map);
    }
  caps = gst_pad_get_current_caps (harness->sinkpad);
  fail_unless (gst_caps_is_equal (caps, expected));
  /* After the third sample comes the end, not a fourth. */
  for (gboolean ended = FALSE; !ended;)
    {
      g_autoptr (GstEvent) event = gst_harness_pull_event (harness);
      fail_unless (event != NULL);
      ended = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    }
  assert_equals_int (gst_harness_buffers_received (harness), 3);
  gst_object_unref (source);
  gst_harness_teardown (harness);
}
GST_END_TEST;

/* Starts a source and returns the first error that it posts. */
static GError *
start_error (const char *location, const char *labels, guint64 start)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *source = gst_element_factory_make ("tensorsrc", NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  GError *error = NULL;

  g_object_set (source, "location", location, "labels", labels, "start", start, NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, sink, NULL);
  fail_unless (gst_element_link (source, sink));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return error;
}

GST_START_TEST (test_files_that_do_not_fit_are_errors)
{
  g_autofree char *data = write_data (5);
  g_autofree char *labels = write_labels (4);
  g_autoptr (GError) none = start_error (NULL, NULL, 0);
  g_autoptr (GError) missing = start_error ("/nonexistent.npy", NULL, 0);
  g_autoptr (GError) fewer = start_error (data, labels, 0);
  g_autoptr (GError) beyond = start_error (data, NULL, 5);

  fail_unless (g_error_matches (none, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));
  fail_unless (g_error_matches (missing, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless (strstr (missing->message, "/nonexistent.npy") != NULL);
  fail_unless (strstr (fewer->message, "5 samples") && strstr (fewer->message, "4 labels"));
  fail_unless (strstr (beyond->message, "5 samples") != NULL);
}
GST_END_TEST;

GST_START_TEST (test_the_number_of_samples_is_a_duration)
{
  g_autofree char *data = write_data (7);
  GstHarness *harness;
  GstElement *source = gst_element_factory_make ("tensorsrc", NULL);
  gint64 total = 0;

  g_object_set (source, "location", data, "start", (guint64)2, NULL);
  harness = gst_harness_new_with_element (source, NULL, "src");
  gst_harness_play (harness);
  fail_unless (gst_element_query_duration (source, GST_FORMAT_BUFFERS, &total));
  assert_equals_int64 (total, 5);
  gst_object_unref (source);
  gst_harness_teardown (harness);
}
GST_END_TEST;

static Suite *
tensorsrc_suite (void)
{
  Suite *suite = suite_create ("tensorsrc");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, test_samples_come_with_their_labels);
  tcase_add_test (tests, test_files_that_do_not_fit_are_errors);
  tcase_add_test (tests, test_the_number_of_samples_is_a_duration);
  return suite;
}

GST_CHECK_MAIN (tensorsrc);
