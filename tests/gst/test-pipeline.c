/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pipelines from XML do what they say: they run, take parameters, include files, and link as written. */
#include "pipeline-file.h"

static GstElement *
load (Folder *folder, const char *body, const char *const *assignments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = folder_write_job (folder, body);
  GstElement *pipeline = gst_pare_pipeline_load (path, assignments, &error);

  g_assert_no_error (error);
  g_assert_true (g_object_is_floating (pipeline));
  return gst_object_ref_sink (pipeline);
}

static void
count_buffer (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer count)
{
  (*(guint *)count)++;
}

/* Runs to the end and counts what arrives at the fakesink "sink". */
static guint
run (GstElement *pipeline)
{
  guint count = 0;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (count_buffer), &count);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message
      = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS ? count : G_MAXUINT;
}

static char *
get_string (GstElement *pipeline, const char *id, const char *property)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), id);
  char *text;

  g_assert_nonnull (element);
  g_object_get (element, property, &text, NULL);
  return text;
}

static int
get_int (GstElement *pipeline, const char *id, const char *property)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), id);
  int number;

  g_assert_nonnull (element);
  g_object_get (element, property, &number, NULL);
  return number;
}

static void
test_chain_runs (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GstElement) pipeline
      = load (folder,
              "<chain><element factory='fakesrc'><property name='num-buffers'>7</property></element>"
              "<element factory='identity'/><element id='sink' factory='fakesink'/></chain>",
              NULL);

  g_assert_cmpuint (run (pipeline), ==, 7);
}

#define PARAMETERS                                                                                                     \
  "<param name='n' type='int' default='3'/><param name='word' type='string'/>"                                         \
  "<element id='source' factory='fakesrc'><property name='num-buffers'>${n}</property></element>"                      \
  "<element id='file' factory='filesink'><property name='location'>/${word}/$${n}-$5</property></element>"

static void
test_parameters_are_substituted (void)
{
  g_autoptr (Folder) folder = folder_new ();
  const char *only_required[] = { "word=a=b", NULL };
  const char *both[] = { "word=x", "n=12", "n=13", NULL };
  g_autoptr (GstElement) first = load (folder, PARAMETERS, only_required);
  g_autoptr (GstElement) second = load (folder, PARAMETERS, both);
  g_autofree char *location = get_string (first, "file", "location");

  g_assert_cmpint (get_int (first, "source", "num-buffers"), ==, 3);
  g_assert_cmpstr (location, ==, "/a=b/${n}-$5");
  /* The last assignment wins. */
  g_assert_cmpint (get_int (second, "source", "num-buffers"), ==, 13);
}

static void
test_assignment_overrides_property (void)
{
  g_autoptr (Folder) folder = folder_new ();
  const char *assignments[] = { "word=x", "source.num-buffers=4", "source.sizemax=99", NULL };
  g_autoptr (GstElement) pipeline = load (folder, PARAMETERS, assignments);

  g_assert_cmpint (get_int (pipeline, "source", "num-buffers"), ==, 4);
  g_assert_cmpint (get_int (pipeline, "source", "sizemax"), ==, 99);
}

static void
test_when_leaves_pieces_out (void)
{
  static const struct
  {
    const char *assignment;
    const char *when;
    gboolean middle, other;
  } cases[] = {
    { "on=", "on", FALSE, TRUE },        { "on=yes", "on", TRUE, FALSE },      { "on=false", "on", FALSE, TRUE },
    { "word=a", "word=a", TRUE, FALSE }, { "word=ab", "word=a", FALSE, TRUE }, { "word=b", "on word=b", TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Folder) folder = folder_new ();
      const char *assignments[] = { cases[i].assignment, NULL };
      g_autofree char *xml = g_strdup_printf (
          "<param name='on' type='boolean' default=''/><param name='word' type='string' default=''/>"
          "<chain><element factory='fakesrc'><property name='num-buffers'>2</property></element>"
          "<element id='middle' factory='identity' when='%s'/><element id='sink' factory='fakesink'/></chain>"
          "<element id='other' factory='identity' when='!%s'/>",
          cases[i].when, cases[i].when);
      g_autoptr (GstElement) pipeline = load (folder, xml, assignments);
      g_autoptr (GstElement) middle = gst_bin_get_by_name (GST_BIN (pipeline), "middle");
      g_autoptr (GstElement) other = gst_bin_get_by_name (GST_BIN (pipeline), "other");
      g_assert_cmpint (middle != NULL, ==, cases[i].middle);
      g_assert_cmpint (other != NULL, ==, cases[i].other);
      g_clear_pointer (&other, gst_object_unref);
      /* The chain is whole either way. */
      g_assert_cmpuint (run (pipeline), ==, 2);
    }
}

