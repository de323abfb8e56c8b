/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The boundary between ONNX shapes and other/tensors caps, and between tensors and buffers: one memory per tensor. */
#include "gst/tensorcaps.h"
#include <string.h>

#define MAX_TENSORS 16

/* Flexible tensors: the header of 32 host-endian words in front of each memory (NNStreamer's GstTensorMetaInfo). */
#define HEADER_SIZE 128
#define HEADER_MAGIC 0xfeedcced
#define HEADER_TYPE 2
#define HEADER_DIMS 3
#define HEADER_RANK 16

/* Types that tensor pads carry; the index is the number in a flexible header. */
static const PareDataType wire_types[] = {
  PARE_INT32,   PARE_UINT32,  PARE_INT16, PARE_UINT16, PARE_INT8,    PARE_UINT8,
  PARE_FLOAT64, PARE_FLOAT32, PARE_INT64, PARE_UINT64, PARE_FLOAT16,
};

static gboolean
travels (PareDataType type)
{
  for (guint i = 0; i < G_N_ELEMENTS (wire_types); i++)
    if (wire_types[i] == type)
      return TRUE;
  return FALSE;
}

GstCaps *
gst_pare_tensor_caps_new (guint n, const PareSpec *specs)
{
  g_autoptr (GString) dimensions = g_string_new (NULL);
  g_autoptr (GString) types = g_string_new (NULL);

  g_return_val_if_fail (n > 0 && n <= MAX_TENSORS, NULL);
  for (guint i = 0; i < n; i++)
    {
      if (!travels (specs[i].type) || pare_shape_elements (&specs[i].shape) <= 0)
        return NULL;
      if (i)
        {
          g_string_append_c (dimensions, ',');
          g_string_append_c (types, ',');
        }
      if (specs[i].shape.rank == 0)
        g_string_append_c (dimensions, '1');
      for (guint axis = specs[i].shape.rank; axis-- > 0;)
        g_string_append_printf (dimensions, "%" G_GINT64_FORMAT "%s", specs[i].shape.dims[axis], axis ? ":" : "");
      g_string_append (types, pare_data_type_name (specs[i].type));
    }
  return gst_caps_new_simple ("other/tensors", "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, (int)n,
                              "dimensions", G_TYPE_STRING, dimensions->str, "types", G_TYPE_STRING, types->str,
                              "framerate", GST_TYPE_FRACTION, 0, 1, NULL);
}

static gboolean
bad_caps (GError **error, const char *format, const char *text)
{
  g_autofree char *what = g_strdup_printf (format, text);

  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "The tensor caps %s.", what);
  return FALSE;
}

/* "3:224:224:1" to [1,224,224,3]. A size of 0 ends the rank, as NNStreamer pads with zeros. */
static gboolean
parse_dimensions (const char *text, PareShape *shape, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ":", -1);
  guint rank = 0, n = g_strv_length (words);
  gint64 inner[PARE_MAX_RANK];

  for (guint i = 0; i < n; i++)
    {
      guint64 size;
      if (!g_ascii_string_to_unsigned (g_strstrip (words[i]), 10, 0, G_MAXINT32, &size, NULL))
        return bad_caps (
            error, "have the dimensions '%s', where sizes between 1 and 2147483647 with ':' between are meant", text);
      if (size == 0)
        break;
      if (rank == PARE_MAX_RANK && size > 1)
        return bad_caps (error, "have the dimensions '%s', of which there are too many", text);
      if (rank < PARE_MAX_RANK)
        inner[rank++] = size;
    }
  if (rank == 0)
    return bad_caps (error, "have the dimensions '%s', which name no size", text);
  shape->rank = rank;
  for (guint i = 0; i < rank; i++)
    shape->dims[i] = inner[rank - 1 - i];
  if (pare_shape_elements (shape) < 0 || pare_shape_elements (shape) > G_MAXINT64 / 16)
    return bad_caps (error, "have the dimensions '%s', which are beyond any memory", text);
  return TRUE;
}

/* gst-launch reads an unquoted 4:1 as a flag set and 4 as a number: only text will do. */
static char **
caps_list (const GstStructure *structure, const char *field, GError **error)
{
  const char *text;

  if (!gst_structure_has_field (structure, field))
    {
      bad_caps (error, "lack the field '%s'", field);
      return NULL;
    }
  text = gst_structure_get_string (structure, field);
  if (!text)
    {
      bad_caps (error, "have a field '%s' that is not text; write it with (string) in front of the value", field);
      return NULL;
    }
  return g_strsplit_set (text, ",.", -1);
}

