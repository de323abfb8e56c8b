/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Immutable tensors over shared bytes. */
#include "graph/packed.h"
#include <string.h>

static PareTensor *
tensor_alloc (PareDataType type, const PareShape *shape)
{
  PareTensor *tensor = g_new0 (PareTensor, 1);

  g_atomic_ref_count_init (&tensor->refs);
  tensor->type = type;
  tensor->shape = *shape;
  return tensor;
}

gsize
pare_data_size (PareDataType type, gint64 elements)
{
  return ((gsize)elements * pare_data_type_bits (type) + 7) / 8;
}

PareTensor *
pare_tensor_new (PareDataType type, const PareShape *shape, GBytes *bytes)
{
  PareTensor *tensor = tensor_alloc (type, shape);

  g_assert (pare_shape_elements (shape) >= 0);
  g_assert (g_bytes_get_size (bytes) == pare_data_size (type, pare_shape_elements (shape)));
  tensor->bytes = bytes;
  return tensor;
}

PareTensor *
pare_tensor_new_take (PareDataType type, const PareShape *shape, gpointer data)
{
  gsize size = pare_data_size (type, pare_shape_elements (shape));

  return pare_tensor_new (type, shape, g_bytes_new_take (data, size));
}

PareTensor *
pare_tensor_new_copy (PareDataType type, const PareShape *shape, gconstpointer data)
{
  gsize size = pare_data_size (type, pare_shape_elements (shape));

  return pare_tensor_new (type, shape, g_bytes_new (data, size));
}

PareTensor *
pare_tensor_new_strings (const PareShape *shape, GPtrArray *strings)
{
  PareTensor *tensor = tensor_alloc (PARE_STRING, shape);

  g_assert (pare_shape_elements (shape) == (gint64)strings->len);
  tensor->strings = strings;
  return tensor;
}

PareTensor *
pare_tensor_new_sequence (GPtrArray *items)
{
  PareShape shape = pare_shape_of (1, (int)items->len);
  PareTensor *tensor = tensor_alloc (PARE_SEQUENCE, &shape);

  tensor->items = items;
  return tensor;
}

PareTensor *
pare_tensor_new_absent (void)
{
  PareShape shape = pare_shape_of (1, 0);

  return tensor_alloc (PARE_ABSENT, &shape);
}

PareTensor *
pare_tensor_new_floats (const PareShape *shape, const float *data)
{
  return pare_tensor_new_copy (PARE_FLOAT32, shape, data);
}

PareTensor *
pare_tensor_new_scalar_float (float value)
{
  PareShape scalar = { 0 };

  return pare_tensor_new_floats (&scalar, &value);
}

PareTensor *
pare_tensor_new_int64s (guint n, const gint64 *data)
{
  PareShape shape = pare_shape_of (1, (int)n);

  return pare_tensor_new_copy (PARE_INT64, &shape, data);
}

PareTensor *
pare_tensor_ref (PareTensor *tensor)
{
  g_atomic_ref_count_inc (&tensor->refs);
  return tensor;
}

void
pare_tensor_unref (PareTensor *tensor)
{
  if (!g_atomic_ref_count_dec (&tensor->refs))
    return;
  g_clear_pointer (&tensor->bytes, g_bytes_unref);
  g_clear_pointer (&tensor->strings, g_ptr_array_unref);
  g_clear_pointer (&tensor->items, g_ptr_array_unref);
  g_free (tensor);
}

gint64
pare_tensor_elements (const PareTensor *tensor)
{
  return pare_shape_elements (&tensor->shape);
}

gconstpointer
pare_tensor_data (const PareTensor *tensor)
{
  return tensor->bytes ? g_bytes_get_data (tensor->bytes, NULL) : NULL;
}

gsize
pare_tensor_size (const PareTensor *tensor)
{
  return tensor->bytes ? g_bytes_get_size (tensor->bytes) : 0;
}

PareTensor *
pare_tensor_reshape (const PareTensor *tensor, const PareShape *shape)
{
  g_assert (pare_shape_elements (shape) == pare_tensor_elements (tensor));
  if (tensor->strings)
    return pare_tensor_new_strings (shape, g_ptr_array_ref (tensor->strings));
  return pare_tensor_new (tensor->type, shape, g_bytes_ref (tensor->bytes));
}

PareTensor *
pare_tensor_cast (PareTensor *tensor, PareDataType type)
{
  gint64 n = pare_tensor_elements (tensor);
  g_autofree gpointer data = NULL;

  if (tensor->type == type)
    return pare_tensor_ref (tensor);
  data = g_malloc (MAX (pare_data_size (type, n), 1));
  if (!pare_convert (tensor->type, pare_tensor_data (tensor), type, data, n))
    return NULL;
  return pare_tensor_new_take (type, &tensor->shape, g_steal_pointer (&data));
}

static void
get_element (const PareTensor *tensor, gint64 index, PareDataType type, gpointer element)
{
  const guint8 *data = pare_tensor_data (tensor);
  gsize size = pare_data_type_bits (tensor->type) / 8;
  guint8 pair[2];

  g_assert (index >= 0 && index < pare_tensor_elements (tensor) && pare_data_type_bits (tensor->type) > 0);
  if (!pare_data_type_is_packed (tensor->type))
    {
      pare_convert (tensor->type, data + size * index, type, element, 1);
      return;
    }
  pare_unpack (tensor->type, data + index / 2, pair, 1 + index % 2);
  pare_convert (pare_data_type_unpacked (tensor->type), pair + index % 2, type, element, 1);
}

double
pare_tensor_get_double (const PareTensor *tensor, gint64 index)
{
  double value = 0;

  get_element (tensor, index, PARE_FLOAT64, &value);
  return value;
}

gint64
pare_tensor_get_int (const PareTensor *tensor, gint64 index)
{
  gint64 value = 0;

  get_element (tensor, index, PARE_INT64, &value);
  return value;
}

gboolean
pare_tensor_equal (const PareTensor *a, const PareTensor *b)
{
  if (a->type != b->type || !pare_shape_equal (&a->shape, &b->shape))
    return FALSE;
  if (a->bytes)
    return g_bytes_equal (a->bytes, b->bytes);
  for (guint i = 0; a->items && i < a->items->len; i++)
    if (!pare_tensor_equal (a->items->pdata[i], b->items->pdata[i]))
      return FALSE;
  if (!a->strings)
    return TRUE;
  for (guint i = 0; i < a->strings->len; i++)
    if (!g_bytes_equal (a->strings->pdata[i], b->strings->pdata[i]))
      return FALSE;
  return TRUE;
}
