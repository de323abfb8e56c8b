/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare run, launch and convert: jobs that end well, and every way in which a pipeline can fail to. */
#include "process.h"
#include <signal.h>
#include <string.h>

static char *
launch_line (const char *output)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");

  return g_strdup_printf ("onnxloader location=%s ! graphfuser ! onnxexporter location=%s", model, output);
}

static void
test_launch_says_what_it_wrote (void)
{
  g_autofree char *output = scratch_path ("launch.onnx"), *line = launch_line (output);
  g_auto (Process) process = pare ("launch", line, NULL);
  g_autofree char *mention = g_strdup_printf ("Wrote %s (", output);

  assert_said (&process, mention);
  g_assert_true (g_file_test (output, G_FILE_TEST_EXISTS));
}

static void
test_launch_tells_results_in_json (void)
{
  g_autofree char *output = scratch_path ("json.onnx"), *line = launch_line (output);
  g_auto (Process) process = pare ("launch", "--json", line, NULL);
  g_autoptr (JsonObject) root = assert_json (&process);
  JsonObject *result = json_array_get_object_element (json_object_get_array_member (root, "results"), 0);
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (output, &content, &length, NULL));
  g_assert_cmpstr (json_object_get_string_member (result, "location"), ==, output);
  g_assert_cmpint (json_object_get_int_member (result, "bytes"), ==, (gint64)length);
}

static void
test_recipe_does_the_same_as_the_line (void)
{
  g_autofree char *by_line = scratch_path ("line.onnx"), *by_recipe = scratch_path ("recipe.onnx");
  g_autofree char *line = launch_line (by_line), *model = model_path ("fashion-resnet.onnx");
  g_autofree char *model_word = g_strconcat ("model=", model, NULL);
  g_autofree char *output_word = g_strconcat ("output=", by_recipe, NULL);
  g_auto (Process) launched = pare ("launch", line, NULL);
  g_auto (Process) run = pare ("run", "fuse", model_word, output_word, NULL);
  g_autofree char *a = NULL, *b = NULL;
  gsize n_a, n_b;

  assert_said (&launched, "Wrote");
  assert_said (&run, "Wrote");
  g_assert_true (g_file_get_contents (by_line, &a, &n_a, NULL));
  g_assert_true (g_file_get_contents (by_recipe, &b, &n_b, NULL));
  g_assert_cmpmem (a, n_a, b, n_b);
}

static void
test_recipe_help_lists_parameters (void)
{
  g_auto (Process) process = pare ("run", "ptq-int8", "--help", NULL);

  assert_said (&process, "\n  model ");
  assert_said (&process, "\n  samples ");
}

static void
test_unknown_names_tell_the_nearest (void)
{
  g_auto (Process) recipe = pare ("run", "ptq-int9", NULL);
  g_auto (Process) parameter = pare ("run", "fuse", "modle=x.onnx", NULL);

  assert_refused (&recipe, "ptq-int8");
  assert_refused (&parameter, "'model'");
}

static void
test_unbuildable_line_is_refused (void)
{
  g_auto (Process) process = pare ("launch", "no-such-element ! fakesink", NULL);

  assert_refused (&process, "no-such-element");
}

static void
test_endless_pipelines_are_refused (void)
{
  g_auto (Process) no_sink = pare ("launch", "fakesrc num-buffers=1 ! identity", NULL);
  g_auto (Process) idle_sink = pare ("launch", "fakesrc num-buffers=1 ! fakesink fakesink name=lonely", NULL);
  g_auto (Process) single = pare ("launch", "fakesink", NULL);

  assert_refused (&no_sink, "no sink");
  assert_refused (&idle_sink, "'lonely'");
  assert_refused (&single, "fakesink0");
}

static void
test_unlinked_source_is_refused (void)
{
  g_auto (Process) process = pare ("launch", "fakesrc num-buffers=100000 ! fakesink fakesrc name=loose", NULL);

  assert_refused (&process, "'loose' failed: streaming stopped, reason not-linked");
}

