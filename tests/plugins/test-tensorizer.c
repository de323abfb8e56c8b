/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorizer: exact numbers for every kind of input, against arithmetic written out here. */
#include "gst/tensorcaps.h"
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <glib/gstdio.h>

static GstHarness *
new_tensorizer (const char *launch, const char *caps)
{
  GstHarness *harness = gst_harness_new_parse (launch);

  fail_unless (harness != NULL);
  gst_harness_set_src_caps_str (harness, caps);
  return harness;
}

static PareTensor *
pull_tensor (GstHarness *harness, guint index)
{
  g_autoptr (GstBuffer) buffer = gst_harness_pull (harness);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (harness->sinkpad);
  g_autoptr (GArray) specs = NULL;
  g_autoptr (GPtrArray) tensors = NULL;
  g_autoptr (GError) error = NULL;

  fail_unless (buffer != NULL && gst_pare_tensor_caps_parse (caps, &specs, NULL));
  tensors = gst_pare_buffer_to_tensors (buffer, specs, &error);
  fail_unless (tensors != NULL && index < tensors->len);
  return pare_tensor_ref (tensors->pdata[index]);
}

static void
assert_shape (const PareTensor *tensor, const char *expected)
{
  g_autofree char *text = pare_shape_to_string (&tensor->shape);

  assert_equals_string (text, expected);
  assert_equals_int (tensor->type, PARE_FLOAT32);
}

/* Rows of RGB, 3 wide, are padded to 12 bytes; every byte of the padding is poison. */
GST_START_TEST (test_padding_of_odd_widths_is_left_out)
{
  GstHarness *harness = new_tensorizer ("tensorizer mean=0.1,0.2,0.3 std=0.5,1,2",
                                        "video/x-raw,format=RGB,width=3,height=2,framerate=0/1");
  const float mean[] = { 0.1f, 0.2f, 0.3f }, std[] = { 0.5f, 1, 2 };
  const float scale = (float)(1.0 / 255);
  guint8 bytes[24];
  g_autoptr (PareTensor) tensor = NULL;

  memset (bytes, 0xee, sizeof bytes);
  for (guint y = 0; y < 2; y++)
    for (guint i = 0; i < 9; i++)
      bytes[12 * y + i] = 100 * y + 11 * i;
  gst_harness_push (harness, gst_buffer_new_memdup (bytes, sizeof bytes));
  tensor = pull_tensor (harness, 0);
  assert_shape (tensor, "[1,3,2,3]");
  for (guint c = 0; c < 3; c++)
    for (guint y = 0; y < 2; y++)
      for (guint x = 0; x < 3; x++)
        {
          float pixel = 100 * y + 11 * (3 * x + c);
          float expected = (pixel * scale - mean[c]) / std[c];
          fail_unless ((float)pare_tensor_get_double (tensor, (c * 2 + y) * 3 + x) == expected);
        }
  gst_harness_teardown (harness);
}
GST_END_TEST;

GST_START_TEST (test_colours_have_their_order_in_every_format)
{
  static const struct
  {
    const char *format;
    guint8 pixel[4];
    guint size;
  } cases[] = {
    { "RGB", { 10, 20, 30 }, 3 },      { "BGR", { 30, 20, 10 }, 3 },      { "RGBx", { 10, 20, 30, 99 }, 4 },
    { "xBGR", { 99, 30, 20, 10 }, 4 }, { "BGRA", { 30, 20, 10, 99 }, 4 }, { "ARGB", { 99, 10, 20, 30 }, 4 },
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      gboolean bgr = i % 2;
      g_autofree char *caps
          = g_strdup_printf ("video/x-raw,format=%s,width=1,height=1,framerate=0/1", cases[i / 2].format);
      GstHarness *harness = new_tensorizer (bgr ? "tensorizer scale=1 channel-order=bgr" : "tensorizer scale=1", caps);
      g_autoptr (PareTensor) tensor = NULL;

      gst_harness_push (harness, gst_buffer_new_memdup (cases[i / 2].pixel, 4));
      tensor = pull_tensor (harness, 0);
      assert_shape (tensor, "[1,3,1,1]");
      for (guint c = 0; c < 3; c++)
        assert_equals_float (pare_tensor_get_double (tensor, c), bgr ? 30 - 10.0 * c : 10 + 10.0 * c);
      gst_harness_teardown (harness);
    }
}
GST_END_TEST;

