/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Every wrong description is an error that names the file, the line and, where there is one, the nearest right name;
 * and the schema agrees on what is wrong in structure. */
#include "graph/error.h"
#include "pipeline-file.h"
#include <libxml/relaxng.h>

typedef struct
{
  guint line;
  const char *says;
  const char *body; /* begins on line 2 */
  const char *assignment;
} Case;

/* What pipeline.rng refuses too. */
static const Case structural[] = {
  { 2, "<elment> cannot stand in <pipeline>; did you mean 'element'?", "<elment factory='identity'/>" },
  { 2, "<element> needs the attribute 'factory'.", "<element id='a'/>" },
  { 3, "<element> has no attribute 'factry'; did you mean 'factory'?", "\n<element factry='identity'/>" },
  { 2, "<property> cannot stand in <pipeline>", "<property name='a'>b</property>" },
  { 3, "<property> needs the attribute 'name'.", "<element factory='identity'>\n<property>b</property></element>" },
  { 2, "holds the text 'loose'", "<chain>loose</chain>" },
  { 2, "holds the text 'hidden'", "<chain><![CDATA[hidden]]></chain>" },
  { 2, "<bin> needs the attribute 'id'.", "<bin/>" },
  { 2, "<link> needs the attribute 'to'.", "<link from='a'/>" },
  { 2, "<ghost> cannot stand in <pipeline>", "<ghost name='a' pad='b.c'/>" },
  { 2, "<caps> cannot stand in <pipeline>.", "<caps>video/x-raw</caps>" },
  { 2, "is not in the namespace", "<element xmlns='urn:other' factory='identity'/>" },
  { 2, "unknown type 'integer'", "<param name='n' type='integer' default='1'/>" },
  { 2, "unknown type 'it'; did you mean 'int'?", "<param name='n' type='it' default='1'/>" },
  { 2, "<param> needs the attribute 'type'.", "<param name='n'/>" },
  { 2, "<pipeline> cannot stand in <pipeline>", "<pipeline/>" },
};