static void
test_caps_and_request_pads_are_linked (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GstElement) pipeline
      = load (folder,
              "<element id='source' factory='videotestsrc'><property name='num-buffers'>2</property></element>\n"
              "<element id='t' factory='tee'/><element id='sink' factory='fakesink'/>\n"
              "<link from='source' to='t' caps='video/x-raw, format=GRAY8, width=20, height=10'/>\n"
              "<link from='t.src_5' to='sink.sink'/>",
              NULL);
  g_autoptr (GstElement) tee = gst_bin_get_by_name (GST_BIN (pipeline), "t");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (tee, "src_5");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) end = gst_element_get_static_pad (sink, "sink");

  g_assert_nonnull (pad);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND), ==, GST_STATE_CHANGE_SUCCESS);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (end);
  g_autoptr (GstCaps) wanted = gst_caps_from_string ("video/x-raw, format=GRAY8, width=20, height=10");
  g_assert_true (gst_caps_is_subset (caps, wanted));
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
test_pads_that_come_later_are_linked (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GstElementFactory) encoder = gst_element_factory_find ("jpegenc");
  g_autoptr (GstElementFactory) decoder = gst_element_factory_find ("jpegdec");

  if (!encoder || !decoder)
    {
      g_test_skip ("There is no JPEG plugin.");
      return;
    }
  g_autoptr (GstElement) pipeline
      = load (folder,
              "<chain><element factory='videotestsrc'><property name='num-buffers'>3</property></element>"
              "<element factory='jpegenc'/><element factory='decodebin'/><caps>video/x-raw</caps>"
              "<element id='sink' factory='fakesink'/></chain>",
              NULL);
  g_assert_cmpuint (run (pipeline), ==, 3);
}

static void
test_pad_that_never_fits_is_an_error (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GstElementFactory) decoder = gst_element_factory_find ("decodebin");

  if (!decoder)
    {
      g_test_skip ("There is no decodebin.");
      return;
    }
  g_autoptr (GstElement) pipeline
      = load (folder,
              "<chain><element factory='videotestsrc'><property name='num-buffers'>3</property></element>"
              "<element factory='decodebin'/><caps>audio/x-raw</caps><element id='sink' factory='fakesink'/></chain>",
              NULL);
  g_assert_cmpuint (run (pipeline), ==, G_MAXUINT);
}

static void
test_bins_nest_with_ghost_pads (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GstElement) pipeline
      = load (folder,
              "<chain><element factory='fakesrc'><property name='num-buffers'>5</property></element>"
              "<ref to='outer'/><element id='sink' factory='fakesink'/></chain>"
              "<bin id='outer'><ghost name='sink' pad='inner.in'/><ghost name='src' pad='last.src'/>"
              "<bin id='inner'><ghost name='in' pad='first.sink'/><ghost name='src' pad='first.src'/>"
              "<element id='first' factory='identity'/></bin>"
              "<element id='last' factory='identity'/><link from='inner' to='last'/></bin>",
              NULL);
  g_autoptr (GstElement) outer = gst_bin_get_by_name (GST_BIN (pipeline), "outer");
  g_autoptr (GstElement) first = gst_bin_get_by_name (GST_BIN (outer), "first");
  g_autoptr (GstPad) ghost = gst_element_get_static_pad (outer, "sink");

  g_assert_nonnull (first);
  g_assert_true (GST_IS_GHOST_PAD (ghost));
  g_assert_cmpuint (run (pipeline), ==, 5);
}

