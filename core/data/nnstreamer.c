/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NNStreamer's data repository: a JSON description beside a file of raw samples, one after the other. Static tensors
 * have their specs in "gst_caps"; flexible ones carry a header each, and the description lists their sizes. */
#include "data/format.h"
#include "data/wire.h"
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* Longest description that is read, and the deepest nesting handed to the recursive JSON parser. */
#define MOST_JSON (64 << 20)
#define MOST_DEPTH 8

typedef struct
{
  PareStream *stream;
  GArray *sizes;  /* of gint64: bytes of each flexible tensor in turn; NULL for static tensors */
  GArray *starts; /* of gint64: index in @sizes where each sample starts, and the end */
} Repository;

static gboolean
repository_probe (const guint8 *head, gsize size)
{
  gsize i = 0;

  while (i < size && g_ascii_isspace (head[i]))
    i++;
  return i < size && head[i] == '{';
}

static gboolean
bad_repository (const PareReader *reader, const char *reason, GError **error)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' describes no data repository that can be read: %s.",
               reader->path, reason);
  return FALSE;
}

static gboolean
nests_too_deep (const char *text, gsize size)
{
  guint depth = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < size; i++)
    if (quoted && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && strchr ("[{", text[i]) && text[i])
      {
        if (++depth > MOST_DEPTH)
          return TRUE;
      }
    else if (!quoted && strchr ("]}", text[i]) && text[i] && depth)
      depth--;
  return FALSE;
}

static JsonObject *
load_description (PareReader *reader, GError **error)
{
  g_autoptr (PareStream) stream = pare_stream_open_file (reader->path, error);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  gint64 size = stream ? pare_stream_size (stream) : -1;

  if (!stream)
    return NULL;
  if (size < 0 || size > MOST_JSON)
    return bad_repository (reader, "it is longer than any description", error), NULL;
  if (!(text = (char *)pare_stream_read_block (stream, size, error)))
    return NULL;
  if (nests_too_deep (text, size) || !json_parser_load_from_data (parser, text, size, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return bad_repository (reader, "it is no JSON object", error), NULL;
  return json_object_ref (json_node_get_object (json_parser_get_root (parser)));
}

/* The text of a field of serialized caps, without its type and quotes; NULL when it is not there. */
static char *
caps_field (const char *caps, const char *field)
{
  g_autofree char *pattern
      = g_strdup_printf ("(?:^|[,;\\s])%s\\s*=\\s*(?:\\(\\w+\\)\\s*)?(?:\"([^\"]*)\"|([^,;\"]+))", field);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *quoted = NULL;
  char *plain;

  if (!g_regex_match (regex, caps, 0, &match))
    return NULL;
  quoted = g_match_info_fetch (match, 1);
  if (quoted && *quoted)
    return g_strcompress (quoted); /* GStreamer escapes the comma */
  plain = g_match_info_fetch (match, 2);
  return plain ? g_strstrip (plain) : NULL;
}

static const char *
string_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* A count; -1 when there is none. */
static gint64
count_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64
             ? MAX (json_node_get_int (node), -1)
             : -1;
}

/* A list of counts; NULL when it is none. */
static GArray *
list_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonArray *list = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; list && i < json_array_get_length (list); i++)
    {
      JsonNode *element = json_array_get_element (list, i);
      gint64 count = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_int (element) : -1;
      if (count < 0)
        return NULL;
      g_array_append_val (counts, count);
    }
  return list ? g_steal_pointer (&counts) : NULL;
}

/* The raw data lies beside the description: NAME.json describes NAME, NAME.data or NAME.dat. */
static PareStream *
open_data (PareReader *reader, GError **error)
{
  static const char *const suffixes[] = { "", ".data", ".dat" };
  g_autofree char *stem = g_strdup (reader->path);

  if (g_str_has_suffix (stem, ".json"))
    stem[strlen (stem) - strlen (".json")] = '\0';
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (stem, suffixes[i], NULL);
      if (strcmp (path, reader->path) != 0 && g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return pare_stream_open_file (path, error);
    }
  g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND,
               "The samples that '%s' describes are missing; they are looked for in '%s.data'.", reader->path, stem);
  return NULL;
}

static gboolean
open_static (PareReader *reader, Repository *repository, JsonObject *object, const char *caps, GError **error)
{
  g_autofree char *dimensions = caps_field (caps, "dimensions");
  g_autofree char *types = caps_field (caps, "types");
  g_autoptr (GArray) specs = NULL;
  gint64 sample = 0, claimed = count_member (object, "sample_size"), size = pare_stream_size (repository->stream);

  if (!dimensions || !types)
    return bad_repository (reader, "its gst_caps lack dimensions or types", error);
  if (!(specs = pare_wire_parse_specs (dimensions, types, error)))
    return FALSE;
  for (guint i = 0; i < specs->len; i++)
    {
      const PareSpec *spec = &g_array_index (specs, PareSpec, i);
      sample += pare_data_size (spec->type, pare_shape_elements (&spec->shape));
    }
  if (claimed >= 0 && claimed != sample)
    return bad_repository (reader, "its sample_size does not fit its gst_caps", error);
  if (size >= 0 && size / sample < reader->samples)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
                   "'%s' is truncated: '%s' describes %" G_GINT64_FORMAT " samples and it holds %" G_GINT64_FORMAT ".",
                   pare_stream_label (repository->stream), reader->path, reader->samples, size / sample);
      return FALSE;
    }
  g_array_append_vals (reader->specs, specs->data, specs->len);
  return TRUE;
}

