/* SPDX-License-Identifier: LGPL-2.1-or-later
 * other/tensors caps and buffers: the order of sizes, both spellings, flexible headers, hostile caps. */
#include "gst/tensorcaps.h"
#include <gst/check/gstcheck.h>

static gboolean
parse (const char *text, GArray **specs, GError **error)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  fail_unless (caps != NULL);
  return gst_pare_tensor_caps_parse (caps, specs, error);
}

GST_START_TEST (test_caps_write_the_innermost_size_first)
{
  const PareSpec specs[] = { { PARE_FLOAT32, { 4, { 1, 3, 20, 10 } } }, { PARE_INT64, { 0 } } };
  g_autoptr (GstCaps) caps = gst_pare_tensor_caps_new (2, specs);
  g_autoptr (GstCaps) expected
      = gst_caps_from_string ("other/tensors, format=(string)static, num_tensors=(int)2, "
                              "dimensions=(string)\"10:20:3:1,1\", types=(string)\"float32,int64\", "
                              "framerate=(fraction)0/1");
  g_autoptr (GstCaps) template = gst_caps_from_string (GST_PARE_TENSORS_CAPS);

  fail_unless (gst_caps_is_fixed (caps));
  fail_unless (gst_caps_is_strictly_equal (caps, expected));
  fail_unless (gst_caps_is_subset (caps, template));
}
GST_END_TEST;

GST_START_TEST (test_caps_refuse_types_that_do_not_travel)
{
  const PareSpec boolean = { PARE_BOOL, { 1, { 3 } } }, empty = { PARE_FLOAT32, { 2, { 0, 3 } } };

  fail_unless (gst_pare_tensor_caps_new (1, &boolean) == NULL);
  fail_unless (gst_pare_tensor_caps_new (1, &empty) == NULL);
}
GST_END_TEST;

GST_START_TEST (test_both_spellings_are_understood)
{
  const char *texts[] = {
    "other/tensors, format=static, num_tensors=2, dimensions=(string)\"3:4,1:1\", types=(string)\"uint8,int32\"",
    "other/tensors, format=static, num_tensors=2, dimensions=(string)\"3:4:0:0.1:1\", types=(string)\"uint8.int32\"",
    "other/tensors, num_tensors=2, dimensions=(string)\" 3:4 , 1:1 \", types=(string)\"uint8, int32\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GArray) specs = NULL;
      g_autoptr (GError) error = NULL;
      PareShape head = pare_shape_of (2, 4, 3), tail = pare_shape_of (2, 1, 1);

      fail_unless (parse (texts[i], &specs, &error));
      assert_equals_int (specs->len, 2);
      assert_equals_int (g_array_index (specs, PareSpec, 0).type, PARE_UINT8);
      assert_equals_int (g_array_index (specs, PareSpec, 1).type, PARE_INT32);
      fail_unless (pare_shape_equal (&g_array_index (specs, PareSpec, 0).shape, &head));
      fail_unless (pare_shape_equal (&g_array_index (specs, PareSpec, 1).shape, &tail));
    }
}
GST_END_TEST;

GST_START_TEST (test_malformed_caps_are_errors)
{
  const char *texts[] = {
    "video/x-raw",
    "other/tensors, format=sparse",
    "other/tensors, format=static, num_tensors=1, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=4:1, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=4, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)\"\", types=(string)\"\"",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)-3:4, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)3x:4, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)99999999999, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)2147483647:2147483647:4, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)2:2:2:2:2:2:2:2:2:2:2:2:2, types=(string)uint8",
    "other/tensors, format=static, num_tensors=2, dimensions=(string)3:4, types=(string)uint8",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)3:4, types=(string)bool",
    "other/tensors, format=static, num_tensors=1, dimensions=(string)3:4, types=(string)\"uint8,uint8\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GArray) specs = NULL;
      g_autoptr (GError) error = NULL;

      fail_if (parse (texts[i], &specs, &error), "accepted: %s", texts[i]);
      fail_unless (specs == NULL && g_error_matches (error, PARE_ERROR, PARE_ERROR_FORMAT));
    }
}
GST_END_TEST;

GST_START_TEST (test_buffers_share_the_bytes_of_tensors)
{
  PareShape shape = pare_shape_of (2, 2, 2);
  const float numbers[] = { 1, 2, 3, 4 };
  const gint64 label = 7;
  g_autoptr (PareTensor) head = pare_tensor_new_floats (&shape, numbers);
  g_autoptr (PareTensor) tail = pare_tensor_new_int64s (1, &label);
  PareTensor *tensors[] = { head, tail };
  PareSpec specs[] = { { head->type, head->shape }, { tail->type, tail->shape } };
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  g_autoptr (GstBuffer) buffer = gst_pare_buffer_from_tensors (tensors, 2);
  g_autoptr (GPtrArray) back = NULL;
  g_autoptr (GError) error = NULL;

  g_array_append_vals (array, specs, 2);
  assert_equals_int (gst_buffer_n_memory (buffer), 2);
  back = gst_pare_buffer_to_tensors (buffer, array, &error);
  fail_unless (back != NULL);
  fail_unless (pare_tensor_equal (back->pdata[0], head) && pare_tensor_equal (back->pdata[1], tail));
  fail_unless (pare_tensor_data (back->pdata[0]) == pare_tensor_data (head));
  /* The tensors keep the memory alive by themselves. */
  gst_clear_buffer (&buffer);
  assert_equals_float (pare_tensor_get_double (back->pdata[0], 3), 4);
}
GST_END_TEST;

