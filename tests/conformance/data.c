/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Test data: a TensorProto, or the SequenceProto and OptionalProto of onnx-data.proto, which no library here reads. */
#include "data.h"
#include "onnx.pb-c.h"
#include "onnx/onnx.h"

/* Numbers of fields. */
enum
{
  TENSOR_OF_SEQUENCE = 3,
  TENSOR_OF_OPTIONAL = 3,
  SEQUENCE_OF_OPTIONAL = 5,
};

static Onnx__TypeProto__ValueCase
kind_of (const PareValue *value)
{
  Onnx__TypeProto__ValueCase kind = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  Onnx__ValueInfoProto *info;
  gsize size;
  gconstpointer data;

  if (!value || !value->info)
    return kind;
  data = g_bytes_get_data (value->info, &size);
  info = onnx__value_info_proto__unpack (NULL, size, data);
  if (info->type)
    kind = info->type->value_case;
  onnx__value_info_proto__free_unpacked (info, NULL);
  return kind;
}

static guint64
read_varint (const guint8 **at, const guint8 *end)
{
  guint64 number = 0;

  for (guint shift = 0; *at < end && shift < 64; shift += 7)
    {
      guint8 byte = *(*at)++;
      number |= (guint64)(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        break;
    }
  return number;
}

/* The next field with bytes; NULL at the end. All others are numbers. */
static GBytes *
next_field (const guint8 **at, const guint8 *end, guint *number)
{
  while (*at < end)
    {
      guint64 tag = read_varint (at, end), size = read_varint (at, end);
      if ((tag & 7) != 2)
        continue;
      *number = tag >> 3;
      g_assert_cmpuint (size, <=, end - *at);
      *at += size;
      return g_bytes_new (*at - size, size);
    }
  return NULL;
}

static PareTensor *
read_sequence (GBytes *bytes, GError **error)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  gsize size;
  const guint8 *at = g_bytes_get_data (bytes, &size), *end = at + size;
  GBytes *field;
  guint number;

  while ((field = next_field (&at, end, &number)))
    {
      PareTensor *item = number == TENSOR_OF_SEQUENCE ? pare_onnx_load_tensor_bytes (field, NULL, error) : NULL;
      g_bytes_unref (field);
      if (item)
        g_ptr_array_add (items, item);
      else if (number == TENSOR_OF_SEQUENCE)
        return NULL;
    }
  return pare_tensor_new_sequence (g_steal_pointer (&items));
}

static PareTensor *
read_optional (GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *at = g_bytes_get_data (bytes, &size), *end = at + size;
  GBytes *field;
  guint number;

  while ((field = next_field (&at, end, &number)))
    {
      g_autoptr (GBytes) content = field;
      if (number == TENSOR_OF_OPTIONAL)
        return pare_onnx_load_tensor_bytes (content, NULL, error);
      if (number == SEQUENCE_OF_OPTIONAL)
        return read_sequence (content, error);
    }
  return pare_tensor_new_absent ();
}

PareTensor *
data_load (const char *path, const PareValue *value, GError **error)
{
  Onnx__TypeProto__ValueCase kind = kind_of (value);
  g_autoptr (GBytes) bytes = NULL;
  char *content;
  gsize size;

  if (kind == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return pare_onnx_load_tensor (path, error);
  if (!g_file_get_contents (path, &content, &size, error))
    return NULL;
  bytes = g_bytes_new_take (content, size);
  return kind == ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE ? read_sequence (bytes, error) : read_optional (bytes, error);
}
