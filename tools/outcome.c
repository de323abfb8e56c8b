/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a pipeline achieved, gathered from its elements' messages: one line, or one JSON object. */
#include "runner.h"

typedef struct
{
  const char *element;
  GstStructure *structure;
} Result;

double
pare_message_number (const GstStructure *structure, const char *name)
{
  const GValue *field = gst_structure_get_value (structure, name);
  g_auto (GValue) number = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_DOUBLE);
  return field && g_value_transform (field, &number) ? g_value_get_double (&number) : 0;
}

static char *
describe_export (const GstStructure *structure)
{
  return g_strdup_printf ("wrote %s (%.0f bytes)", gst_structure_get_string (structure, "location"),
                          pare_message_number (structure, "bytes"));
}

static char *
describe_evaluation (const GstStructure *structure)
{
  return g_strdup_printf ("top-1 %.2f%% of %.0f, loss %.4f", 100 * pare_message_number (structure, "top1"),
                          pare_message_number (structure, "n"), pare_message_number (structure, "loss"));
}

static char *
describe_tuning (const GstStructure *structure)
{
  return g_strdup_printf ("%.0f of %.0f layers raised, %.3g%% lost, %.1f evaluations",
                          pare_message_number (structure, "raised"), pare_message_number (structure, "layers"),
                          pare_message_number (structure, "drop"), pare_message_number (structure, "evaluations"));
}

/* The messages that are results; any other is some element's private matter. */
static const struct
{
  const char *name;
  char *(*describe) (const GstStructure *structure);
} kinds[] = {
  { "pare-export", describe_export },
  { "evaluation", describe_evaluation },
  { "tuning", describe_tuning },
};

static char *
describe (const GstStructure *structure)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (gst_structure_has_name (structure, kinds[i].name))
      return kinds[i].describe (structure);
  return NULL;
}

static void
on_message (GstElement *source, const GstStructure *structure, gpointer user_data)
{
  GArray *results = user_data;
  g_autofree char *text = describe (structure);
  Result result;

  if (!text)
    return;
  result = (Result){ g_intern_string (GST_OBJECT_NAME (source)), gst_structure_copy (structure) };
  g_array_append_val (results, result);
}

static gboolean
add_field (GQuark id, const GValue *value, gpointer user_data)
{
  JsonBuilder *builder = user_data;
  const char *name = g_quark_to_string (id);
  g_auto (GValue) number = G_VALUE_INIT;

  if (G_VALUE_HOLDS_STRING (value))
    pare_json_string (builder, name, g_value_get_string (value));
  else if (G_VALUE_HOLDS_DOUBLE (value))
    pare_json_double (builder, name, g_value_get_double (value));
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    {
      json_builder_set_member_name (builder, name);
      json_builder_add_boolean_value (builder, g_value_get_boolean (value));
    }
  else if (g_value_type_transformable (G_VALUE_TYPE (value), G_TYPE_INT64))
    {
      g_value_init (&number, G_TYPE_INT64);
      g_value_transform (value, &number);
      pare_json_int (builder, name, g_value_get_int64 (&number));
    }
  return TRUE;
}

static void
print_json (const GArray *results, double seconds)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  pare_json_begin_array (builder, "results");
  for (guint i = 0; i < results->len; i++)
    {
      const Result *result = &g_array_index (results, Result, i);
      json_builder_begin_object (builder);
      pare_json_string (builder, "element", result->element);
      pare_json_string (builder, "kind", gst_structure_get_name (result->structure));
      gst_structure_foreach (result->structure, add_field, builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  pare_json_double (builder, "seconds", seconds);
  pare_json_print (builder);
}

static void
print_text (const GArray *results, double seconds)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < results->len; i++)
    {
      g_autofree char *text = describe (g_array_index (results, Result, i).structure);
      g_string_append_printf (line, "%s; ", text);
    }
  if (line->len == 0)
    g_string_append (line, "done; ");
  line->str[0] = g_ascii_toupper (line->str[0]);
  g_print ("%s%.1f s.\n", line->str, seconds);
}

static void
result_clear (gpointer data)
{
  gst_structure_free (((Result *)data)->structure);
}

gboolean
pare_pipeline_run (GstElement *pipeline, gboolean json, GError **error)
{
  g_autoptr (GArray) results = g_array_new (FALSE, FALSE, sizeof (Result));
  gint64 begun = g_get_monotonic_time ();
  double seconds;

  g_array_set_clear_func (results, result_clear);
  if (!pare_pipeline_play (pipeline, on_message, results, error))
    return FALSE;
  seconds = (double)(g_get_monotonic_time () - begun) / G_USEC_PER_SEC;
  if (json)
    print_json (results, seconds);
  else
    print_text (results, seconds);
  return TRUE;
}