static void
test_includes_are_relative_and_nest (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autofree char *parameters
      = folder_write (folder, "parameters.xml",
                      "<fragment xmlns='urn:pare:pipeline:1'><param name='n' type='int' default='6'/></fragment>");
  g_autofree char *source = folder_write (folder, "source.xml",
                                          "<element xmlns='urn:pare:pipeline:1' id='source' factory='fakesrc'>"
                                          "<property name='num-buffers'>${n}</property></element>");
  g_autofree char *chain
      = folder_write (folder, "chain.xml",
                      "<chain xmlns='urn:pare:pipeline:1' xmlns:xi='http://www.w3.org/2001/XInclude'>"
                      "<xi:include href='source.xml'/><element id='sink' factory='fakesink'/></chain>");
  g_autoptr (GstElement) pipeline
      = load (folder, "<xi:include href='parameters.xml'/><xi:include href='chain.xml'/>", NULL);

  g_assert_cmpuint (run (pipeline), ==, 6);
}

static void
test_written_paths_are_relative_to_the_file (void)
{
  g_autoptr (Folder) folder = folder_new ();
  const char *assignments[] = { "given=here.bin", NULL };
  g_autoptr (GstElement) pipeline
      = load (folder,
              "<param name='given' type='path'/><param name='left' type='path' default='left.bin'/>"
              "<element id='a' factory='filesrc'><property name='location'>a.bin</property></element>"
              "<element id='b' factory='filesrc'><property name='location'>/b.bin</property></element>"
              "<element id='c' factory='filesrc'><property name='location'>${given}</property></element>"
              "<element id='d' factory='filesrc'><property name='location'>${left}</property></element>",
              assignments);
  g_autofree char *beside = g_build_filename (folder->path, "a.bin", NULL);
  g_autofree char *left = g_build_filename (folder->path, "left.bin", NULL);
  const struct
  {
    const char *id, *location;
  } expected[] = { { "a", beside }, { "b", "/b.bin" }, { "c", "here.bin" }, { "d", left } };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *location = get_string (pipeline, expected[i].id, "location");
      g_assert_cmpstr (location, ==, expected[i].location);
    }
}

static void
test_parameters_are_listed (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *doc = NULL;
  g_autofree char *path = folder_write (
      folder, "job.xml",
      "<pipeline xmlns='urn:pare:pipeline:1' doc='Does it.'><param name='model' type='path' doc='A file'/>"
      "<param name='n' type='int' default='3'/></pipeline>");
  g_autoptr (GArray) list = gst_pare_pipeline_parameters (path, &doc, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (doc, ==, "Does it.");
  g_assert_cmpuint (list->len, ==, 2);
  const GstPareParameter *model = &g_array_index (list, GstPareParameter, 0);
  const GstPareParameter *n = &g_array_index (list, GstPareParameter, 1);
  g_assert_cmpstr (model->name, ==, "model");
  g_assert_cmpstr (model->type, ==, "path");
  g_assert_null (model->fallback);
  g_assert_cmpstr (model->doc, ==, "A file");
  g_assert_cmpstr (n->fallback, ==, "3");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/chain-runs", test_chain_runs);
  g_test_add_func ("/pipeline/parameters-are-substituted", test_parameters_are_substituted);
  g_test_add_func ("/pipeline/assignment-overrides-property", test_assignment_overrides_property);
  g_test_add_func ("/pipeline/when-leaves-pieces-out", test_when_leaves_pieces_out);
  g_test_add_func ("/pipeline/caps-and-request-pads-are-linked", test_caps_and_request_pads_are_linked);
  g_test_add_func ("/pipeline/pads-that-come-later-are-linked", test_pads_that_come_later_are_linked);
  g_test_add_func ("/pipeline/pad-that-never-fits-is-an-error", test_pad_that_never_fits_is_an_error);
  g_test_add_func ("/pipeline/bins-nest-with-ghost-pads", test_bins_nest_with_ghost_pads);
  g_test_add_func ("/pipeline/includes-are-relative-and-nest", test_includes_are_relative_and_nest);
  g_test_add_func ("/pipeline/written-paths-are-relative-to-the-file", test_written_paths_are_relative_to_the_file);
  g_test_add_func ("/pipeline/parameters-are-listed", test_parameters_are_listed);
  return g_test_run ();
}
