/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare diff: where two forms of a network drift apart. */
#include "command.h"
#include "differ.h"
#include "exec/executor.h"
#include "graph/error.h"
#include "plugins.h"
#include "runner.h"
#include "sampling.h"

static double
agreement (const PareComparison *comparison)
{
  guint64 agreeing, n = pare_comparison_samples (comparison, &agreeing);

  return n ? 100.0 * agreeing / n : 0;
}

static void
add_deviation (JsonBuilder *builder, const PareDeviation *deviation)
{
  json_builder_begin_object (builder);
  pare_json_string (builder, "name", deviation->name);
  pare_json_string (builder, "operator", deviation->operator);
  pare_json_double (builder, "sqnr", pare_deviation_sqnr (deviation));
  pare_json_double (builder, "cosine", pare_deviation_cosine (deviation));
  json_builder_end_object (builder);
}

static void
print_json (const char *a, const char *b, const PareComparison *comparison)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  guint first_output, n = pare_comparison_length (comparison, &first_output);
  guint64 agreeing;
  const PareDeviation *output = pare_comparison_get (comparison, first_output);

  json_builder_begin_object (builder);
  pare_json_string (builder, "a", a);
  pare_json_string (builder, "b", b);
  pare_json_int (builder, "n", pare_comparison_samples (comparison, &agreeing));
  pare_json_begin_array (builder, "layers");
  for (guint i = 0; i < n; i++)
    add_deviation (builder, pare_comparison_get (comparison, i));
  json_builder_end_array (builder);
  pare_json_double (builder, "sqnr", pare_deviation_sqnr (output));
  pare_json_double (builder, "cosine", pare_deviation_cosine (output));
  pare_json_double (builder, "agreement", agreement (comparison));
  pare_json_print (builder);
}

static void
print_text (const char *a, const char *b, const PareComparison *comparison)
{
  guint first_output, n = pare_comparison_length (comparison, &first_output);
  guint64 agreeing, samples = pare_comparison_samples (comparison, &agreeing);
  const PareDeviation *output = pare_comparison_get (comparison, first_output);

  g_print ("%-44s %-20s %10s %12s\n", "value", "operator", "SQNR (dB)", "cosine");
  for (guint i = 0; i < n; i++)
    {
      const PareDeviation *deviation = pare_comparison_get (comparison, i);
      g_print ("%-44.44s %-20.20s %10.2f %12.8f\n", deviation->name, deviation->operator,
               pare_deviation_sqnr (deviation), pare_deviation_cosine (deviation));
    }
  g_print ("\n%s against %s: SQNR %.2f dB, cosine %.8f, top-1 agreement %.2f%% of %" G_GUINT64_FORMAT " samples.\n", b,
           a, pare_deviation_sqnr (output), pare_deviation_cosine (output), agreement (comparison), samples);
}

/* The first model arrives as the teacher of the second. */
static GstElement *
build (const char *a, const char *b, PareDiffer *differ, GHashTable *values, GError **error)
{
  g_autoptr (GstElement) pipeline = pare_sampling_pipeline (b, GST_ELEMENT (differ), values, error);
  GstElement *loader = pipeline ? pare_sampling_add (pipeline, "onnxloader", a, error) : NULL;

  if (!loader)
    return NULL;
  if (gst_element_link_pads (loader, "src", GST_ELEMENT (differ), "teacher"))
    return g_steal_pointer (&pipeline);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The elements for '%s' do not fit: install one version of all.",
               a);
  return NULL;
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  const char *a = arguments->words[0], *b = arguments->words[1];
  g_autoptr (GHashTable) values = pare_sampling_parse (arguments->words + 2, FALSE, error);
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (PareDiffer) differ = NULL;

  if (!values || !pare_plugins_init (error))
    return FALSE;
  pare_set_threads (arguments->threads);
  differ = g_object_ref_sink (g_object_new (PARE_TYPE_DIFFER, "batch-size", 16, NULL));
  pipeline = build (a, b, differ, values, error);
  if (!pipeline || !pare_pipeline_play (pipeline, NULL, NULL, error))
    return FALSE;
  if (arguments->json)
    print_json (a, b, pare_differ_comparison (differ));
  else
    print_text (a, b, pare_differ_comparison (differ));
  return TRUE;
}

static char *
parameters (void)
{
  return pare_sampling_help (FALSE);
}

const PareCommand pare_command_diff = {
  .name = "diff",
  .words = "A.onnx B.onnx data=FILE [NAME=VALUE ...]",
  .summary = "Compare two forms of a model, value by value and end to end",
  .details
  = "Values of the same name are compared; B's as they are after its quantizers. A batch of all values of both\n"
    "models is in memory at a time: batch-size (16) sets how much that is.\n",
  .parameters = parameters,
  .takes = PARE_TAKES_JSON | PARE_TAKES_THREADS,
  .least = 2,
  .most = G_MAXUINT,
  .run = run,
};
