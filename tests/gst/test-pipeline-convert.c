/* SPDX-License-Identifier: LGPL-2.1-or-later
 * XML and gst-launch strings say the same: round trips are stable, and every value arrives as it was written. */
#include "graph/error.h"
#include "pipeline-file.h"

static char *
to_launch (Folder *folder, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = folder_write (folder, name, text);
  char *launch = gst_pare_pipeline_to_launch (path, NULL, &error);

  g_assert_no_error (error);
  g_test_message ("%s", launch);
  return launch;
}

static GstElement *
parse (const char *launch)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch_full (launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

  g_assert_no_error (error);
  return gst_object_ref_sink (pipeline);
}

static const struct
{
  const char *body;
  const char *launch;
} cases[] = {
  { "<chain><element factory='fakesrc'/><element factory='identity'/><element factory='fakesink'/></chain>",
    "fakesrc ! identity ! fakesink" },
  { "<element id='b' factory='fakesink'/><element id='a' factory='fakesrc'/><link from='a' to='b'/>",
    "fakesink name=b  fakesrc name=a ! b." },
  { "<chain><element factory='videotestsrc'/><caps>video/x-raw, width=8</caps><element id='t' factory='tee'/>"
    "<element factory='queue'/><element factory='fakesink'/></chain>"
    "<chain><ref to='t.src_3'/><element factory='queue'/><element factory='fakesink'/></chain>"
    "<chain><ref to='t'/><caps>video/x-raw, height=8</caps><element factory='queue'/><element "
    "factory='fakesink'/></chain>",
    "videotestsrc ! video/x-raw, width=8 ! tee name=t ! queue ! fakesink  t.src_3 ! queue ! fakesink  "
    "t. ! video/x-raw, height=8 ! queue ! fakesink" },
  { "<element id='f' factory='funnel'/><chain><element factory='fakesrc'/><ref to='f.sink_0'/></chain>"
    "<chain><element factory='fakesrc'/><ref to='f.sink_1'/></chain><link from='f' to='s'/>"
    "<element id='s' factory='fakesink'/>",
    "funnel name=f ! fakesink name=s  fakesrc ! f.sink_0  fakesrc ! f.sink_1" },
  /* Bins are printed as what is in them. */
  { "<bin id='b'><ghost name='sink' pad='i.sink'/><ghost name='src' pad='i.src'/><element id='i' "
    "factory='identity'/></bin>"
    "<chain><element factory='fakesrc'/><ref to='b'/><element factory='fakesink'/></chain>",
    "identity name=i  i.src ! fakesink  fakesrc ! i.sink" },
};

static void
test_round_trip_is_stable (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Folder) folder = folder_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strconcat (HEAD, cases[i].body, "</pipeline>", NULL);
      g_autofree char *first = to_launch (folder, "first.xml", text);
      g_assert_cmpstr (first, ==, cases[i].launch);
      g_autoptr (GstElement) pipeline = parse (first);
      g_autofree char *xml = gst_pare_pipeline_from_launch (first, &error);
      g_assert_no_error (error);
      g_autofree char *second = to_launch (folder, "second.xml", xml);
      g_assert_cmpstr (second, ==, first);
    }
}

static void
test_every_value_survives (void)
{
  static const char *const values[] = {
    "",        "plain",          "two words", "a,b;c",   "quote\"inside", "it's",  "\"all quoted\"",
    "\"",      "back\\slash",    "ends\\",    "a ! b",   "a=b",           "( a )", "${n}",
    "$$",      " space around ", "\xc3\xa9",  "a<b>&c",  "'single'",      "\\\"",  "@preset=x",
    "x. ! y.", "#%04d.png",      "a\"b\"c",   "\"a\" b", "\"a\"\"b\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (Folder) folder = folder_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (GString) doubled = g_string_new (values[i]);
      g_string_replace (doubled, "$", "$$", 0);
      g_autofree char *escaped = g_markup_escape_text (doubled->str, -1);
      g_autofree char *text = g_strconcat (
          HEAD, "<element id='c' factory='identity'/><element id='f' factory='progressreport'><property name='format'>",
          escaped, "</property></element></pipeline>", NULL);
      g_autofree char *launch = to_launch (folder, "first.xml", text);
      g_autoptr (GstElement) pipeline = parse (launch);
      g_autoptr (GstElement) carrier = gst_bin_get_by_name (GST_BIN (pipeline), "f");
      g_autofree char *arrived = NULL;
      g_object_get (carrier, "format", &arrived, NULL);
      g_assert_cmpstr (arrived, ==, values[i]);
      g_autofree char *xml = gst_pare_pipeline_from_launch (launch, &error);
      g_assert_no_error (error);
      g_autofree char *again = to_launch (folder, "second.xml", xml);
      g_assert_cmpstr (again, ==, launch);
    }
}

static void
test_launch_strings_that_are_wrong (void)
{
  static const struct
  {
    const char *launch, *says;
  } wrong[] = {
    { "", "no element" },
    { "   ", "no element" },
    { "fakesrc !", "nothing on its right" },
    { "! fakesink", "nothing on its left" },
    { "fakesrc ! ! fakesink", "nothing on its left" },
    { "fakesrc name=\"a", "not closed" },
    { "fakesrc ! video/x-raw", "followed by a link" },
    { "num-buffers=3 fakesrc", "belongs to no element" },
    { "( fakesrc ! fakesink )", "not understood" },
    { "bin.( fakesrc ! fakesink )", "not understood" },
    { "fakesrc ! nobody.", "No element has the id 'nobody'" },
    { "tee name=t  t.src_0,src_1 ! fakesink", "Several pads" },
    { "file:///tmp/a ! fakesink", "not understood" },
    { "fakesrc name=a ! fakesink name=a", "taken already" },
    { "fakesrc @x", "@preset=NAME" },
    { "fakesrc \xff", "not UTF-8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", wrong[i].launch);
      g_assert_null (gst_pare_pipeline_from_launch (wrong[i].launch, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, wrong[i].says));
    }
}

/* The same line that GStreamer reads gives the same elements and links through XML. */
static void
test_launch_spellings_are_understood (void)
{
  static const char *const spellings[] = {
    "fakesrc num-buffers=3 ! fakesink",
    "fakesrc num-buffers = 3 ! fakesink",
    "fakesrc  num-buffers=\"3\"!fakesink",
    "fakesrc num-buffers='3'   !   fakesink",
  };

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autoptr (Folder) folder = folder_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *xml = gst_pare_pipeline_from_launch (spellings[i], &error);
      g_assert_no_error (error);
      g_autofree char *launch = to_launch (folder, "job.xml", xml);
      g_assert_cmpstr (launch, ==, "fakesrc num-buffers=3 ! fakesink");
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline-convert/round-trip-is-stable", test_round_trip_is_stable);
  g_test_add_func ("/pipeline-convert/every-value-survives", test_every_value_survives);
  g_test_add_func ("/pipeline-convert/launch-strings-that-are-wrong", test_launch_strings_that_are_wrong);
  g_test_add_func ("/pipeline-convert/launch-spellings-are-understood", test_launch_spellings_are_understood);
  return g_test_run ();
}