GST_START_TEST (test_channels_last)
{
  GstHarness *harness = new_tensorizer ("tensorizer scale=1 mean=1,2,3 layout=nhwc",
                                        "video/x-raw,format=RGB,width=4,height=1,framerate=0/1");
  guint8 bytes[12];
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < 12; i++)
    bytes[i] = 10 * i;
  gst_harness_push (harness, gst_buffer_new_memdup (bytes, sizeof bytes));
  tensor = pull_tensor (harness, 0);
  assert_shape (tensor, "[1,1,4,3]");
  for (guint i = 0; i < 12; i++)
    assert_equals_float (pare_tensor_get_double (tensor, i), 10.0 * i - (i % 3 + 1));
  gst_harness_teardown (harness);
}
GST_END_TEST;

GST_START_TEST (test_audio_channels_are_taken_apart)
{
  GstHarness *harness = new_tensorizer (
      "tensorizer", "audio/x-raw,format=S16LE,layout=interleaved,rate=8000,channels=2,channel-mask=(bitmask)3");
  const gint16 samples[] = { 16384, -32768, 0, 8192, -16384, 32767 };
  const float expected[] = { 0.5f, 0, -0.5f, -1, 0.25f, 32767 / 32768.0f };
  g_autoptr (PareTensor) tensor = NULL;
  g_autoptr (PareTensor) longer = NULL;
  gint16 silence[8] = { 0 };

  gst_harness_push (harness, gst_buffer_new_memdup (samples, sizeof samples));
  tensor = pull_tensor (harness, 0);
  assert_shape (tensor, "[1,2,3]");
  for (guint i = 0; i < 6; i++)
    fail_unless ((float)pare_tensor_get_double (tensor, i) == expected[i]);
  /* The next buffer may be of another length. */
  gst_harness_push (harness, gst_buffer_new_memdup (silence, sizeof silence));
  longer = pull_tensor (harness, 0);
  assert_shape (longer, "[1,2,4]");
  gst_harness_teardown (harness);
}
GST_END_TEST;

GST_START_TEST (test_labels_pass_unchanged)
{
  GstHarness *harness = new_tensorizer (
      "tensorizer mean=0.5", "other/tensors,format=(string)static,num_tensors=2,dimensions=(string)\"2:2,1\","
                             "types=(string)\"uint8,int32\",framerate=0/1");
  const guint8 pixels[] = { 0, 51, 102, 255 };
  gint32 label = 7;
  GstBuffer *buffer = gst_buffer_new_memdup (pixels, sizeof pixels);
  g_autoptr (PareTensor) tensor = NULL;
  g_autoptr (PareTensor) passed = NULL;

  gst_buffer_append_memory (buffer, gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, &label, 4, 0, 4, NULL, NULL));
  gst_harness_push (harness, gst_buffer_ref (buffer));
  gst_harness_push (harness, buffer);
  tensor = pull_tensor (harness, 0);
  assert_shape (tensor, "[2,2]");
  for (guint i = 0; i < 4; i++)
    fail_unless ((float)pare_tensor_get_double (tensor, i) == pixels[i] * (float)(1.0 / 255) - 0.5f);
  passed = pull_tensor (harness, 1);
  assert_equals_int (passed->type, PARE_INT32);
  assert_equals_int (pare_tensor_get_int (passed, 0), 7);
  gst_harness_teardown (harness);
}
GST_END_TEST;

GST_START_TEST (test_tensors_change_their_layout)
{
  GstHarness *harness = new_tensorizer (
      "tensorizer mean=1,2,3 input-layout=nhwc",
      "other/tensors,format=(string)static,num_tensors=1,dimensions=(string)3:2:2:2,types=(string)float32,"
      "framerate=0/1");
  float numbers[24];
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < 24; i++)
    numbers[i] = 100 * i;
  gst_harness_push (harness, gst_buffer_new_memdup (numbers, sizeof numbers));
  tensor = pull_tensor (harness, 0);
  assert_shape (tensor, "[2,3,2,2]");
  for (guint n = 0; n < 2; n++)
    for (guint c = 0; c < 3; c++)
      for (guint i = 0; i < 4; i++)
        assert_equals_float (pare_tensor_get_double (tensor, (n * 3 + c) * 4 + i),
                             100.0 * ((n * 4 + i) * 3 + c) - (c + 1));
  gst_harness_teardown (harness);
}
GST_END_TEST;