/* What only the meaning shows to be wrong. */
static const Case semantic[] = {
  { 2, "There is no element 'identiti' installed; did you mean 'identity'?", "<element factory='identiti'/>" },
  { 3, "fakesrc has no property 'num-bufers'; did you mean 'num-buffers'?",
    "<element factory='fakesrc'>\n<property name='num-bufers'>3</property></element>" },
  { 2, "from -1 to 2147483647", "<element factory='fakesrc'><property name='num-buffers'>3x</property></element>" },
  { 2, "from -1 to 2147483647", "<element factory='fakesrc'><property name='num-buffers'>-2</property></element>" },
  { 2, "from -1 to 2147483647",
    "<element factory='fakesrc'><property name='num-buffers'>2147483648</property></element>" },
  { 2, "from -1 to 2147483647", "<element factory='fakesrc'><property name='num-buffers'/></element>" },
  /* GStreamer itself would take the next two as 4294967295 and as 18446744073709551615. */
  { 2, "from 0 to 4294967295", "<element factory='queue'><property name='max-size-buffers'>-1</property></element>" },
  { 2, "from 0 to 18446744073709551615",
    "<element factory='queue'><property name='max-size-time'>18446744073709551616</property></element>" },
  { 2, "from 0 to 1", "<element factory='identity'><property name='drop-probability'>1.5</property></element>" },
  { 2, "from 0 to 1", "<element factory='identity'><property name='drop-probability'>nan</property></element>" },
  { 2, "true or false", "<element factory='identity'><property name='sync'>maybe</property></element>" },
  { 2, "one of no, upstream, downstream",
    "<element factory='queue'><property name='leaky'>upsteam</property></element>" },
  { 2, "one of no, upstream, downstream", "<element factory='queue'><property name='leaky'>7</property></element>" },
  { 2, "can only be read", "<element factory='fakesink'><property name='last-message'>a</property></element>" },
  { 3, "is of 'sink_0', which 'f' does not have",
    "<element id='f' factory='funnel'>\n<property name='sink_0::offset'>3</property></element>" },
  { 2, "its id", "<element factory='fakesink'><property name='name'>a</property></element>" },
  { 3, "set twice",
    "<element factory='identity'><property name='sync'>1</property>\n<property name='sync'>1</property></element>" },
  { 3, "The id 'a' is taken already, on line 2.",
    "<element id='a' factory='identity'/>\n<element id='a' factory='tee'/>" },
  { 2, "'a b' is no id", "<element id='a b' factory='identity'/>" },
  { 3, "No element has the id 'quue'; did you mean 'queue'?",
    "<element id='queue' factory='queue'/>\n<link from='quue' to='queue'/>" },
  { 2, "has no source pad 'scr'; did you mean 'src'?",
    "<element id='a' factory='identity'/><element id='b' factory='identity'/><link from='a.scr' to='b'/>" },
  { 2, "has no sink pad 'src'",
    "<element id='a' factory='identity'/><element id='b' factory='identity'/><link from='a' to='b.src'/>" },
  { 2, "has no source pad to link", "<chain><element factory='fakesink'/><element factory='fakesink'/></chain>" },
  { 2, "linked already",
    "<chain><element id='a' factory='fakesrc'/><element factory='fakesink'/></chain>"
    "<chain><ref to='a'/><element factory='fakesink'/></chain>" },
  { 3, "one gives audio/x-raw, the other takes video/x-raw",
    "<chain><element factory='audiotestsrc'/>\n<element factory='videoscale'/></chain>" },
  { 4, "with the caps audio/x-raw",
    "<chain><element factory='videotestsrc'/>\n<caps>audio/x-raw</caps>\n<element factory='fakesink'/></chain>" },
  { 2, "are no caps",
    "<chain><element factory='fakesrc'/><caps>video/x-raw, width=</caps><element factory='fakesink'/></chain>" },
  { 2, "must stand between", "<chain><caps>video/x-raw</caps><element factory='fakesink'/></chain>" },
  { 2, "Only the first and the last <ref>",
    "<element id='a' factory='tee'/>"
    "<chain><element factory='fakesrc'/><ref to='a.sink'/><element factory='fakesink'/></chain>" },
  { 2, "The bin 'b' has no <ghost> pad 'sink'",
    "<bin id='b'><element factory='identity'/></bin><chain><element factory='fakesrc'/><ref to='b'/></chain>" },
  { 3, "which is not in 'b'",
    "<element id='a' factory='identity'/><bin id='b'>\n<ghost name='sink' pad='a.sink'/></bin>" },
  { 2, "has no pad 'snk'", "<bin id='b'><element id='a' factory='identity'/><ghost name='sink' pad='a.snk'/></bin>" },
  { 3, "There is no parameter 'sampels'; did you mean 'samples'?",
    "<param name='samples' type='int' default='1'/><element factory='fakesrc'>\n"
    "<property name='num-buffers'>${sampels}</property></element>" },
  { 2, "no closing '}'", "<element factory='filesrc'><property name='location'>${a</property></element>" },
  { 2, "There is no parameter 'on'", "<element factory='identity' when='on'/>" },
  { 2, "it must be a whole number", "<param name='n' type='int' default='many'/>" },
  { 2, "it must be a list", "<param name='n' type='list' default='1,,2'/>" },
  { 2, "declared twice", "<param name='n' type='int'/><param name='n' type='int'/>" },
  { 2, "is no name for a parameter", "<param name='a.b' type='int'/>" },
  { 2, "has no presets", "<element factory='identity' preset='loud'/>" },
  { 2, "xi:include needs href", "<xi:include href='http://localhost/a.xml'/>" },
  { 2, "nest too deeply", "<xi:include href='job.xml'/>" },
  { 1, "no elements", "" },
  { 0, "n=... (the number)", "<param name='n' type='int' doc='the number'/><element factory='identity'/>" },
  { 0, "There is no parameter 'sampels'; did you mean 'samples'?",
    "<param name='samples' type='int' default='1'/><element factory='identity'/>", "sampels=3" },
  { 0, "it must be a whole number", "<param name='n' type='int' default='1'/><element factory='identity'/>", "n=3.5" },
  { 0, "is no assignment", "<element factory='identity'/>", "verbose" },
};

static void
assert_refused (const Case *wrong)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = folder_write_job (folder, wrong->body);
  g_autofree char *place = g_strdup_printf ("%s:%u: ", path, wrong->line);
  const char *assignments[] = { wrong->assignment, NULL };
  GstElement *pipeline = gst_pare_pipeline_load (path, assignments, &error);

  g_test_message ("%s", wrong->body);
  g_assert_null (pipeline);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, wrong->says));
  if (wrong->line)
    g_assert_true (g_str_has_prefix (error->message, place));
}

static void
test_structure_is_checked (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (structural); i++)
    assert_refused (&structural[i]);
}

static void
test_meaning_is_checked (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (semantic); i++)
    assert_refused (&semantic[i]);
}

static void
ignore_message (void *data, const char *format, ...)
{
}

