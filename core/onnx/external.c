/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Tensors outside of the model file (the specification's "External Tensor Data"): mapped, shared, and never from
 * outside of the model's folder. */
#include "onnx/codec.h"
#include <stdlib.h>
#include <string.h>

typedef struct
{
  const char *location;
  const char *offset;
  const char *length;
} Place;

static void
find_place (const Onnx__TensorProto *proto, Place *place)
{
  *place = (Place){ NULL, NULL, NULL };
  for (gsize i = 0; i < proto->n_external_data; i++)
    {
      const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;
      if (g_strcmp0 (key, "location") == 0)
        place->location = value;
      else if (g_strcmp0 (key, "offset") == 0)
        place->offset = value;
      else if (g_strcmp0 (key, "length") == 0)
        place->length = value;
    }
}

/* The path behind all symbolic links, when it lies in the model's folder; else NULL. */
static char *
resolve_inside (const PareOnnxReader *reader, const char *location)
{
  g_autofree char *path = g_build_filename (reader->folder, location, NULL);
  char *folder = realpath (reader->folder, NULL), *file = realpath (path, NULL);
  char *inside = NULL;
  gsize length = folder ? strlen (folder) : 0;

  if (folder && file && g_str_has_prefix (file, folder) && (file[length] == '/' || g_str_has_suffix (folder, "/")))
    inside = g_strdup (file);
  free (folder);
  free (file);
  return inside;
}

static gboolean
leaves_folder (const char *location)
{
  g_auto (GStrv) parts = g_strsplit (location, "/", -1);

  return g_path_is_absolute (location) || g_strv_contains ((const char *const *)parts, "..");
}

static GBytes *
map_file (PareOnnxReader *reader, const char *location, const char *name, GError **error)
{
  g_autofree char *plain = g_build_filename (reader->folder, location, NULL);
  g_autofree char *path = resolve_inside (reader, location);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) reason = NULL;

  if (!path && g_file_test (plain, G_FILE_TEST_EXISTS))
    {
      pare_onnx_error (reader, error, "Tensor '%s': its data '%s' is a link to outside of the model's folder.", name,
                       location);
      return NULL;
    }
  if (!path)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND,
                   "File '%s': Tensor '%s': its data file '%s' is missing; it belongs beside the model.", reader->name,
                   name, location);
      return NULL;
    }
  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      pare_onnx_error (reader, error, "Tensor '%s': its data '%s' is not a regular file.", name, location);
      return NULL;
    }
  file = g_mapped_file_new (path, FALSE, &reason);
  if (!file)
    {
      pare_onnx_error (reader, error, "Tensor '%s': its data '%s' cannot be mapped (%s).", name, location,
                       reason->message);
      return NULL;
    }
  return g_mapped_file_get_bytes (file);
}

/* One mapping per file, however many tensors it holds. Borrowed. */
static GBytes *
external_file (PareOnnxReader *reader, const char *location, const char *name, GError **error)
{
  GBytes *bytes = g_hash_table_lookup (reader->files, location);

  if (bytes)
    return bytes;
  bytes = map_file (reader, location, name, error);
  if (bytes)
    g_hash_table_insert (reader->files, g_strdup (location), bytes);
  return bytes;
}

/* A slice of @file; copied when a machine word of the type would straddle. */
static GBytes *
slice (GBytes *file, gsize offset, gsize size, gsize alignment)
{
  const guint8 *data = g_bytes_get_data (file, NULL);

  if ((guintptr)(data + offset) % MIN (alignment, 16) == 0)
    return g_bytes_new_from_bytes (file, offset, size);
  return g_bytes_new (data + offset, size);
}

/* The @size bytes that @proto refers to; its reference is removed. */
GBytes *
pare_onnx_take_external (PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, gsize size,
                         gsize alignment, GError **error)
{
  guint64 offset = 0, length = size;
  GBytes *file;
  Place place;

  find_place (proto, &place);
  if (!reader->folder || !place.location || !*place.location)
    {
      pare_onnx_error (reader, error, "Tensor '%s' has its data in another file, and it is not known which.", name);
      return NULL;
    }
  if (leaves_folder (place.location))
    {
      pare_onnx_error (reader, error, "Tensor '%s': its data '%s' lies outside of the model's folder.", name,
                       place.location);
      return NULL;
    }
  if ((place.offset && !g_ascii_string_to_unsigned (place.offset, 10, 0, G_MAXINT64, &offset, NULL))
      || (place.length && !g_ascii_string_to_unsigned (place.length, 10, 0, G_MAXINT64, &length, NULL)))
    {
      pare_onnx_error (reader, error, "Tensor '%s': the offset or the length of its data is not a number.", name);
      return NULL;
    }
  if (length != size)
    {
      pare_onnx_error (reader, error,
                       "Tensor '%s' has %" G_GUINT64_FORMAT
                       " bytes in '%s'; its shape and type ask for %" G_GSIZE_FORMAT ".",
                       name, length, place.location, size);
      return NULL;
    }
  file = external_file (reader, place.location, name, error);
  if (!file)
    return NULL;
  if (offset > g_bytes_get_size (file) || size > g_bytes_get_size (file) - offset)
    {
      pare_onnx_error (reader, error,
                       "Tensor '%s' claims %" G_GSIZE_FORMAT " bytes at %" G_GUINT64_FORMAT
                       " of '%s', which has only %" G_GSIZE_FORMAT ": the file is incomplete.",
                       name, size, offset, place.location, g_bytes_get_size (file));
      return NULL;
    }
  file = slice (file, offset, size, alignment);
  pare_onnx_clear_messages (&proto->n_external_data, &proto->external_data);
  proto->has_data_location = FALSE;
  proto->data_location = 0;
  return file;
}

static Onnx__StringStringEntryProto *
new_entry (const char *key, char *value)
{
  Onnx__StringStringEntryProto *entry = pare_onnx_unpack (&onnx__string_string_entry_proto__descriptor, NULL);

  entry->key = g_strdup (key);
  entry->value = value;
  return entry;
}

/* Gives @tensor a place in the external data. */
void
pare_onnx_put_external (PareOnnxWriter *writer, PareTensor *tensor, Onnx__TensorProto *proto)
{
  guint64 offset = writer->external_size + (-writer->external_size & (PARE_ONNX_EXTERNAL_ALIGN - 1));

  proto->has_data_location = TRUE;
  proto->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  proto->n_external_data = 3;
  proto->external_data = g_new (Onnx__StringStringEntryProto *, 3);
  proto->external_data[0] = new_entry ("location", g_strdup (writer->external));
  proto->external_data[1] = new_entry ("offset", g_strdup_printf ("%" G_GUINT64_FORMAT, offset));
  proto->external_data[2] = new_entry ("length", g_strdup_printf ("%" G_GSIZE_FORMAT, pare_tensor_size (tensor)));
  writer->external_size = offset + pare_tensor_size (tensor);
  g_ptr_array_add (writer->outside, tensor);
}
