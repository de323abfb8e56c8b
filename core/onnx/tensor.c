/* SPDX-License-Identifier: LGPL-2.1-or-later
 * TensorProto to PareTensor and back. Elements stand in raw_data (little-endian), in external data, or in the typed
 * field that the table below gives; a tensor goes back to where it came from. */
#include "onnx/codec.h"
#include <stdlib.h>
#include <string.h>

/* raw_data is used as it stands; a big-endian port has to swap in take_raw() and put_raw(). */
G_STATIC_ASSERT (G_BYTE_ORDER == G_LITTLE_ENDIAN);

typedef struct
{
  glong n, list; /* offsets in Onnx__TensorProto */
  guint size;    /* bytes of one entry */
} Field;

#define FIELD(name, size)                                                                                              \
  {                                                                                                                    \
    G_STRUCT_OFFSET (Onnx__TensorProto, n_##name), G_STRUCT_OFFSET (Onnx__TensorProto, name), size                     \
  }

static const Field float_field = FIELD (float_data, 4);
static const Field int32_field = FIELD (int32_data, 4);
static const Field int64_field = FIELD (int64_data, 8);
static const Field double_field = FIELD (double_data, 8);
static const Field uint64_field = FIELD (uint64_data, 8);

/* Where the typed form of each type lives, and how many bytes of the tensor one entry stands for. */
static const struct
{
  const Field *field;
  guint unit;
  gboolean is_signed;
} storage[PARE_DATA_TYPES] = {
  [PARE_FLOAT32] = { &float_field, 4 },      [PARE_COMPLEX64] = { &float_field, 4 },
  [PARE_INT32] = { &int32_field, 4 },        [PARE_INT16] = { &int32_field, 2, TRUE },
  [PARE_INT8] = { &int32_field, 1, TRUE },   [PARE_UINT16] = { &int32_field, 2 },
  [PARE_UINT8] = { &int32_field, 1 },        [PARE_BOOL] = { &int32_field, 1 },
  [PARE_FLOAT16] = { &int32_field, 2 },      [PARE_BFLOAT16] = { &int32_field, 2 },
  [PARE_FLOAT8E4M3FN] = { &int32_field, 1 }, [PARE_FLOAT8E4M3FNUZ] = { &int32_field, 1 },
  [PARE_FLOAT8E5M2] = { &int32_field, 1 },   [PARE_FLOAT8E5M2FNUZ] = { &int32_field, 1 },
  [PARE_UINT4] = { &int32_field, 1 },        [PARE_INT4] = { &int32_field, 1 },
  [PARE_INT64] = { &int64_field, 8 },        [PARE_FLOAT64] = { &double_field, 8 },
  [PARE_COMPLEX128] = { &double_field, 8 },  [PARE_UINT32] = { &uint64_field, 4 },
  [PARE_UINT64] = { &uint64_field, 8 },
};

static gboolean
take_shape (const PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, PareShape *shape, GError **error)
{
  gint64 elements;

  if (proto->n_dims > PARE_MAX_RANK)
    return pare_onnx_error (reader, error, "Tensor '%s' has %" G_GSIZE_FORMAT " dimensions; at most %d are supported.",
                            name, proto->n_dims, PARE_MAX_RANK);
  *shape = pare_shape (proto->n_dims, proto->dims);
  elements = pare_shape_elements (shape);
  /* So that the size in bits fits too, whatever the type. */
  if (elements < 0 || elements > G_MAXINT64 / 256)
    {
      g_autofree char *text = pare_shape_to_string (shape);
      return pare_onnx_error (reader, error, "Tensor '%s' has the impossible shape %s.", name, text);
    }
  free (pare_onnx_take_list (&proto->n_dims, &proto->dims));
  return TRUE;
}

static PareTensor *
take_strings (const PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, const PareShape *shape,
              GError **error)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_autofree ProtobufCBinaryData *list = NULL;
  gsize n = proto->n_string_data;
  gint64 elements = pare_shape_elements (shape);

  if (elements != (gint64)n)
    {
      pare_onnx_error (reader, error,
                       "Tensor '%s' holds %" G_GSIZE_FORMAT " strings; its shape asks for %" G_GINT64_FORMAT ".", name,
                       n, elements);
      return NULL;
    }
  list = pare_onnx_take_list (&proto->n_string_data, &proto->string_data);
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (strings, g_bytes_new_take (list[i].data, list[i].len));
  return pare_tensor_new_strings (shape, g_steal_pointer (&strings));
}

/* Copies integers of @from bytes each to integers of @to bytes; FALSE when one does not fit. */
static gboolean
resize_integers (const guint8 *source, guint from, guint8 *target, guint to, gsize n, gboolean is_signed)
{
  for (gsize i = 0; i < n; i++)
    {
      gint64 value = 0, back = 0;
      guint shift = 64 - 8 * MIN (from, to);
      memcpy (&value, source + i * from, from);
      /* What of the value both sides can hold. */
      back = (gint64)((guint64)value << shift);
      back = is_signed ? back >> shift : (gint64)((guint64)back >> shift);
      memcpy (target + i * to, &back, to);
      if (memcmp (&back, source + i * from, MIN (from, 8)) != 0 && from > to)
        return FALSE;
    }
  return TRUE;
}

