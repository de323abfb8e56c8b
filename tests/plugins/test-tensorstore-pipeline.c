/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorstore between real elements: one decoder feeds calibrator and evaluator, one graph after the other. The numbers
 * are those of the same jobs with a decoder for each. */
#include "../folder.h"
#include "gst/pipeline.h"
#include <gst/gst.h>
#include <string.h>

#define FASHION "/usr/share/datasets/fashion-mnist/"
#define SAMPLES                                                                                                        \
  "tensorsrc location=" FASHION "train-images-idx3-ubyte.gz labels=" FASHION                                           \
  "train-labels-idx1-ubyte.gz samples=96 ! tensorizer mean=0.2860 std=0.3530"

typedef struct
{
  char *folder, *model;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->folder = folder_create ();
  fixture->model = g_test_build_filename (G_TEST_DIST, "models", "fashion-resnet.onnx", NULL);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  folder_remove (fixture->folder);
  g_free (fixture->model);
}

static gboolean
have_fashion (void)
{
  if (g_file_test (FASHION "train-images-idx3-ubyte.gz", G_FILE_TEST_EXISTS))
    return TRUE;
  g_test_skip ("The package dataset-fashion-mnist is not installed.");
  return FALSE;
}

/* Runs @pipeline to its end. */
static void
finish (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static GstElement *
run (const char *format, ...)
{
  g_autofree char *launch = NULL;
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;
  va_list arguments;

  va_start (arguments, format);
  launch = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  pipeline = gst_parse_launch_full (launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  finish (pipeline);
  return pipeline;
}

/* What the evaluator called "e" found. */
static void
results (GstElement *pipeline, double *top1, double *loss, guint64 *n)
{
  g_autoptr (GstElement) evaluator = gst_bin_get_by_name (GST_BIN (pipeline), "e");

  g_object_get (evaluator, "top1", top1, "loss", loss, "n", n, NULL);
}

static void
assert_same_file (Fixture *fixture, const char *one, const char *other)
{
  g_autofree char *first = g_build_filename (fixture->folder, one, NULL);
  g_autofree char *second = g_build_filename (fixture->folder, other, NULL);
  g_autofree char *left = NULL, *right = NULL;
  gsize n, m;

  g_assert_true (g_file_get_contents (first, &left, &n, NULL));
  g_assert_true (g_file_get_contents (second, &right, &m, NULL));
  g_assert_cmpmem (left, n, right, m);
}

static void
test_one_decoder_feeds_calibrator_and_evaluator (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstElement) apart = NULL, together = NULL;
  double top1[2], loss[2];
  guint64 n[2];

  if (!have_fashion ())
    return;
  apart
      = run ("onnxloader location=%s ! graphfuser ! graphcalibrator name=c ! graphquantizer ! graphevaluator name=e ! "
             "onnxexporter location=%s/apart.onnx  " SAMPLES " ! c.tensors  " SAMPLES " ! e.tensors",
             fixture->model, fixture->folder);
  together = run ("onnxloader location=%s ! graphfuser ! graphcalibrator name=c ! graphquantizer ! graphevaluator "
                  "name=e ! onnxexporter location=%s/together.onnx  " SAMPLES
                  " ! tensorstore name=s memory-limit=100000 s. ! c.tensors  s. ! e.tensors",
                  fixture->model, fixture->folder);
  results (apart, &top1[0], &loss[0], &n[0]);
  results (together, &top1[1], &loss[1], &n[1]);
  g_assert_cmpuint (n[0], ==, 96);
  g_assert_cmpuint (n[1], ==, 96);
  g_assert_cmpfloat (top1[0], ==, top1[1]);
  g_assert_cmpfloat (loss[0], ==, loss[1]);
  assert_same_file (fixture, "apart.onnx", "together.onnx");
}

/* Two graphs, each evaluated on all samples: the second would find none without a store. */
static void
test_every_graph_gets_a_pass (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstElement) one = NULL, both = NULL;
  double top1[2], loss[2];
  guint64 n[2];

  if (!have_fashion ())
    return;
  one = run ("onnxloader location=%s ! graphevaluator name=e ! fakesink async=false  " SAMPLES " ! e.tensors",
             fixture->model);
  both = run ("funnel name=g ! graphevaluator name=e ! fakesink async=false  onnxloader location=%s ! g.  "
              "onnxloader location=%s ! g.  " SAMPLES " ! tensorstore ! e.tensors",
              fixture->model, fixture->model);
  results (one, &top1[0], &loss[0], &n[0]);
  results (both, &top1[1], &loss[1], &n[1]);
  g_assert_cmpuint (n[1], ==, 96);
  g_assert_cmpfloat (top1[0], ==, top1[1]);
  g_assert_cmpfloat (loss[0], ==, loss[1]);
}

