/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads a gst-launch string as text, without making any element: elements, properties, presets, caps, references and
 * pads. Bins and "link all" have no counterpart here and are refused. */
#include "gst/pipeline-description.h"
#include <string.h>

static const char word_set[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_%:";

typedef struct
{
  const char *at;
  PipelineDescription *description;
  PipelineElement *element; /* the one that properties belong to */
  PipelineEnd last;         /* what a "!" links from */
  gboolean linking;         /* a "!" waits for its right side */
  char *caps;               /* of that link */
  char *sink_pad;           /* of that link, from ".pad" */
} Scanner;

static gboolean
scan_error (const Scanner *scanner, const char *message, GError **error)
{
  PipelinePlace place = { "gst-launch string", 0 };

  gst_pare_place_error (error, place, "%s, at '%.30s'.", message, *scanner->at ? scanner->at : "the end");
  return FALSE;
}

static void
skip_space (Scanner *scanner)
{
  while (g_ascii_isspace (*scanner->at))
    scanner->at++;
}

static char *
take_word (Scanner *scanner)
{
  gsize length = strspn (scanner->at, word_set);
  char *word = g_strndup (scanner->at, length);

  scanner->at += length;
  return word;
}

/* The value right of "=": up to white space outside of quotes; quotes around all of it and backslashes go. */
static char *
take_value (Scanner *scanner, GError **error)
{
  g_autoptr (GString) value = g_string_new (NULL);
  char around = *scanner->at == '"' || *scanner->at == '\'' ? *scanner->at++ : '\0';
  gboolean quoted = FALSE;

  while (*scanner->at && (around ? *scanner->at != around : quoted || !g_ascii_isspace (*scanner->at)))
    {
      if (*scanner->at == '\\' && scanner->at[1] && !quoted)
        scanner->at++;
      else if (*scanner->at == '"' && !around)
        quoted = !quoted;
      g_string_append_c (value, *scanner->at++);
    }
  if (quoted || (around && *scanner->at != around))
    {
      scan_error (scanner, "A quote is not closed", error);
      return NULL;
    }
  scanner->at += around != '\0';
  /* What still is in quotes loses them when GStreamer reads it as a string. */
  if (value->str[0] == '"')
    {
      g_auto (GValue) text = G_VALUE_INIT;
      g_value_init (&text, G_TYPE_STRING);
      if (gst_value_deserialize (&text, value->str))
        return g_value_dup_string (&text);
    }
  return g_string_free (g_steal_pointer (&value), FALSE);
}

static gboolean
set_property (Scanner *scanner, const char *name, GError **error)
{
  PipelinePlace place = { "gst-launch string", 0 };

  if (!scanner->element)
    return scan_error (scanner, "A property belongs to no element", error);
  g_autofree char *value = take_value (scanner, error);
  if (!value)
    return FALSE;
  if (g_str_equal (name, "name"))
    {
      g_free (scanner->element->id);
      scanner->element->id = g_steal_pointer (&value);
    }
  else
    gst_pare_element_set (scanner->element, name, value, place);
  return TRUE;
}

/* Makes @end the right side of a waiting "!", and the left side of the next. Takes @end. */
static void
arrive (Scanner *scanner, PipelineEnd end)
{
  if (scanner->linking)
    {
      PipelineLink *link
          = gst_pare_description_add_link (scanner->description, (PipelinePlace){ "gst-launch string", 0 });
      link->from = scanner->last;
      link->to
          = (PipelineEnd){ g_strdup (end.id), g_strdup (scanner->sink_pad ? scanner->sink_pad : end.pad), end.element };
      link->caps = g_steal_pointer (&scanner->caps);
      scanner->last = (PipelineEnd){ NULL };
      scanner->linking = FALSE;
      /* The pad that was linked to is not the one that the next link leaves from. */
      g_clear_pointer (&end.pad, g_free);
    }
  g_clear_pointer (&scanner->sink_pad, g_free);
  gst_pare_end_clear (&scanner->last);
  scanner->last = end;
}

static gboolean
scan_pad (Scanner *scanner, char **pad, GError **error)
{
  scanner->at++; /* the dot */
  *pad = take_word (scanner);
  if (*scanner->at == ',')
    return scan_error (scanner, "Several pads in one link are not understood; write one link for each", error);
  if (!**pad)
    g_clear_pointer (pad, g_free);
  return TRUE;
}

/* ".pad": of the element before, or of the one that follows a "!". */
static gboolean
scan_own_pad (Scanner *scanner, GError **error)
{
  g_autofree char *pad = NULL;

  if (!scan_pad (scanner, &pad, error))
    return FALSE;
  if (!pad || (!scanner->linking && !scanner->element))
    return scan_error (scanner, "A pad belongs to no element", error);
  char **place = scanner->linking ? &scanner->sink_pad : &scanner->last.pad;
  g_free (*place);
  *place = g_steal_pointer (&pad);
  return TRUE;
}

static gboolean
scan_link (Scanner *scanner, GError **error)
{
  if (scanner->linking || (!scanner->last.id && !scanner->last.element))
    return scan_error (scanner, "A link has nothing on its left side", error);
  scanner->at++;
  scanner->linking = TRUE;
  skip_space (scanner);
  gsize word = strspn (scanner->at, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_+.");
  if (scanner->at[word] != '/' || scanner->at[word + 1] == '/')
    return TRUE;
  /* Caps end at the next "!" that is not in quotes. */
  gboolean quoted = FALSE;
  const char *end = scanner->at;
  for (; *end && (quoted || *end != '!'); end++)
    quoted ^= *end == '"';
  if (!*end)
    return scan_error (scanner, "Caps must be followed by a link", error);
  scanner->caps = g_strchomp (g_strndup (scanner->at, end - scanner->at));
  scanner->at = end + 1;
  return TRUE;
}

static gboolean
scan_preset (Scanner *scanner, GError **error)
{
  if (!scanner->element || !g_str_has_prefix (scanner->at, "@preset="))
    return scan_error (scanner, "Only @preset=NAME after an element may begin with '@'", error);
  scanner->at += strlen ("@preset=");
  g_free (scanner->element->preset);
  scanner->element->preset = take_value (scanner, error);
  return scanner->element->preset != NULL;
}

/* A factory, a property, or a reference to an element. */
static gboolean
scan_word (Scanner *scanner, GError **error)
{
  const char *start = scanner->at;
  g_autofree char *word = take_word (scanner);
  const char *after = scanner->at;

  if (!*word)
    return scan_error (scanner, "This is not understood", error);
  skip_space (scanner);
  if (*scanner->at == '=')
    {
      scanner->at++;
      skip_space (scanner);
      return set_property (scanner, word, error);
    }
  scanner->at = after;
  if (g_str_has_prefix (after, "//") || *after == '(' || strpbrk (word, ":%"))
    {
      scanner->at = start;
      return scan_error (scanner, "Bins, link-all and URIs as elements are not understood", error);
    }
  if (*after == '.')
    {
      PipelineEnd end = { .id = g_steal_pointer (&word) };
      gboolean good = scan_pad (scanner, &end.pad, error);
      scanner->element = NULL;
      arrive (scanner, end);
      return good && (*scanner->at != '(' || scan_error (scanner, "Bins are not understood", error));
    }
  scanner->element
      = gst_pare_description_add_element (scanner->description, word, (PipelinePlace){ "gst-launch string", 0 });
  arrive (scanner, (PipelineEnd){ .element = scanner->element });
  return TRUE;
}

static gboolean
scan_token (Scanner *scanner, GError **error)
{
  switch (*scanner->at)
    {
    case '!':
      return scan_link (scanner, error);
    case '.':
      return scan_own_pad (scanner, error);
    case '@':
      return scan_preset (scanner, error);
    default:
      return scan_word (scanner, error);
    }
}

PipelineDescription *
gst_pare_description_parse_launch (const char *launch, GError **error)
{
  g_autoptr (PipelineDescription) description = gst_pare_description_new ();
  Scanner scanner = { launch, description };
  gboolean good = g_utf8_validate (launch, -1, NULL) || scan_error (&scanner, "The string is not UTF-8", error);

  for (skip_space (&scanner); good && *scanner.at; skip_space (&scanner))
    good = scan_token (&scanner, error);
  if (good && scanner.linking)
    good = scan_error (&scanner, "A link has nothing on its right side", error);
  if (good && !description->elements->len)
    good = scan_error (&scanner, "There is no element", error);
  gst_pare_end_clear (&scanner.last);
  g_free (scanner.caps);
  g_free (scanner.sink_pad);
  return good && gst_pare_description_resolve (description, error) ? g_steal_pointer (&description) : NULL;
}