static GBytes *
take_typed (const PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, PareDataType type, gsize size,
            GError **error)
{
  const Field *field = storage[type].field;
  gsize *n = G_STRUCT_MEMBER_P (proto, field->n);
  guint unit = storage[type].unit;
  gsize entries = size / unit;
  g_autofree guint8 *list = NULL, *data = NULL;

  if (*n != entries)
    {
      pare_onnx_error (reader, error,
                       "Tensor '%s' (%s) holds %" G_GSIZE_FORMAT " numbers; its shape asks for %" G_GSIZE_FORMAT ".",
                       name, pare_data_type_name (type), *n, entries);
      return NULL;
    }
  list = pare_onnx_take_list (n, G_STRUCT_MEMBER_P (proto, field->list));
  if (unit == field->size)
    return g_bytes_new_take (g_steal_pointer (&list), size);
  data = g_malloc (MAX (size, 1));
  if (!resize_integers (list, field->size, data, unit, entries, storage[type].is_signed))
    {
      pare_onnx_error (reader, error, "Tensor '%s' holds a number that is not a %s.", name, pare_data_type_name (type));
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

static GBytes *
take_raw (const PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, gsize size, GError **error)
{
  ProtobufCBinaryData *raw = &proto->raw_data;

  if (raw->len != size)
    {
      pare_onnx_error (reader, error,
                       "Tensor '%s' holds %" G_GSIZE_FORMAT " bytes; its shape and type ask for %" G_GSIZE_FORMAT ".",
                       name, raw->len, size);
      return NULL;
    }
  proto->has_raw_data = FALSE;
  raw->len = 0;
  return g_bytes_new_take (g_steal_pointer (&raw->data), size);
}

/* Moves type, dims and elements out of @proto. Memory is stolen, not copied. */
PareTensor *
pare_onnx_take_tensor (PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, GError **error)
{
  PareDataType type = proto->has_data_type ? proto->data_type : PARE_UNDEFINED;
  PareShape shape;
  PareTensor *tensor;
  GBytes *bytes;
  gsize size;
  gboolean typed = FALSE;

  if (type != PARE_STRING && pare_data_type_bits (type) == 0)
    {
      pare_onnx_error (reader, error, "Tensor '%s' has the unknown element type %d.", name, (int)type);
      return NULL;
    }
  if (proto->segment)
    {
      pare_onnx_error (reader, error, "Tensor '%s' is stored in segments, which is not supported.", name);
      return NULL;
    }
  if (!take_shape (reader, proto, name, &shape, error))
    return NULL;
  proto->has_data_type = FALSE;
  proto->data_type = 0;
  if (type == PARE_STRING)
    return take_strings (reader, proto, name, &shape, error);
  size = pare_data_size (type, pare_shape_elements (&shape));
  if (proto->has_data_location && proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    bytes = pare_onnx_take_external (reader, proto, name, size, MAX (pare_data_type_bits (type) / 8, 1), error);
  else if (proto->has_raw_data && (proto->raw_data.len || !G_STRUCT_MEMBER (gsize, proto, storage[type].field->n)))
    bytes = take_raw (reader, proto, name, size, error);
  else
    {
      typed = TRUE;
      bytes = take_typed (reader, proto, name, type, size, error);
    }
  if (!bytes)
    return NULL;
  tensor = pare_tensor_new (type, &shape, bytes);
  tensor->typed = typed;
  return tensor;
}

static void
put_strings (PareTensor *tensor, Onnx__TensorProto *proto)
{
  proto->n_string_data = tensor->strings->len;
  proto->string_data = g_new (ProtobufCBinaryData, tensor->strings->len);
  for (guint i = 0; i < tensor->strings->len; i++)
    {
      gsize length;
      gconstpointer data = g_bytes_get_data (tensor->strings->pdata[i], &length);
      proto->string_data[i] = (ProtobufCBinaryData){ length, g_memdup2 (data, length) };
    }
}

static void
put_typed (PareTensor *tensor, Onnx__TensorProto *proto)
{
  const Field *field = storage[tensor->type].field;
  guint unit = storage[tensor->type].unit;
  gsize n = pare_tensor_size (tensor) / unit;
  guint8 *list = g_malloc (n * field->size);

  if (unit == field->size && n)
    memcpy (list, pare_tensor_data (tensor), pare_tensor_size (tensor));
  else
    resize_integers (pare_tensor_data (tensor), unit, list, field->size, n, storage[tensor->type].is_signed);
  G_STRUCT_MEMBER (gsize, proto, field->n) = n;
  G_STRUCT_MEMBER (gpointer, proto, field->list) = list;
}

/* The weights are not copied: pare_onnx_writer_clear() takes the pointers out again before the messages are freed. */
static void
put_raw (PareOnnxWriter *writer, PareTensor *tensor, Onnx__TensorProto *proto)
{
  proto->has_raw_data = TRUE;
  proto->raw_data.len = pare_tensor_size (tensor);
  proto->raw_data.data = (guint8 *)pare_tensor_data (tensor);
  g_ptr_array_add (writer->borrowed, proto);
}

void
pare_onnx_put_tensor (PareOnnxWriter *writer, PareTensor *tensor, Onnx__TensorProto *proto)
{
  proto->has_data_type = TRUE;
  proto->data_type = tensor->type;
  proto->n_dims = tensor->shape.rank;
  proto->dims = g_memdup2 (tensor->shape.dims, tensor->shape.rank * sizeof (gint64));
  if (tensor->strings)
    put_strings (tensor, proto);
  else if (writer->external && pare_tensor_size (tensor) >= PARE_ONNX_EXTERNAL_LEAST)
    pare_onnx_put_external (writer, tensor, proto);
  else if (tensor->typed)
    put_typed (tensor, proto);
  else
    put_raw (writer, tensor, proto);
}