/* 3:224:224 and 3:224:224:1 do not intersect as text. */
GST_START_TEST (test_the_other_spelling_downstream_is_taken)
{
  GstHarness *harness = gst_harness_new ("tensorizer");
  g_autoptr (GstCaps) caps = NULL;

  gst_harness_set_sink_caps_str (harness, "other/tensors,format=(string)static,num_tensors=1,"
                                          "dimensions=(string)4:2:3,types=(string)float32,framerate=0/1");
  gst_harness_set_src_caps_str (harness, "video/x-raw,format=RGB,width=4,height=2,framerate=0/1");
  gst_harness_push (harness, gst_buffer_new_allocate (NULL, 24, NULL));
  caps = gst_pad_get_current_caps (harness->sinkpad);
  fail_unless (caps != NULL);
  assert_equals_string (gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"), "4:2:3");
  assert_equals_int (gst_harness_buffers_received (harness), 1);
  gst_harness_teardown (harness);
}
GST_END_TEST;

/* Runs @launch to its end; the error that it posts first, or NULL. */
static GError *
run (const char *launch)
{
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  GError *error = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message != NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return error;
}

GST_START_TEST (test_impossible_settings_are_errors)
{
  static const char *const cases[][2] = {
    { "mean=0.5,x", "'0.5,x'" },
    { "std=1,0,1", "above 0" },
    { "mean=0.1,0.2", "2 values and the data has 3 channels" },
    { "mean=nan", "'nan'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *launch = g_strdup_printf (
          "videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=8,height=8 ! tensorizer %s ! fakesink",
          cases[i][0]);
      g_autoptr (GError) error = run (launch);

      fail_unless (g_error_matches (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));
      fail_unless (strstr (error->message, cases[i][1]) != NULL, "%s", error->message);
    }
}
GST_END_TEST;

GST_START_TEST (test_png_files_give_the_same_numbers_as_the_pixels)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-tensorizer-XXXXXX", NULL);
  g_autofree char *files = g_build_filename (folder, "%03d.png", NULL);
  g_autofree char *direct = g_build_filename (folder, "direct.npy", NULL);
  g_autofree char *decoded = g_build_filename (folder, "decoded.npy", NULL);
  g_autofree char *write = g_strdup_printf ("videotestsrc num-buffers=3 pattern=smpte ! "
                                            "video/x-raw,format=RGB,width=37,height=21 ! tee name=t ! queue ! pngenc ! "
                                            "multifilesink location=%s async=false t. ! queue ! "
                                            "tensorizer mean=0.485,0.456,0.406 std=0.229,0.224,0.225 ! "
                                            "tensorsink location=%s",
                                            files, direct);
  g_autofree char *read = g_strdup_printf ("multifilesrc location=%s caps=image/png,framerate=1/1 ! pngdec ! "
                                           "videoconvert ! video/x-raw,format=RGB ! "
                                           "tensorizer mean=0.485,0.456,0.406 std=0.229,0.224,0.225 ! "
                                           "tensorsink location=%s",
                                           files, decoded);
  g_autofree char *left = NULL;
  g_autofree char *right = NULL;
  gsize left_size = 0, right_size = 0;
  g_autoptr (GstElementFactory) encoder = gst_element_factory_find ("pngenc");
  g_autoptr (GError) error = NULL;

  if (encoder)
    {
      error = run (write);
      fail_unless (error == NULL);
      error = run (read);
      fail_unless (error == NULL);
      fail_unless (g_file_get_contents (direct, &left, &left_size, NULL));
      fail_unless (g_file_get_contents (decoded, &right, &right_size, NULL));
      assert_equals_int (left_size, 128 + 3 * 3 * 37 * 21 * sizeof (float));
      fail_unless (left_size == right_size && memcmp (left, right, left_size) == 0);
      for (guint i = 0; i < 3; i++)
        {
          g_autofree char *file = g_strdup_printf ("%s/%03u.png", folder, i);
          g_remove (file);
        }
    }
  g_remove (direct);
  g_remove (decoded);
  g_rmdir (folder);
}
GST_END_TEST;

static Suite *
tensorizer_suite (void)
{
  Suite *suite = suite_create ("tensorizer");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_padding_of_odd_widths_is_left_out);
  tcase_add_test (tests, test_colours_have_their_order_in_every_format);
  tcase_add_test (tests, test_channels_last);
  tcase_add_test (tests, test_audio_channels_are_taken_apart);
  tcase_add_test (tests, test_labels_pass_unchanged);
  tcase_add_test (tests, test_tensors_change_their_layout);
  tcase_add_test (tests, test_the_other_spelling_downstream_is_taken);
  tcase_add_test (tests, test_impossible_settings_are_errors);
  tcase_add_test (tests, test_png_files_give_the_same_numbers_as_the_pixels);
  return suite;
}

GST_CHECK_MAIN (tensorizer);
