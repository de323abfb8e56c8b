/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Prints a description as a gst-launch string and as XML. */
#include "gst/pipeline-chains.h"
#include "gst/pipeline-description.h"
#include <string.h>

static const char plain[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_./:,+-%";

/* @text so that gst_parse_launch() reads exactly it. */
static char *
quote (const char *text)
{
  g_autoptr (GString) quoted = g_string_new ("\"");
  g_autofree char *wrapped = NULL;

  if (*text && text[strspn (text, plain)] == '\0')
    return g_strdup (text);
  /* A text that itself begins with a quote loses it to the deserializer, unless it is wrapped once more. */
  if (*text == '"')
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_value_init (&value, G_TYPE_STRING);
      g_value_set_string (&value, text);
      text = wrapped = gst_value_serialize (&value);
    }
  for (; *text; text++)
    {
      if (*text == '"' || *text == '\\')
        g_string_append_c (quoted, '\\');
      g_string_append_c (quoted, *text);
    }
  g_string_append_c (quoted, '"');
  return g_string_free (g_steal_pointer (&quoted), FALSE);
}

static void
print_launch_element (GString *out, const GPtrArray *chains, const PipelineElement *element)
{
  g_string_append (out, element->factory);
  if (element->named || gst_pare_chains_refer_to (chains, element))
    g_string_append_printf (out, " name=%s", element->id);
  if (element->preset)
    {
      g_autofree char *preset = quote (element->preset);
      g_string_append_printf (out, " @preset=%s", preset);
    }
  for (guint i = 0; i < element->properties->len; i++)
    {
      const PipelineProperty *property = element->properties->pdata[i];
      g_autofree char *text = quote (property->text);
      g_string_append_printf (out, " %s=%s", property->name, text);
    }
}

static void
print_launch_caps (GString *out, const char *caps)
{
  g_autofree char *quoted = NULL;
  g_autofree char *trimmed = g_strstrip (g_strdup (caps));

  /* The short form ends at "!" and begins with a media type. */
  if (strchr (trimmed, '/') && !strpbrk (trimmed, "!\"'"))
    g_string_append (out, trimmed);
  else
    g_string_append_printf (out, "capsfilter caps=%s", quoted = quote (trimmed));
}

char *
gst_pare_description_print_launch (const PipelineDescription *description)
{
  g_autoptr (GPtrArray) chains = gst_pare_chains_new (description);
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint c = 0; c < chains->len; c++)
    {
      const GArray *chain = chains->pdata[c];
      for (guint s = 0; s < chain->len; s++)
        {
          const PipelineStop *stop = &g_array_index (chain, PipelineStop, s);
          g_string_append (out, s ? " ! " : c ? "  " : "");
          if (stop->element)
            print_launch_element (out, chains, stop->element);
          else if (stop->reference)
            g_string_append_printf (out, "%s.%s", stop->reference->id, stop->pad ? stop->pad : "");
          else
            print_launch_caps (out, stop->caps);
        }
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* "$" begins a parameter in XML, so a plain one is doubled. */
static char *
escape_text (const char *text)
{
  g_autoptr (GString) doubled = g_string_new (text);

  g_string_replace (doubled, "$", "$$", 0);
  return g_markup_escape_text (doubled->str, -1);
}

static void
print_attribute (GString *out, const char *name, const char *text)
{
  g_autofree char *escaped = text ? escape_text (text) : NULL;

  if (text)
    g_string_append_printf (out, " %s=\"%s\"", name, escaped);
}

static void
print_xml_element (GString *out, const GPtrArray *chains, const PipelineElement *element, const char *indent)
{
  gboolean named = element->named || gst_pare_chains_refer_to (chains, element);

  g_string_append_printf (out, "%s<element", indent);
  print_attribute (out, "id", named ? element->id : NULL);
  print_attribute (out, "factory", element->factory);
  print_attribute (out, "preset", element->preset);
  if (!element->properties->len)
    {
      g_string_append (out, "/>\n");
      return;
    }
  g_string_append (out, ">\n");
  for (guint i = 0; i < element->properties->len; i++)
    {
      const PipelineProperty *property = element->properties->pdata[i];
      g_autofree char *text = escape_text (property->text);
      g_string_append_printf (out, "%s  <property name=\"%s\">%s</property>\n", indent, property->name, text);
    }
  g_string_append_printf (out, "%s</element>\n", indent);
}

static void
print_xml_stop (GString *out, const GPtrArray *chains, const PipelineStop *stop)
{
  if (stop->element)
    print_xml_element (out, chains, stop->element, "    ");
  else if (stop->reference)
    g_string_append_printf (out, "    <ref to=\"%s%s%s\"/>\n", stop->reference->id, stop->pad ? "." : "",
                            stop->pad ? stop->pad : "");
  else
    {
      g_autofree char *caps = escape_text (stop->caps);
      g_string_append_printf (out, "    <caps>%s</caps>\n", caps);
    }
}

char *
gst_pare_description_print_xml (const PipelineDescription *description)
{
  g_autoptr (GPtrArray) chains = gst_pare_chains_new (description);
  g_autoptr (GString) out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<pipeline "
                                          "xmlns=\"" GST_PARE_PIPELINE_NAMESPACE "\" version=\"1\">\n");

  for (guint c = 0; c < chains->len; c++)
    {
      const GArray *chain = chains->pdata[c];
      if (chain->len == 1)
        {
          print_xml_element (out, chains, g_array_index (chain, PipelineStop, 0).element, "  ");
          continue;
        }
      g_string_append (out, "  <chain>\n");
      for (guint s = 0; s < chain->len; s++)
        print_xml_stop (out, chains, &g_array_index (chain, PipelineStop, s));
      g_string_append (out, "  </chain>\n");
    }
  g_string_append (out, "</pipeline>\n");
  return g_string_free (g_steal_pointer (&out), FALSE);
}
