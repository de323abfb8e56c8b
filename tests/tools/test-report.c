/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare report on records whose content is known: what the text and the page say, and what is refused. */
#include "process.h"
#include <glib/gstdio.h>
#include <string.h>

#define BEGIN "{\"entries\":["
#define END "]}"

static const char trained[] = BEGIN
    "{\"stage\":\"graphquantizer\",\"layer\":\"conv1\",\"action\":\"quantized\",\"numbers\":{\"weight_sqnr_db\":41.25}}"
    ","
    "{\"stage\":\"graphquantizer\",\"layer\":\"conv2\",\"action\":\"quantized\",\"numbers\":{\"weight_sqnr_db\":20.5}},"
    "{\"stage\":\"graphquantizer\",\"layer\":\"odd\",\"action\":\"left in float\",\"reason\":\"nobody runs it\"},"
    "{\"stage\":\"graphtrainer\",\"layer\":\"\",\"action\":\"trained\","
    "\"numbers\":{\"epoch\":1,\"loss\":0.75,\"accuracy\":0.5,\"learning-rate\":0.1,\"validation-loss\":1.0}},"
    "{\"stage\":\"graphtrainer\",\"layer\":\"\",\"action\":\"trained\","
    "\"numbers\":{\"epoch\":2,\"loss\":0.5,\"accuracy\":0.625,\"learning-rate\":0.01,\"validation-loss\":null}},"
    "{\"stage\":\"graphtrainer\",\"layer\":\"\",\"action\":\"trained\","
    "\"numbers\":{\"epoch\":3,\"loss\":0.25,\"accuracy\":0.875,\"learning-rate\":0.001,\"validation-loss\":0.5}}" END;

static char *
write_record (const char *text, gssize length)
{
  char *path = scratch_path ("record.json");
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, length, &error);
  g_assert_no_error (error);
  return path;
}

static char *
print_record (const char *text)
{
  g_autofree char *path = write_record (text, -1);
  g_auto (Process) process = pare ("report", path, NULL);

  g_assert_cmpstr (process.err, ==, "");
  g_assert_cmpint (process.status, ==, 0);
  return g_steal_pointer (&process.out);
}

static char *
make_page (const char *text)
{
  g_autofree char *path = write_record (text, -1);
  g_autofree char *output = scratch_path ("page.html");
  g_auto (Process) process = pare ("report", path, "-o", output, NULL);
  g_autoptr (GError) error = NULL;
  char *page = NULL;

  assert_said (&process, "page.html");
  g_file_get_contents (output, &page, NULL, &error);
  g_assert_no_error (error);
  return page;
}

static guint
count (const char *text, const char *what)
{
  guint n = 0;

  for (const char *at = text; (at = strstr (at, what)); at++)
    n++;
  return n;
}

/* What the page draws under @title. */
static char *
figure (const char *page, const char *title)
{
  g_autofree char *caption = g_strdup_printf ("<figcaption>%s", title);
  const char *start = strstr (page, caption);
  const char *end = start ? strstr (start, "</figure>") : NULL;

  g_assert_nonnull (end);
  return g_strndup (start, end - start);
}

/* The height of the image's point that is number @index of its class, downwards. */
static double
point_height (const char *image, const char *class, guint index)
{
  g_autofree char *circle = g_strdup_printf ("<circle class=\"point %s\"", class);
  const char *at = image;

  for (guint i = 0; i <= index; i++, at++)
    {
      at = strstr (at, circle);
      g_assert_nonnull (at);
    }
  return g_ascii_strtod (strstr (at, "cy=\"") + 4, NULL);
}

static void
test_text_counts_reasons_and_lists_layers (void)
{
  g_autofree char *text = print_record (trained);

  g_assert_nonnull (
      strstr (text, "graphquantizer: 3 entries\n       2 quantized\n       1 left in float: nobody runs it\n"));
  g_assert_nonnull (strstr (text, "quantized: weight_sqnr_db 41.25\n"));
  g_assert_nonnull (strstr (text, "epoch 3, loss 0.25, accuracy 0.875, learning-rate 0.001, validation-loss 0.5\n"));
  /* What the stage could not tell is not told as a number. */
  g_assert_nonnull (strstr (text, "learning-rate 0.01, validation-loss -\n"));
}

