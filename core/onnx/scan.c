/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A walk over the wire format (protobuf.dev, "Encoding") before anything is unpacked: protobuf-c's unpacker recurses as
 * deep as a file tells it to, and cannot say what is wrong where. */
#include "onnx/codec.h"

/* A subgraph takes three levels. */
#define MAX_DEPTH 64
/* Two bytes of a file can ask for hundreds of memory: empty messages. Beyond this, no model is meant. */
#define MAX_MEMORY ((gsize)1 << 30)

typedef struct
{
  const PareOnnxReader *reader;
  const guint8 *start; /* of the file */
  GString *place;      /* "graph.node.attribute" */
  gsize memory;        /* that the unpacked structures will take, contents apart */
} Scan;

typedef struct
{
  guint32 number;
  guint8 wire;
  guint64 length; /* of a length-prefixed field's content */
} Tag;

static gboolean
fail (const Scan *scan, const guint8 *at, const char *what, GError **error)
{
  return pare_onnx_error (scan->reader, error,
                          "%s%s%s at byte %" G_GSIZE_FORMAT ": not an ONNX model, or a damaged one.", what,
                          scan->place->len ? " in " : "", scan->place->str, (gsize)(at - scan->start));
}

static gboolean
read_varint (const guint8 **at, const guint8 *end, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 70 && *at < end; shift += 7)
    {
      guint8 byte = *(*at)++;
      if (shift < 64)
        *value |= (guint64)(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return TRUE;
    }
  return FALSE;
}

/* Reads a tag and steps over a scalar's content; a length-prefixed field's content is still to come. */
static gboolean
read_field (const Scan *scan, const guint8 **at, const guint8 *end, Tag *tag, GError **error)
{
  const guint8 *from = *at;
  guint64 key, ignored;
  gsize fixed;

  if (!read_varint (at, end, &key) || key >> 32 || key >> 3 == 0)
    return fail (scan, from, "A bad field tag", error);
  *tag = (Tag){ key >> 3, key & 7, 0 };
  switch (tag->wire)
    {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
      return read_varint (at, end, &ignored) || fail (scan, from, "An unfinished number", error);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
      fixed = tag->wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
      if ((gsize)(end - *at) < fixed)
        return fail (scan, from, "An unfinished number", error);
      *at += fixed;
      return TRUE;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
      if (!read_varint (at, end, &tag->length) || tag->length > (guint64)(end - *at))
        return fail (scan, from, "A field that claims more bytes than there are", error);
      return TRUE;
    default:
      return fail (scan, from, "A field of an unknown wire type", error);
    }
}

static gboolean scan_message (Scan *scan, const ProtobufCMessageDescriptor *kind, const guint8 *at, const guint8 *end,
                              guint depth, GError **error);

static gboolean
scan_content (Scan *scan, const ProtobufCFieldDescriptor *field, const guint8 *at, const guint8 *end, guint depth,
              GError **error)
{
  gsize length = scan->place->len;

  scan->memory += field->type == PROTOBUF_C_TYPE_MESSAGE
                      ? ((const ProtobufCMessageDescriptor *)field->descriptor)->sizeof_message + 2 * sizeof (gpointer)
                      : sizeof (ProtobufCBinaryData) + 2 * sizeof (gpointer);
  if (scan->memory > MAX_MEMORY)
    return fail (scan, at, "An absurd number of messages", error);
  g_string_append_printf (scan->place, "%s%s", length ? "." : "", field->name);
  if (field->type == PROTOBUF_C_TYPE_MESSAGE && !scan_message (scan, field->descriptor, at, end, depth + 1, error))
    return FALSE;
  /* Names end up in C strings and in JSON. */
  if (field->type == PROTOBUF_C_TYPE_STRING && !g_utf8_validate_len ((const char *)at, end - at, NULL))
    return fail (scan, at, "Text that is not UTF-8", error);
  g_string_truncate (scan->place, length);
  return TRUE;
}

static gboolean
scan_message (Scan *scan, const ProtobufCMessageDescriptor *kind, const guint8 *at, const guint8 *end, guint depth,
              GError **error)
{
  guint64 seen = 0;

  if (depth > MAX_DEPTH)
    return fail (scan, at, "Messages nested too deeply", error);
  while (at < end)
    {
      const guint8 *from = at;
      const ProtobufCFieldDescriptor *field;
      Tag tag = { 0 };

      if (!read_field (scan, &at, end, &tag, error))
        return FALSE;
      if (tag.wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        continue;
      field = protobuf_c_message_descriptor_get_field (kind, tag.number);
      if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED)
        {
          guint64 bit = G_GUINT64_CONSTANT (1) << (field - kind->fields);
          /* Legal, and no writer does it; merging thousands of them takes quadratic time. */
          if (seen & bit)
            return fail (scan, from, "A second copy of a single field", error);
          seen |= bit;
        }
      if (field && !scan_content (scan, field, at, at + tag.length, depth, error))
        return FALSE;
      at += tag.length;
    }
  return TRUE;
}

gboolean
pare_onnx_scan (const PareOnnxReader *reader, const ProtobufCMessageDescriptor *kind, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  Scan scan = { reader, data, g_string_new (NULL), 0 };
  gboolean fine = scan_message (&scan, kind, data, data + size, 0, error);

  g_string_free (scan.place, TRUE);
  return fine;
}
