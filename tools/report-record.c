/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reading a record: {"entries":[{"stage","layer","action","reason","numbers":{..}}]}.
 *
 * The entries are cut out one by one and only then parsed, so that a record of a million entries, or a hostile file
 * that opens a million brackets, needs no more memory than its own size asks for. */
#include "report-record.h"
#include "graph/error.h"
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define DEEPEST 8                /* an entry is 2 deep */
#define LONGEST (1 << 20)        /* bytes of one entry */
#define LARGEST ((gsize)1 << 30) /* bytes of a record */

typedef struct
{
  const char *path, *start, *at, *end;
  JsonParser *parser;
  PareReportRecord *record;
} Reader;

static gboolean
refuse (const Reader *reader, GError **error, const char *what)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
               "'%s' is no record, %s at byte %" G_GSIZE_FORMAT ": give the file that onnxexporter's 'record' wrote.",
               reader->path, what, (gsize)(reader->at - reader->start));
  return FALSE;
}

static char
peek (Reader *reader)
{
  while (reader->at < reader->end && strchr (" \t\r\n", *reader->at) && *reader->at)
    reader->at++;
  return reader->at < reader->end ? *reader->at : 0;
}

/* Passes over @text when it comes next. */
static gboolean
take (Reader *reader, const char *text)
{
  gsize length = strlen (text);

  peek (reader);
  if ((gsize)(reader->end - reader->at) < length || memcmp (reader->at, text, length) != 0)
    return FALSE;
  reader->at += length;
  return TRUE;
}

/* Where the object that starts here ends: the byte behind it. NULL when it does not, or is too deep or long. */
static const char *
object_end (const Reader *reader)
{
  const char *end = reader->end - reader->at > LONGEST ? reader->at + LONGEST : reader->end;
  gboolean quoted = FALSE;
  guint depth = 0;

  for (const char *at = reader->at; at < end; at++)
    if (quoted && *at == '\\')
      at++;
    else if (*at == '"')
      quoted = !quoted;
    else if (quoted)
      continue;
    else if ((*at == '{' || *at == '[') && ++depth > DEEPEST)
      return NULL;
    else if ((*at == '}' || *at == ']') && --depth == 0)
      return at + 1;
  return NULL;
}

/* Control characters could move a terminal's cursor or break a page: none is kept. */
static const char *
clean (PareReportRecord *record, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) cleaned = g_string_new (NULL);

  for (const char *at = valid; *at; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);
      g_string_append_unichar (cleaned, g_unichar_iscntrl (character) ? ' ' : character);
    }
  return g_string_chunk_insert_const (record->strings, cleaned->str);
}

/* FALSE when @name is there and is no string. */
static gboolean
read_string (PareReportRecord *record, JsonObject *object, const char *name, const char **text)
{
  JsonNode *node = json_object_get_member (object, name);

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return FALSE;
  *text = clean (record, json_node_get_string (node));
  return TRUE;
}

static gboolean
read_numbers (PareReportRecord *record, JsonObject *object, PareReportEntry *entry)
{
  JsonNode *node = json_object_get_member (object, "numbers");
  g_autoptr (GList) names = NULL;
  JsonObject *numbers;

  if (!node)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  numbers = json_node_get_object (node);
  names = json_object_get_members (numbers);
  entry->numbers = g_new0 (PareReportNumber, json_object_get_size (numbers));
  for (GList *name = names; name; name = name->next)
    {
      JsonNode *value = json_object_get_member (numbers, name->data);
      gboolean null = JSON_NODE_HOLDS_NULL (value);
      GType type = null ? G_TYPE_INVALID : json_node_get_value_type (value);
      if (!null && type != G_TYPE_DOUBLE && type != G_TYPE_INT64)
        return FALSE;
      entry->numbers[entry->n++] = (PareReportNumber){
        .name = clean (record, name->data),
        .value = null ? NAN : json_node_get_double (value),
      };
    }
  return TRUE;
}