static void
test_page_lists_every_layer_with_its_numbers (void)
{
  g_autofree char *page = make_page (trained);

  g_assert_nonnull (strstr (page, "<td>conv1</td><td>quantized</td><td class=\"n\">41.25</td>"));
  g_assert_nonnull (strstr (page, "<td>odd</td><td>left in float</td><td class=\"n\"></td>"
                                  "<td class=\"wrap\">nobody runs it</td>"));
  g_assert_nonnull (strstr (page, "<td class=\"n\">2</td><td>quantized</td>"));
}

static void
test_plots_have_a_point_for_every_epoch (void)
{
  g_autofree char *page = make_page (trained);
  g_autofree char *loss = figure (page, "Loss");
  g_autofree char *accuracy = figure (page, "Accuracy");
  g_autofree char *rate = figure (page, "Learning rate");

  g_assert_cmpuint (count (loss, "class=\"point s0\""), ==, 3);
  /* One of them was not validated. */
  g_assert_cmpuint (count (loss, "class=\"point s1\""), ==, 2);
  g_assert_cmpuint (count (accuracy, "class=\"point"), ==, 3);
  g_assert_cmpuint (count (rate, "class=\"point"), ==, 3);
  g_assert_nonnull (strstr (loss, "<title>training, 2: 0.5</title>"));
}

static void
test_points_stand_at_the_height_of_their_numbers (void)
{
  g_autofree char *page = make_page (trained);
  g_autofree char *loss = figure (page, "Loss");
  double heights[3];

  for (guint i = 0; i < 3; i++)
    heights[i] = point_height (loss, "s0", i);
  /* 0.75, 0.5 and 0.25: evenly, downwards, and the place is written with one digit. */
  g_assert_cmpfloat (heights[1] - heights[0], >, 20);
  g_assert_cmpfloat_with_epsilon (heights[2] - heights[1], heights[1] - heights[0], 0.21);
  /* Both lines share an axis: validation's 0.5 of epoch 3 is as high as training's of epoch 2. */
  g_assert_cmpfloat_with_epsilon (point_height (loss, "s1", 1), heights[1], 0.01);
}

static void
test_layers_are_drawn_as_rows (void)
{
  g_autofree char *page = make_page (
      BEGIN
      "{\"stage\":\"graphcalibrator\",\"layer\":\"a\",\"action\":\"calibrated\",\"numbers\":{\"low\":-1,\"high\":3}},"
      "{\"stage\":\"graphquantizer\",\"layer\":\"b\",\"action\":\"quantized\",\"numbers\":{\"weight_sqnr_db\":40}},"
      "{\"stage\":\"graphquantizer\",\"layer\":\"c\",\"action\":\"quantized\",\"numbers\":{\"weight_sqnr_db\":20}},"
      "{\"stage\":\"graphdistiller\",\"layer\":\"d\",\"action\":\"distilled\","
      "\"numbers\":{\"before\":0.5,\"after\":0.125}}" END);
  g_autofree char *ranges = figure (page, "Calibrated ranges");
  g_autofree char *noise = figure (page, "Signal to quantization noise");
  g_autofree char *distance = figure (page, "Distance from the teacher");
  double widths[2];

  g_assert_nonnull (strstr (ranges, "<title>a: -1 to 3</title>"));
  g_assert_nonnull (strstr (distance, "<title>d: 0.5 to 0.125</title>"));
  g_assert_cmpuint (count (noise, "class=\"bar"), ==, 2);
  widths[0] = g_ascii_strtod (strstr (strstr (noise, "class=\"bar"), "width=\"") + 7, NULL);
  widths[1] = g_ascii_strtod (strstr (strstr (noise, "<title>c"), "width=\"") + 7, NULL);
  /* 40 dB is twice as long as 20. */
  g_assert_cmpfloat_with_epsilon (widths[0], 2 * widths[1], 0.21);
}