static void
test_failures_name_the_file_and_leave_nothing (void)
{
  g_autofree char *output = scratch_path ("untouched.onnx"), *nowhere = scratch_path ("no-such-folder/x.onnx");
  g_autofree char *missing = g_strdup_printf ("onnxloader location=no-such.onnx ! onnxexporter location=%s", output);
  g_autofree char *unwritable = launch_line (nowhere);
  g_auto (Process) no_model = pare ("launch", missing, NULL);
  g_auto (Process) no_folder = pare ("launch", unwritable, NULL);

  assert_refused (&no_model, "no-such.onnx");
  assert_refused (&no_folder, "no-such-folder");
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

/* What a stage says reaches the user as it is. */
static void
test_calibration_without_samples_is_refused (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *line = g_strdup_printf ("onnxloader location=%s ! graphcalibrator name=c ! fakesink", model);
  g_auto (Process) process = pare ("launch", line, NULL);

  assert_refused (&process, "sample");
}

/* The file of filesink appears when the pipeline runs: then it is time to interrupt. */
static void
test_interrupt_ends_with_130 (void)
{
  g_autofree char *output = scratch_path ("endless.bin");
  g_autofree char *line = g_strdup_printf ("fakesrc sizetype=fixed sizemax=1 datarate=1000 do-timestamp=true "
                                           "is-live=true ! filesink location=%s",
                                           output);
  g_autoptr (GSubprocess) process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE, NULL, PARE_COMMAND, "launch", line, NULL);
  g_autofree char *said = NULL;

  for (guint i = 0; i < 1000 && !g_file_test (output, G_FILE_TEST_EXISTS); i++)
    g_usleep (10000);
  g_subprocess_send_signal (process, SIGINT);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &said, NULL));
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 130);
  g_assert_nonnull (strstr (said, "Interrupted"));
}

static void
test_convert_goes_both_ways (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("PARE_RECIPES"), "fuse.xml", NULL);
  g_auto (Process) line = pare ("convert", path, "model=in.onnx", "output=out.onnx", NULL);
  g_auto (Process) xml = pare ("convert", "fakesrc num-buffers=3 ! fakesink", NULL);
  g_auto (Process) missing = pare ("convert", "no-such.xml", NULL);

  assert_said (&line, "onnxloader");
  assert_said (&line, "location=in.onnx");
  assert_said (&xml, "<pipeline");
  assert_said (&xml, "num-buffers");
  assert_refused (&missing, "no-such.xml");
}

static void
test_list_knows_every_kind (void)
{
  static const struct
  {
    const char *kind, *name;
  } known[] = {
    { "recipes", "ptq-int8" }, { "stages", "graphfuser" }, { "algorithms", "minmax" },
    { "forms", "qdq" },        { "fusions", "identity" },  { "operators", "Conv" },
  };
  g_auto (Process) process = pare ("list", "--json", NULL);
  g_autoptr (JsonObject) root = assert_json (&process);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      JsonArray *things = json_object_get_array_member (root, known[i].kind);
      gboolean found = FALSE;
      for (guint j = 0; j < json_array_get_length (things); j++)
        found |= g_str_equal (json_object_get_string_member (json_array_get_object_element (things, j), "name"),
                              known[i].name);
      if (!found)
        g_error ("no %s among the %s", known[i].name, known[i].kind);
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_create ();
  g_test_add_func ("/launch/says-what-it-wrote", test_launch_says_what_it_wrote);
  g_test_add_func ("/launch/tells-results-in-json", test_launch_tells_results_in_json);
  g_test_add_func ("/launch/unbuildable-line", test_unbuildable_line_is_refused);
  g_test_add_func ("/launch/endless-pipelines", test_endless_pipelines_are_refused);
  g_test_add_func ("/launch/unlinked-source", test_unlinked_source_is_refused);
  g_test_add_func ("/launch/failures-name-the-file", test_failures_name_the_file_and_leave_nothing);
  g_test_add_func ("/launch/calibration-without-samples", test_calibration_without_samples_is_refused);
  g_test_add_func ("/launch/interrupt", test_interrupt_ends_with_130);
  g_test_add_func ("/run/same-as-the-line", test_recipe_does_the_same_as_the_line);
  g_test_add_func ("/run/help-lists-parameters", test_recipe_help_lists_parameters);
  g_test_add_func ("/run/unknown-names", test_unknown_names_tell_the_nearest);
  g_test_add_func ("/convert/both-ways", test_convert_goes_both_ways);
  g_test_add_func ("/list/every-kind", test_list_knows_every_kind);
  status = g_test_run ();
  scratch_remove ();
  return status;
}