gboolean
gst_pare_tensor_caps_parse (const GstCaps *caps, GArray **specs, GError **error)
{
  const GstStructure *structure;
  const char *format;
  g_auto (GStrv) dimensions = NULL;
  g_auto (GStrv) types = NULL;
  g_autoptr (GArray) parsed = g_array_new (FALSE, TRUE, sizeof (PareSpec));
  guint n;
  int expected;

  *specs = NULL;
  if (!caps || gst_caps_get_size (caps) != 1
      || !gst_structure_has_name (structure = gst_caps_get_structure (caps, 0), "other/tensors"))
    return bad_caps (error, "are not %s", "other/tensors");
  format = gst_structure_get_string (structure, "format");
  if (g_strcmp0 (format, "flexible") == 0)
    return TRUE;
  if (format && strcmp (format, "static") != 0)
    return bad_caps (error, "have the format '%s', where static or flexible is meant", format);

  if (!(dimensions = caps_list (structure, "dimensions", error)) || !(types = caps_list (structure, "types", error)))
    return FALSE;
  n = g_strv_length (dimensions);
  if (n == 0 || n > MAX_TENSORS || n != g_strv_length (types)
      || (gst_structure_get_int (structure, "num_tensors", &expected) && expected != (int)n))
    return bad_caps (error, "do not agree on the number of tensors (1 to 16) in num_tensors, dimensions and %s",
                     "types");
  for (guint i = 0; i < n; i++)
    {
      PareSpec spec = { .type = pare_data_type_from_name (g_strstrip (types[i])) };
      if (!travels (spec.type))
        return bad_caps (error, "have the type '%s', which tensor pads do not carry", types[i]);
      if (!parse_dimensions (dimensions[i], &spec.shape, error))
        return FALSE;
      g_array_append_val (parsed, spec);
    }
  *specs = g_steal_pointer (&parsed);
  return TRUE;
}

GstBuffer *
gst_pare_buffer_from_tensors (PareTensor *const *tensors, guint n)
{
  GstBuffer *buffer;

  g_return_val_if_fail (n > 0 && n <= MAX_TENSORS, NULL);
  buffer = gst_buffer_new ();
  for (guint i = 0; i < n; i++)
    {
      gsize size;
      gconstpointer data = g_bytes_get_data (tensors[i]->bytes, &size);
      gst_buffer_append_memory (buffer, gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, (gpointer)data, size, 0, size,
                                                                g_bytes_ref (tensors[i]->bytes),
                                                                (GDestroyNotify)g_bytes_unref));
    }
  return buffer;
}

typedef struct
{
  GstMemory *memory;
  GstMapInfo map;
} Mapping;

static void
mapping_free (Mapping *mapping)
{
  gst_memory_unmap (mapping->memory, &mapping->map);
  gst_memory_unref (mapping->memory);
  g_free (mapping);
}

/* The memory as bytes; takes @memory. NULL when it cannot be mapped. */
static GBytes *
memory_to_bytes (GstMemory *memory)
{
  Mapping *mapping = g_new0 (Mapping, 1);

  mapping->memory = memory;
  if (!gst_memory_map (memory, &mapping->map, GST_MAP_READ))
    {
      gst_memory_unref (memory);
      g_free (mapping);
      return NULL;
    }
  return g_bytes_new_with_free_func (mapping->map.data, mapping->map.size, (GDestroyNotify)mapping_free, mapping);
}

/* @size bytes from @offset; a copy only when they do not lie where elements of @type may lie. */
static PareTensor *
tensor_of_slice (GBytes *bytes, gsize offset, gsize size, const PareSpec *spec)
{
  const guint8 *data = (const guint8 *)g_bytes_get_data (bytes, NULL) + offset;

  if ((guintptr)data % MAX (1, pare_data_type_bits (spec->type) / 8) != 0)
    return pare_tensor_new_copy (spec->type, &spec->shape, data);
  return pare_tensor_new (spec->type, &spec->shape, g_bytes_new_from_bytes (bytes, offset, size));
}

static gsize
spec_size (const PareSpec *spec)
{
  return pare_data_size (spec->type, pare_shape_elements (&spec->shape));
}