static void
test_hostile_strings_stay_text (void)
{
  static const char record[]
      = BEGIN "{\"stage\":\"<script>s</script>\",\"layer\":\"x\",\"action\":\"<b>\",\"reason\":\"</svg><img src=x "
              "onerror=alert(1)>\"},"
              "{\"stage\":\"graphquantizer\",\"layer\":\"\\\"><script>l</script>\\u001b[2J\",\"action\":\"</td>\","
              "\"numbers\":{\"<i>n\":1,\"weight_sqnr_db\":3}}" END;
  g_autofree char *page = make_page (record);
  g_autofree char *text = print_record (record);

  g_assert_null (strstr (page, "<script"));
  g_assert_null (strstr (page, "<img"));
  g_assert_null (strstr (page, "<b>"));
  g_assert_null (strstr (page, "<i>"));
  g_assert_nonnull (strstr (page, "&lt;script&gt;s&lt;/script&gt;"));
  /* In the plot and in the table. */
  g_assert_cmpuint (count (page, "&lt;script&gt;l&lt;/script&gt;"), >=, 2);
  /* A terminal is not told to do anything. */
  g_assert_null (strchr (page, 0x1b));
  g_assert_null (strchr (text, 0x1b));
}

static void
test_absurd_numbers_are_drawn_inside (void)
{
  g_autofree char *page = make_page (
      BEGIN
      "{\"stage\":\"graphcalibrator\",\"layer\":\"a\",\"action\":\"c\",\"numbers\":{\"low\":-1.7e308,\"high\":1.7e308}}"
      ","
      "{\"stage\":\"graphcalibrator\",\"layer\":\"b\",\"action\":\"c\",\"numbers\":{\"low\":0,\"high\":0}},"
      "{\"stage\":\"graphquantizer\",\"layer\":\"a\",\"action\":\"q\",\"numbers\":{\"weight_sqnr_db\":1e308}},"
      "{\"stage\":\"graphdistiller\",\"layer\":\"a\",\"action\":\"d\",\"numbers\":{\"before\":1e308,\"after\":5e-324}},"
      "{\"stage\":\"graphdistiller\",\"layer\":\"b\",\"action\":\"d\",\"numbers\":{\"before\":0,\"after\":-1}},"
      "{\"stage\":\"graphtrainer\",\"layer\":\"\",\"action\":\"t\",\"numbers\":{\"epoch\":1e300,\"loss\":-1e308}},"
      "{\"stage\":\"graphtrainer\",\"layer\":\"\",\"action\":\"t\",\"numbers\":{\"epoch\":0,\"loss\":1e308}}" END);

  g_assert_cmpuint (count (page, "<figure"), ==, 4);
  g_assert_null (strstr (page, "\"nan"));
  g_assert_null (strstr (page, "\"-nan"));
  g_assert_null (strstr (page, "\"inf"));
  g_assert_null (strstr (page, "\"-inf"));
}

static void
test_long_records_are_cut_on_the_page_and_say_so (void)
{
  g_autoptr (GString) record = g_string_new (BEGIN);
  g_autofree char *page = NULL, *text = NULL;

  for (guint i = 0; i < 6000; i++)
    g_string_append_printf (record,
                            "%s{\"stage\":\"graphquantizer\",\"layer\":\"l%u\",\"action\":\"q\","
                            "\"numbers\":{\"weight_sqnr_db\":%u}}",
                            i ? "," : "", i, i);
  g_string_append (record, END);
  page = make_page (record->str);
  g_assert_cmpuint (count (page, "<td>l"), ==, 5000);
  g_assert_nonnull (strstr (page, "1000 more entries are in the record and not shown."));
  g_assert_cmpuint (count (page, "class=\"bar"), ==, 400);
  g_assert_nonnull (strstr (page, "5600 more are in the record and not drawn."));
  text = print_record (record->str);
  g_assert_nonnull (strstr (text, "  l5999 "));
}

