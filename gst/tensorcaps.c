/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The boundary between ONNX shapes and other/tensors caps, and between tensors and buffers: one memory per tensor. */
#include "gst/tensorcaps.h"
#include "data/wire.h"
#include <string.h>

GstCaps *
gst_pare_tensor_caps_new (guint n, const PareSpec *specs)
{
  g_autofree char *dimensions = NULL;
  g_autofree char *types = NULL;

  g_return_val_if_fail (n > 0 && n <= PARE_WIRE_TENSORS, NULL);
  for (guint i = 0; i < n; i++)
    if (!pare_wire_carries (specs[i].type) || pare_shape_elements (&specs[i].shape) <= 0)
      return NULL;
  dimensions = pare_wire_dimensions (n, specs);
  types = pare_wire_types (n, specs);
  return gst_caps_new_simple ("other/tensors", "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, (int)n,
                              "dimensions", G_TYPE_STRING, dimensions, "types", G_TYPE_STRING, types, "framerate",
                              GST_TYPE_FRACTION, 0, 1, NULL);
}

/* gst-launch reads an unquoted 4:1 as a flag set and 4 as a number: only text will do. */
static const char *
caps_text (const GstStructure *structure, const char *field, GError **error)
{
  const char *text = gst_structure_get_string (structure, field);

  if (!text)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 gst_structure_has_field (structure, field)
                     ? "The tensor caps have a field '%s' that is not text; write (string) in front of its value."
                     : "The tensor caps lack the field '%s'.",
                 field);
  return text;
}

static gboolean
bad_caps (GError **error, const char *reason)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "The tensor caps %s.", reason);
  return FALSE;
}

gboolean
gst_pare_tensor_caps_parse (const GstCaps *caps, GArray **specs, GError **error)
{
  const GstStructure *structure;
  const char *format, *dimensions, *types;
  g_autoptr (GArray) parsed = NULL;
  int expected;

  *specs = NULL;
  if (!caps || gst_caps_get_size (caps) != 1
      || !gst_structure_has_name (structure = gst_caps_get_structure (caps, 0), "other/tensors"))
    return bad_caps (error, "are not other/tensors");
  format = gst_structure_get_string (structure, "format");
  if (g_strcmp0 (format, "flexible") == 0)
    return TRUE;
  if (format && strcmp (format, "static") != 0)
    return bad_caps (error, "have a format that is neither static nor flexible");
  if (!(dimensions = caps_text (structure, "dimensions", error)) || !(types = caps_text (structure, "types", error))
      || !(parsed = pare_wire_parse_specs (dimensions, types, error)))
    return FALSE;
  if (gst_structure_get_int (structure, "num_tensors", &expected) && expected != (int)parsed->len)
    return bad_caps (error, "have a num_tensors that does not fit their dimensions");
  *specs = g_steal_pointer (&parsed);
  return TRUE;
}

GstBuffer *
gst_pare_buffer_from_tensors (PareTensor *const *tensors, guint n)
{
  GstBuffer *buffer;

  g_return_val_if_fail (n > 0 && n <= PARE_WIRE_TENSORS, NULL);
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

static PareTensor *
flexible_tensor (GBytes *bytes, guint index, GError **error)
{
  gsize size = g_bytes_get_size (bytes);
  PareSpec spec = { 0 };

  if (!pare_wire_parse_header (g_bytes_get_data (bytes, NULL), size, &spec))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Tensor %u of a flexible buffer has no header that describes its %" G_GSIZE_FORMAT " bytes.", index,
                   size);
      return NULL;
    }
  return tensor_of_slice (bytes, PARE_WIRE_HEADER, size - PARE_WIRE_HEADER, &spec);
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