static gboolean
read_entry (Reader *reader, GError **error)
{
  const char *end = object_end (reader);
  PareReportEntry entry = { .layer = "" };
  JsonNode *root;

  if (!end)
    return refuse (reader, error, "there is an entry without end, or too deep or long,");
  if (!json_parser_load_from_data (reader->parser, reader->at, end - reader->at, NULL))
    return refuse (reader, error, "there is an entry that is no JSON");
  root = json_parser_get_root (reader->parser);
  if (!root || !JSON_NODE_HOLDS_OBJECT (root)
      || !read_string (reader->record, json_node_get_object (root), "stage", &entry.stage)
      || !read_string (reader->record, json_node_get_object (root), "layer", &entry.layer)
      || !read_string (reader->record, json_node_get_object (root), "action", &entry.action)
      || !read_string (reader->record, json_node_get_object (root), "reason", &entry.reason) || !entry.stage
      || !entry.action)
    return refuse (reader, error, "there is an entry that does not tell its stage, layer and action as strings");
  if (!read_numbers (reader->record, json_node_get_object (root), &entry))
    {
      g_free (entry.numbers);
      return refuse (reader, error, "there is an entry with numbers that are none");
    }
  g_array_append_val (reader->record->entries, entry);
  reader->at = end;
  return TRUE;
}

static gboolean
read_all (Reader *reader, GError **error)
{
  if (!take (reader, "{") || !take (reader, "\"entries\"") || !take (reader, ":") || !take (reader, "["))
    return refuse (reader, error, "it does not begin with {\"entries\":[");
  if (peek (reader) != ']')
    do
      if (peek (reader) != '{')
        return refuse (reader, error, "there is no entry");
      else if (!read_entry (reader, error))
        return FALSE;
    while (take (reader, ","));
  if (!take (reader, "]") || !take (reader, "}") || peek (reader) || reader->at < reader->end)
    return refuse (reader, error, "its list of entries does not end well");
  return TRUE;
}

/* What a mapping cannot say well: a folder, a device, nothing, too much. */
static GMappedFile *
map_file (const char *path, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GMappedFile) file = NULL;

  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "Cannot read '%s': it is not a regular file.", path);
      return NULL;
    }
  file = g_mapped_file_new (path, FALSE, &problem);
  if (!file)
    g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND, "Cannot read the record: %s.", problem->message);
  else if (g_mapped_file_get_length (file) > LARGEST)
    g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is larger than any record: at most 1 GB is read.", path);
  else
    return g_steal_pointer (&file);
  return NULL;
}

PareReportRecord *
pare_report_record_load (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = map_file (path, error);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (PareReportRecord) record = NULL;
  Reader reader = { .path = path, .parser = parser };

  if (!file)
    return NULL;
  record = g_new0 (PareReportRecord, 1);
  record->entries = g_array_new (FALSE, FALSE, sizeof (PareReportEntry));
  record->strings = g_string_chunk_new (1 << 14);
  reader.record = record;
  /* An empty file has no mapping. */
  reader.at = reader.start = g_mapped_file_get_length (file) ? g_mapped_file_get_contents (file) : "";
  reader.end = reader.start + g_mapped_file_get_length (file);
  return read_all (&reader, error) ? g_steal_pointer (&record) : NULL;
}

void
pare_report_record_free (PareReportRecord *record)
{
  for (guint i = 0; i < record->entries->len; i++)
    g_free (g_array_index (record->entries, PareReportEntry, i).numbers);
  g_array_unref (record->entries);
  g_string_chunk_free (record->strings);
  g_free (record);
}

gboolean
pare_report_entry_number (const PareReportEntry *entry, const char *name, double *value)
{
  for (guint i = 0; i < entry->n; i++)
    if (strcmp (entry->numbers[i].name, name) == 0 && isfinite (entry->numbers[i].value))
      {
        *value = entry->numbers[i].value;
        return TRUE;
      }
  return FALSE;
}

char *
pare_report_number_text (double value)
{
  if (!isfinite (value))
    return g_strdup ("-");
  if (value == floor (value) && fabs (value) < 1e15)
    return g_strdup_printf ("%.0f", value);
  return g_strdup_printf ("%.6g", value);
}