/* The next tensor of a flexible sample. */
static PareTensor *
read_flexible (Repository *repository, gint64 size, GError **error)
{
  g_autofree guint8 *data = pare_stream_read_block (repository->stream, size, error);
  PareSpec spec = { 0 };

  if (!data)
    return NULL;
  if (!pare_wire_parse_header (data, size, &spec))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
                   "'%s' is corrupt: a tensor lacks a header that describes its %" G_GINT64_FORMAT " bytes.",
                   pare_stream_label (repository->stream), size);
      return NULL;
    }
  return pare_tensor_new_copy (spec.type, &spec.shape, data + PARE_WIRE_HEADER);
}

static gboolean
check_lists (const Repository *repository, const GArray *offsets, gint64 samples)
{
  gint64 offset = 0;

  if (!repository->sizes || !repository->starts || !offsets || samples > G_MAXUINT - 1 || offsets->len != samples
      || repository->starts->len != samples + 1)
    return FALSE;
  for (gint64 i = 0; i < samples; i++)
    {
      gint64 from = g_array_index (repository->starts, gint64, i),
             to = g_array_index (repository->starts, gint64, i + 1);
      if (from > to || to > repository->sizes->len || g_array_index (offsets, gint64, i) != offset
          || (i == 0 && from != 0))
        return FALSE;
      for (gint64 k = from; k < to; k++)
        if (__builtin_add_overflow (offset, g_array_index (repository->sizes, gint64, k), &offset))
          return FALSE;
    }
  return TRUE;
}

/* The specs are those of the first sample: it is read once here, and the stream is opened again. */
static gboolean
open_flexible (PareReader *reader, Repository *repository, JsonObject *object, GError **error)
{
  g_autoptr (GArray) offsets = list_member (object, "sample_offset");
  gint64 end;

  repository->sizes = list_member (object, "tensor_size");
  repository->starts = list_member (object, "tensor_count");
  if (repository->sizes && repository->starts)
    {
      end = repository->sizes->len;
      g_array_append_val (repository->starts, end);
    }
  if (!check_lists (repository, offsets, reader->samples))
    return bad_repository (reader, "its sample_offset, tensor_size and tensor_count do not fit each other", error);
  if (reader->samples == 0)
    return bad_repository (reader, "it has no samples", error);
  end = g_array_index (repository->starts, gint64, 1);
  if (end == 0 || end > PARE_WIRE_TENSORS)
    return bad_repository (reader, "its samples have no tensors, or more than 16", error);
  for (gint64 k = 0; k < end; k++)
    {
      g_autoptr (PareTensor) tensor = read_flexible (repository, g_array_index (repository->sizes, gint64, k), error);
      PareSpec spec;
      if (!tensor)
        return FALSE;
      spec = (PareSpec){ tensor->type, tensor->shape };
      g_array_append_val (reader->specs, spec);
    }
  g_clear_pointer (&repository->stream, pare_stream_close);
  return (repository->stream = open_data (reader, error)) != NULL;
}

static gboolean
repository_open (PareReader *reader, GError **error)
{
  g_autoptr (JsonObject) object = load_description (reader, error);
  Repository *repository = g_new0 (Repository, 1);
  g_autofree char *format = NULL;
  const char *caps;

  reader->state = repository;
  if (!object)
    return FALSE;
  caps = string_member (object, "gst_caps");
  reader->samples = count_member (object, "total_samples");
  if (!caps || !g_str_has_prefix (caps, "other/tensor") || reader->samples < 0)
    return bad_repository (reader, "it lacks total_samples, or gst_caps of other/tensors", error);
  if (!(repository->stream = open_data (reader, error)))
    return FALSE;
  format = caps_field (caps, "format");
  return g_strcmp0 (format, "flexible") == 0 ? open_flexible (reader, repository, object, error)
                                             : open_static (reader, repository, object, caps, error);
}

static gboolean
repository_next (PareReader *reader, PareTensor **sample, GError **error)
{
  Repository *repository = reader->state;
  gint64 first = repository->sizes ? g_array_index (repository->starts, gint64, reader->position) : 0;
  PareArray array = { .stream = repository->stream };

  if (repository->sizes
      && g_array_index (repository->starts, gint64, reader->position + 1) - first != reader->specs->len)
    return bad_repository (reader, "its samples have different numbers of tensors", error);
  for (guint i = 0; i < reader->specs->len; i++)
    {
      const PareSpec *spec = &g_array_index (reader->specs, PareSpec, i);
      array.type = spec->type;
      sample[i] = repository->sizes
                      ? read_flexible (repository, g_array_index (repository->sizes, gint64, first + i), error)
                      : pare_array_read (&array, &spec->shape, error);
      if (!sample[i])
        return FALSE;
      if (sample[i]->type != spec->type || !pare_shape_equal (&sample[i]->shape, &spec->shape))
        return bad_repository (reader, "its samples have different shapes or types", error);
    }
  return TRUE;
}

static void
repository_close (PareReader *reader)
{
  Repository *repository = reader->state;

  if (!repository)
    return;
  g_clear_pointer (&repository->stream, pare_stream_close);
  g_clear_pointer (&repository->sizes, g_array_unref);
  g_clear_pointer (&repository->starts, g_array_unref);
  g_clear_pointer (&reader->state, g_free);
}

const PareFormat pare_format_nnstreamer = {
  .name = "nnstreamer",
  .probe = repository_probe,
  .open = repository_open,
  .next = repository_next,
  .close = repository_close,
};