static void
test_pipeline_can_run_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstElement) pipeline = NULL;
  double top1[2], loss[2];
  guint64 n[2];

  if (!have_fashion ())
    return;
  pipeline = run ("onnxloader location=%s ! graphevaluator name=e ! fakesink async=false  " SAMPLES
                  " ! tensorstore src_0::shuffle=true ! e.tensors",
                  fixture->model);
  results (pipeline, &top1[0], &loss[0], &n[0]);
  finish (pipeline);
  results (pipeline, &top1[1], &loss[1], &n[1]);
  g_assert_cmpuint (n[1], ==, 96);
  g_assert_cmpfloat (top1[0], ==, top1[1]);
  g_assert_cmpfloat (loss[0], ==, loss[1]);
}

#define JOB                                                                                                            \
  "<pipeline xmlns='urn:pare:pipeline:1' version='1'>\n"                                                               \
  "<chain><element factory='tensorsrc'><property name='location'>%s</property></element>\n"                            \
  "<element id='s' factory='tensorstore'>\n"                                                                           \
  "<property name='%s::passes'>%s</property></element>\n"                                                              \
  "<element factory='fakesink'/></chain></pipeline>"

static char *
write_job (Fixture *fixture, const char *pad, const char *passes)
{
  char *path = g_build_filename (fixture->folder, "job.xml", NULL);
  g_autofree char *text = g_strdup_printf (JOB, FASHION "train-images-idx3-ubyte.gz", pad, passes);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static guint
passes_of_pad (GstElement *pipeline)
{
  g_autoptr (GstElement) store = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  guint passes;

  gst_child_proxy_get (GST_CHILD_PROXY (store), "src_0::passes", &passes, NULL);
  return passes;
}

static void
test_xml_and_launch_strings_set_pad_properties (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = write_job (fixture, "src_0", "3");
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_pare_pipeline_load (path, NULL, &error);
  g_autofree char *launch = NULL, *xml = NULL, *again = NULL;
  const char *override[] = { "s.src_0::passes=5", NULL };
  g_autoptr (GstElement) overridden = NULL, launched = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (passes_of_pad (pipeline), ==, 3);
  overridden = gst_pare_pipeline_load (path, override, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (passes_of_pad (overridden), ==, 5);

  launch = gst_pare_pipeline_to_launch (path, NULL, &error);
  g_assert_no_error (error);
  launched = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (passes_of_pad (launched), ==, 3);
  xml = gst_pare_pipeline_from_launch (launch, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (path, xml, -1, NULL));
  again = gst_pare_pipeline_to_launch (path, NULL, &error);
  g_assert_cmpstr (again, ==, launch);
}

static void
test_wrong_pad_properties_are_errors (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *pad, *passes, *says;
  } wrong[] = {
    { "src_1", "3", ":4: The property 'src_1::passes' is of 'src_1', which 's' does not have; did you mean 'src_0'?" },
    { "src_0", "-3", "it must be from 0 to 4294967295" },
    { "src_0::deeper", "3", "is of 'deeper', which 'src_0' does not have" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *path = write_job (fixture, wrong[i].pad, wrong[i].passes);
      g_autoptr (GError) error = NULL;
      g_assert_null (gst_pare_pipeline_load (path, NULL, &error));
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, wrong[i].says));
    }
}

#define ADD(name) g_test_add ("/tensorstore-pipeline/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (one_decoder_feeds_calibrator_and_evaluator);
  ADD (every_graph_gets_a_pass);
  ADD (pipeline_can_run_again);
  ADD (xml_and_launch_strings_set_pad_properties);
  ADD (wrong_pad_properties_are_errors);
  return g_test_run ();
}