static void
test_what_is_no_record_is_refused (void)
{
  g_autofree char *deep = g_strnfill (1 << 20, '[');
  const struct
  {
    const char *text, *mention;
  } bad[] = {
    { "", "is no record" },
    { "junk", "is no record" },
    { "{\"model\":\"a\"}", "is no record" },
    { "[1,2]", "is no record" },
    { deep, "is no record" },
    { BEGIN END, "is empty" },
    { BEGIN "1" END, "is no record" },
    { BEGIN "{}" END, "stage, layer and action" },
    { BEGIN "{\"stage\":1,\"layer\":\"\",\"action\":\"a\"}" END, "stage, layer and action" },
    { BEGIN "{\"stage\":\"s\",\"layer\":\"\",\"action\":\"a\",\"numbers\":{\"n\":\"many\"}}" END, "numbers" },
    { BEGIN "{\"stage\":\"s\",\"layer\":\"\",\"action\":\"a\",\"numbers\":[[[[[[[[[[1]]]]]]]]]]}" END, "deep" },
    { BEGIN "{\"stage\":\"s\",\"layer\":\"\",\"action\":\"a\"", "without end" },
    { BEGIN "{\"stage\":\"s\",\"layer\":\"\",\"action\":\"a\"},", "is no record" },
    { BEGIN "{\"stage\":\"s\",\"layer\":\"\",\"action\":\"a\"}]} more", "does not end well" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *path = write_record (bad[i].text, -1);
      g_autofree char *output = scratch_path ("never.html");
      g_auto (Process) process = pare ("report", path, "-o", output, NULL);
      assert_refused (&process, bad[i].mention);
      g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
    }
}

static void
test_files_that_cannot_be_are_refused (void)
{
  g_autofree char *path = write_record (trained, -1);
  g_autofree char *missing = scratch_path ("missing.json");
  g_autofree char *nowhere = scratch_path ("no-folder/page.html");
  g_autofree char *now = NULL;
  g_auto (Process) absent = pare ("report", missing, NULL);
  g_auto (Process) folder = pare ("report", "/tmp", NULL);
  g_auto (Process) unwritable = pare ("report", path, "-o", nowhere, NULL);
  g_auto (Process) itself = pare ("report", path, "-o", path, NULL);

  assert_refused (&absent, "missing.json");
  assert_refused (&folder, "not a regular file");
  assert_refused (&unwritable, "no-folder/page.html");
  assert_refused (&itself, "is the record itself");
  g_assert_true (g_file_get_contents (path, &now, NULL, NULL));
  g_assert_cmpstr (now, ==, trained);
}

/* An IDX file of bytes that differ, below @limit. */
static char *
write_idx (const char *name, const guint8 *header, gsize header_size, gsize n, guint limit)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *path = scratch_path (name);
  g_autoptr (GError) error = NULL;

  g_byte_array_append (bytes, header, header_size);
  for (gsize i = 0; i < n; i++)
    g_byte_array_append (bytes, &(guint8){ i * 7 % limit }, 1);
  g_file_set_contents (path, (const char *)bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&path);
}