static gboolean
is_valid (const char *body)
{
  g_autofree char *schema = g_test_build_filename (G_TEST_DIST, "..", "gst", "pipeline.rng", NULL);
  g_autofree char *text = g_strconcat (HEAD, body, "\n</pipeline>\n", NULL);
  xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt (schema);
  xmlRelaxNGPtr grammar = xmlRelaxNGParse (parser);
  g_assert_nonnull (grammar);
  xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt (grammar);
  xmlDocPtr document = xmlReadMemory (text, strlen (text), NULL, NULL, XML_PARSE_NONET);
  g_assert_nonnull (document);
  xmlRelaxNGSetValidErrors (context, ignore_message, ignore_message, NULL);
  gboolean valid = xmlRelaxNGValidateDoc (context, document) == 0;

  xmlFreeDoc (document);
  xmlRelaxNGFreeValidCtxt (context);
  xmlRelaxNGFree (grammar);
  xmlRelaxNGFreeParserCtxt (parser);
  return valid;
}

static void
test_schema_agrees (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (structural); i++)
    {
      g_test_message ("%s", structural[i].body);
      g_assert_false (is_valid (structural[i].body));
    }
  for (guint i = 0; i < G_N_ELEMENTS (semantic); i++)
    {
      g_test_message ("%s", semantic[i].body);
      g_assert_true (is_valid (semantic[i].body));
    }
}

static void
test_files_that_are_no_descriptions (void)
{
  static const struct
  {
    const char *text;
    const char *says;
  } cases[] = {
    { "", ":1: This is not well-formed XML" },
    { "plain text", ":1: This is not well-formed XML" },
    { "<pipeline xmlns='urn:pare:pipeline:1'>\n<chain>\n</pipeline>", ":3: This is not well-formed XML" },
    { "<pipeline><chain/></pipeline>", ":1: The root is <pipeline>; it must be" },
    { "<pipeline xmlns='urn:pare:pipeline:1' version='2'/>", ":1: Version '2' is not known" },
    /* A billion laughs, and a file of the machine. */
    { "<?xml version='1.0'?>\n<!DOCTYPE p [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>\n<p>&b;</p>",
      ":2: A document type is not allowed" },
    { "<!DOCTYPE p SYSTEM 'file:///etc/passwd'>\n<p/>", ":1: A document type is not allowed" },
    { "<pipeline xmlns='urn:pare:pipeline:1'>\n&unknown;</pipeline>", ":2: This is not well-formed XML" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Folder) folder = folder_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *path = folder_write (folder, "job.xml", cases[i].text);
      g_autofree char *start = g_strconcat (path, cases[i].says, NULL);
      g_test_message ("%s", cases[i].text);
      g_assert_null (gst_pare_pipeline_load (path, NULL, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, start));
    }
}

static void
test_missing_and_endless_files (void)
{
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) endless = NULL;
  g_autoptr (GError) folder = NULL;

  g_assert_null (gst_pare_pipeline_load ("/nowhere/job.xml", NULL, &missing));
  g_assert_error (missing, PARE_ERROR, PARE_ERROR_NOT_FOUND);
  g_assert_null (gst_pare_pipeline_load ("/dev/zero", NULL, &endless));
  g_assert_error (endless, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_null (gst_pare_pipeline_load ("/", NULL, &folder));
  g_assert_nonnull (folder);
}

static void
test_error_in_included_file_names_it (void)
{
  g_autoptr (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *part = folder_write (
      folder, "part.xml", "<fragment xmlns='urn:pare:pipeline:1'>\n\n<element factory='identiti'/></fragment>");
  g_autofree char *path = folder_write_job (folder, "<xi:include href='part.xml'/>");
  g_autofree char *place = g_strconcat (part, ":3: ", NULL);

  g_assert_null (gst_pare_pipeline_load (path, NULL, &error));
  g_assert_true (g_str_has_prefix (error->message, place));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline-errors/structure-is-checked", test_structure_is_checked);
  g_test_add_func ("/pipeline-errors/meaning-is-checked", test_meaning_is_checked);
  g_test_add_func ("/pipeline-errors/schema-agrees", test_schema_agrees);
  g_test_add_func ("/pipeline-errors/files-that-are-no-descriptions", test_files_that_are_no_descriptions);
  g_test_add_func ("/pipeline-errors/missing-and-endless-files", test_missing_and_endless_files);
  g_test_add_func ("/pipeline-errors/error-in-included-file-names-it", test_error_in_included_file_names_it);
  return g_test_run ();
}