static gboolean
parse_header (const guint8 *data, PareSpec *spec)
{
  guint32 words[HEADER_SIZE / 4];
  gint64 inner[HEADER_RANK];
  guint rank = 0;

  memcpy (words, data, sizeof words);
  if (words[0] != HEADER_MAGIC || words[HEADER_TYPE] >= G_N_ELEMENTS (wire_types))
    return FALSE;
  while (rank < HEADER_RANK && words[HEADER_DIMS + rank] != 0)
    {
      inner[rank] = words[HEADER_DIMS + rank];
      rank++;
    }
  while (rank > PARE_MAX_RANK && inner[rank - 1] == 1)
    rank--;
  if (rank == 0 || rank > PARE_MAX_RANK)
    return FALSE;
  spec->type = wire_types[words[HEADER_TYPE]];
  spec->shape.rank = rank;
  for (guint i = 0; i < rank; i++)
    spec->shape.dims[i] = inner[rank - 1 - i];
  return pare_shape_elements (&spec->shape) > 0 && pare_shape_elements (&spec->shape) <= G_MAXINT64 / 16;
}

static PareTensor *
flexible_tensor (GBytes *bytes, guint index, GError **error)
{
  gsize size = g_bytes_get_size (bytes);
  PareSpec spec = { 0 };

  if (size < HEADER_SIZE || !parse_header (g_bytes_get_data (bytes, NULL), &spec)
      || spec_size (&spec) != size - HEADER_SIZE)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Tensor %u of a flexible buffer has no header that describes its %" G_GSIZE_FORMAT " bytes.", index,
                   size);
      return NULL;
    }
  return tensor_of_slice (bytes, HEADER_SIZE, size - HEADER_SIZE, &spec);
}

static PareTensor *
static_tensor (GBytes *bytes, const PareSpec *spec, guint index, GError **error)
{
  gsize size = g_bytes_get_size (bytes);

  if (size != spec_size (spec))
    {
      g_autofree char *shape = pare_shape_to_string (&spec->shape);
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Tensor %u of a buffer has %" G_GSIZE_FORMAT " bytes, where its caps say %s %s, %" G_GSIZE_FORMAT
                   " bytes.",
                   index, size, pare_data_type_name (spec->type), shape, spec_size (spec));
      return NULL;
    }
  return tensor_of_slice (bytes, 0, size, spec);
}

/* The tensors back to back in one piece of memory, as an element that knows only bytes hands them on. */
static GPtrArray *
split_bytes (GBytes *bytes, const GArray *specs)
{
  GPtrArray *tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  gsize offset = 0;

  for (guint i = 0; i < specs->len; i++)
    {
      const PareSpec *spec = &g_array_index (specs, PareSpec, i);
      g_ptr_array_add (tensors, tensor_of_slice (bytes, offset, spec_size (spec), spec));
      offset += spec_size (spec);
    }
  return tensors;
}

static GPtrArray *
unmappable (GError **error)
{
  g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT, "The memory of a tensor buffer cannot be read.");
  return NULL;
}

GPtrArray *
gst_pare_buffer_to_tensors (GstBuffer *buffer, const GArray *specs, GError **error)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  guint n = gst_buffer_n_memory (buffer);
  gsize total = 0;

  for (guint i = 0; specs && i < specs->len; i++)
    total += spec_size (&g_array_index (specs, PareSpec, i));
  if (specs && n != specs->len && n > 0 && gst_buffer_get_size (buffer) == total)
    {
      g_autoptr (GBytes) bytes = memory_to_bytes (gst_buffer_get_all_memory (buffer));
      return bytes ? split_bytes (bytes, specs) : unmappable (error);
    }
  if (n == 0 || (specs && n != specs->len))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "A buffer holds %u tensors, where its caps say %u.", n,
                   specs ? specs->len : 1);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) bytes = memory_to_bytes (gst_buffer_get_memory (buffer, i));
      PareTensor *tensor;
      if (!bytes)
        return unmappable (error);
      tensor = specs ? static_tensor (bytes, &g_array_index (specs, PareSpec, i), i, error)
                     : flexible_tensor (bytes, i, error);
      if (!tensor)
        return NULL;
      g_ptr_array_add (tensors, tensor);
    }
  return g_steal_pointer (&tensors);
}