/* Runs a recipe on 40 made-up samples and makes a page of its record. */
static char *
page_of_recipe (const char *recipe, const char *first, const char *second)
{
  static const guint8 images[] = { 0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 28, 0, 0, 0, 28 };
  static const guint8 labels[] = { 0, 0, 8, 1, 0, 0, 0, 40 };
  g_autofree char *data = write_idx ("samples-idx3-ubyte", images, sizeof images, 40 * 28 * 28, 251);
  g_autofree char *label = write_idx ("labels-idx1-ubyte", labels, sizeof labels, 40, 10);
  g_autofree char *model = model_path ("fashion-mobilenet.onnx");
  g_autofree char *output = scratch_path ("model.onnx");
  g_autofree char *record = scratch_path ("real.json");
  g_autofree char *model_word = g_strconcat ("model=", model, NULL);
  g_autofree char *data_word = g_strconcat ("data=", data, NULL);
  g_autofree char *output_word = g_strconcat ("output=", output, NULL);
  g_autofree char *record_word = g_strconcat ("record=", record, NULL);
  g_autofree char *label_word = g_strconcat ("labels=", label, NULL);
  g_auto (Process) process = pare ("run", recipe, model_word, data_word, output_word, record_word, "batch-size=8",
                                   first, second, g_str_equal (recipe, "distill") ? NULL : label_word, NULL);
  g_autofree char *text = NULL;

  assert_said (&process, "model.onnx");
  g_assert_true (g_file_get_contents (record, &text, NULL, NULL));
  return make_page (text);
}

/* The names of the numbers that are plotted are those that the stages write. */
static void
test_training_is_plotted (void)
{
  g_autofree char *page = page_of_recipe ("train", "epochs=3", "samples=40");
  g_autofree char *loss = figure (page, "Loss");
  g_autofree char *accuracy = figure (page, "Accuracy");
  g_autofree char *rate = figure (page, "Learning rate");

  g_assert_cmpuint (count (loss, "class=\"point s0\""), ==, 3);
  g_assert_cmpuint (count (loss, "class=\"point s1\""), ==, 3);
  g_assert_cmpuint (count (accuracy, "class=\"point s1\""), ==, 3);
  g_assert_cmpuint (count (rate, "class=\"point"), ==, 3);
  /* The best of them on the validation samples was kept. */
  g_assert_cmpuint (count (loss, "<title>kept: "), ==, 1);
}

static void
test_distillation_is_plotted (void)
{
  g_autofree char *page = page_of_recipe ("distill", "samples=40", "calibration-samples=8");
  g_autofree char *ranges = figure (page, "Calibrated ranges");
  g_autofree char *noise = figure (page, "Signal to quantization noise");
  g_autofree char *distance = figure (page, "Distance from the teacher");

  g_assert_nonnull (strstr (ranges, "<title>/stem/stem.2/Clip: 0 to "));
  /* 17 convolutions and a Gemm have weights. */
  g_assert_cmpuint (count (noise, "class=\"bar"), ==, 18);
  /* They and the whole network. */
  g_assert_cmpuint (count (distance, "<title>"), ==, 19);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_create ();
  g_test_add_func ("/report/text-counts-reasons-and-lists-layers", test_text_counts_reasons_and_lists_layers);
  g_test_add_func ("/report/page-lists-every-layer-with-its-numbers", test_page_lists_every_layer_with_its_numbers);
  g_test_add_func ("/report/plots-have-a-point-for-every-epoch", test_plots_have_a_point_for_every_epoch);
  g_test_add_func ("/report/points-stand-at-the-height-of-their-numbers",
                   test_points_stand_at_the_height_of_their_numbers);
  g_test_add_func ("/report/layers-are-drawn-as-rows", test_layers_are_drawn_as_rows);
  g_test_add_func ("/report/hostile-strings-stay-text", test_hostile_strings_stay_text);
  g_test_add_func ("/report/absurd-numbers-are-drawn-inside", test_absurd_numbers_are_drawn_inside);
  g_test_add_func ("/report/long-records-are-cut-on-the-page-and-say-so",
                   test_long_records_are_cut_on_the_page_and_say_so);
  g_test_add_func ("/report/what-is-no-record-is-refused", test_what_is_no_record_is_refused);
  g_test_add_func ("/report/files-that-cannot-be-are-refused", test_files_that_cannot_be_are_refused);
  g_test_add_func ("/report/training-is-plotted", test_training_is_plotted);
  g_test_add_func ("/report/distillation-is-plotted", test_distillation_is_plotted);
  status = g_test_run ();
  scratch_remove ();
  return status;
}