GST_START_TEST (test_merged_memory_is_split_again)
{
  PareSpec specs[] = { { PARE_UINT8, { 1, { 3 } } }, { PARE_INT32, { 1, { 1 } } } };
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  gint32 number = 123456;
  guint8 bytes[7] = { 1, 2, 3 };
  g_autoptr (GstBuffer) buffer = NULL;
  g_autoptr (GPtrArray) tensors = NULL;

  memcpy (bytes + 3, &number, 4);
  g_array_append_vals (array, specs, 2);
  buffer = gst_buffer_new_memdup (bytes, sizeof bytes);
  tensors = gst_pare_buffer_to_tensors (buffer, array, NULL);
  fail_unless (tensors != NULL);
  assert_equals_int (pare_tensor_get_int (tensors->pdata[0], 2), 3);
  /* It lies at an odd address in the buffer, so it has to be a copy. */
  assert_equals_int (pare_tensor_get_int (tensors->pdata[1], 0), 123456);
  fail_unless ((guintptr)pare_tensor_data (tensors->pdata[1]) % 4 == 0);
}
GST_END_TEST;

GST_START_TEST (test_wrong_sizes_and_counts_are_errors)
{
  PareSpec spec = { PARE_FLOAT32, { 1, { 4 } } };
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  g_autoptr (GstBuffer) shorter = gst_buffer_new_allocate (NULL, 12, NULL);
  g_autoptr (GstBuffer) empty = gst_buffer_new ();
  g_autoptr (GError) error = NULL;

  g_array_append_val (array, spec);
  fail_unless (gst_pare_buffer_to_tensors (shorter, array, &error) == NULL);
  fail_unless (strstr (error->message, "12 bytes") && strstr (error->message, "16 bytes"));
  g_clear_error (&error);
  fail_unless (gst_pare_buffer_to_tensors (empty, array, &error) == NULL);
  fail_unless (g_error_matches (error, PARE_ERROR, PARE_ERROR_FORMAT));
}
GST_END_TEST;

/* A flexible buffer of float32 [2,3] when nothing is spoilt. */
static GstBuffer *
flexible_buffer (guint word, guint32 value)
{
  guint32 words[32 + 6] = { 0xfeedcced, 0xDE001000, 7, 3, 2, 1 };

  words[19] = 1;
  words[20] = 4;
  for (guint i = 0; i < 6; i++)
    {
      float number = i;
      memcpy (words + 32 + i, &number, 4);
    }
  words[word] = value;
  return gst_buffer_new_memdup (words, sizeof words);
}

GST_START_TEST (test_flexible_buffers_describe_themselves)
{
  g_autoptr (GstBuffer) buffer = flexible_buffer (0, 0xfeedcced);
  g_autoptr (GPtrArray) tensors = gst_pare_buffer_to_tensors (buffer, NULL, NULL);
  PareShape shape = pare_shape_of (3, 1, 2, 3);
  PareTensor *tensor;

  fail_unless (tensors != NULL && tensors->len == 1);
  tensor = tensors->pdata[0];
  fail_unless (pare_shape_equal (&tensor->shape, &shape));
  assert_equals_int (tensor->type, PARE_FLOAT32);
  assert_equals_float (pare_tensor_get_double (tensor, 5), 5);
}
GST_END_TEST;

GST_START_TEST (test_spoilt_flexible_headers_are_errors)
{
  const guint32 spoilt[][2] = { { 0, 1 }, { 2, 99 }, { 3, 0 }, { 3, 4 }, { 4, 0xffffffff } };

  for (guint i = 0; i < G_N_ELEMENTS (spoilt); i++)
    {
      g_autoptr (GstBuffer) buffer = flexible_buffer (spoilt[i][0], spoilt[i][1]);
      g_autoptr (GError) error = NULL;
      fail_unless (gst_pare_buffer_to_tensors (buffer, NULL, &error) == NULL);
      fail_unless (g_error_matches (error, PARE_ERROR, PARE_ERROR_FORMAT));
    }
}
GST_END_TEST;

static Suite *
tensorcaps_suite (void)
{
  Suite *suite = suite_create ("tensorcaps");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_caps_write_the_innermost_size_first);
  tcase_add_test (tests, test_caps_refuse_types_that_do_not_travel);
  tcase_add_test (tests, test_both_spellings_are_understood);
  tcase_add_test (tests, test_malformed_caps_are_errors);
  tcase_add_test (tests, test_buffers_share_the_bytes_of_tensors);
  tcase_add_test (tests, test_merged_memory_is_split_again);
  tcase_add_test (tests, test_wrong_sizes_and_counts_are_errors);
  tcase_add_test (tests, test_flexible_buffers_describe_themselves);
  tcase_add_test (tests, test_spoilt_flexible_headers_are_errors);
  return suite;
}

GST_CHECK_MAIN (tensorcaps);
