/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "amct/textproto.h"
#include "graph/error.h"
#include <string.h>

/* Deeper than any configuration; bounds the recursion. */
#define DEEPEST 32

typedef struct
{
  const char *at, *path;
  guint line, depth;
  GError **error;
} Reader;

static gboolean read_fields (Reader *reader, char end, GPtrArray *fields);

PareTextField *
pare_text_field_new (const char *name, guint line)
{
  PareTextField *field = g_new0 (PareTextField, 1);

  field->name = g_strdup (name);
  field->line = line;
  return field;
}

void
pare_text_field_free (gpointer data)
{
  PareTextField *field = data;

  g_free (field->name);
  g_free (field->text);
  g_clear_pointer (&field->fields, g_ptr_array_unref);
  g_free (field);
}

static gboolean
fail (Reader *reader, const char *what)
{
  g_set_error (reader->error, PARE_ERROR, PARE_ERROR_DECODE, "%s:%u: %s.", reader->path, reader->line, what);
  return FALSE;
}

/* White space, comments, and the separators that may stand behind a field. */
static void
skip (Reader *reader, const char *separators)
{
  for (;; reader->at++)
    {
      if (*reader->at == '#')
        reader->at += strcspn (reader->at, "\n");
      if (*reader->at == '\n')
        reader->line++;
      else if (!*reader->at || (!g_ascii_isspace (*reader->at) && !strchr (separators, *reader->at)))
        return;
    }
}

static gboolean
is_word (char c)
{
  return g_ascii_isalnum (c) || strchr ("_.+-", c);
}

static char *
read_word (Reader *reader)
{
  const char *start = reader->at;

  while (*reader->at && is_word (*reader->at))
    reader->at++;
  return reader->at > start ? g_strndup (start, reader->at - start) : NULL;
}

static char *
read_string (Reader *reader)
{
  char quote = *reader->at++;
  const char *start = reader->at;
  g_autofree char *raw = NULL;

  while (*reader->at && *reader->at != quote && *reader->at != '\n')
    reader->at += reader->at[0] == '\\' && reader->at[1] ? 2 : 1;
  if (*reader->at != quote)
    {
      fail (reader, "A string does not end on its line");
      return NULL;
    }
  raw = g_strndup (start, reader->at++ - start);
  return g_strcompress (raw);
}

static gboolean
read_value (Reader *reader, const char *name, GPtrArray *fields)
{
  PareTextField *field = pare_text_field_new (name, reader->line);
  char open = *reader->at;

  g_ptr_array_add (fields, field);
  if (open == '{' || open == '<')
    {
      reader->at++;
      field->fields = g_ptr_array_new_with_free_func (pare_text_field_free);
      if (++reader->depth > DEEPEST)
        return fail (reader, "Messages are nested too deeply");
      if (!read_fields (reader, open == '{' ? '}' : '>', field->fields))
        return FALSE;
      reader->depth--;
      return TRUE;
    }
  field->text = open == '"' || open == '\'' ? read_string (reader) : read_word (reader);
  if (field->text)
    return TRUE;
  return *reader->error ? FALSE : fail (reader, "A value is missing");
}

static gboolean
read_list (Reader *reader, const char *name, GPtrArray *fields)
{
  reader->at++;
  for (skip (reader, ","); *reader->at != ']'; skip (reader, ","))
    if (!read_value (reader, name, fields))
      return FALSE;
  reader->at++;
  return TRUE;
}

/* Up to @end, which is 0 for the end of the text. */
static gboolean
read_fields (Reader *reader, char end, GPtrArray *fields)
{
  for (skip (reader, ",;"); *reader->at != end; skip (reader, ",;"))
    {
      g_autofree char *name = read_word (reader);
      if (!name)
        return fail (reader, *reader->at ? "The name of a field is missing" : "A message does not end");
      skip (reader, ":");
      if (!(*reader->at == '[' ? read_list (reader, name, fields) : read_value (reader, name, fields)))
        return FALSE;
    }
  reader->at += end != 0;
  return TRUE;
}

GPtrArray *
pare_textproto_parse (const char *text, const char *path, GError **error)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new_with_free_func (pare_text_field_free);
  g_autoptr (GError) problem = NULL;
  Reader reader = { text, path, 1, 0, &problem };

  if (read_fields (&reader, '\0', fields))
    return g_steal_pointer (&fields);
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}
