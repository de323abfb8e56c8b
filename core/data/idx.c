/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IDX, the format of MNIST: 0, 0, type, rank, big-endian sizes, big-endian elements. Often within gzip. */
#include "data/format.h"
#include <string.h>

static const PareDataType idx_types[] = {
  [0x08] = PARE_UINT8, [0x09] = PARE_INT8,    [0x0b] = PARE_INT16,
  [0x0c] = PARE_INT32, [0x0d] = PARE_FLOAT32, [0x0e] = PARE_FLOAT64,
};

static gboolean
idx_probe (const guint8 *head, gsize size)
{
  return size >= 4 && head[0] == 0 && head[1] == 0 && head[2] < G_N_ELEMENTS (idx_types)
         && idx_types[head[2]] != PARE_UNDEFINED && head[3] >= 1 && head[3] <= PARE_MAX_RANK;
}

static gboolean
idx_open (PareReader *reader, GError **error)
{
  g_autoptr (PareArray) array = g_new0 (PareArray, 1);
  g_autoptr (GPtrArray) arrays = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_array_free);
  g_autofree guint8 *magic = NULL;
  g_autofree guint8 *sizes = NULL;

  if (!(array->stream = pare_stream_open_file (reader->path, error))
      || !(magic = pare_stream_read_block (array->stream, 4, error)))
    return FALSE;
  if (!idx_probe (magic, 4))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' changed while it was opened.", reader->path);
      return FALSE;
    }
  if (!(sizes = pare_stream_read_block (array->stream, 4 * magic[3], error)))
    return FALSE;
  array->type = idx_types[magic[2]];
  array->swap = G_BYTE_ORDER == G_LITTLE_ENDIAN && pare_data_type_bits (array->type) > 8;
  array->shape.rank = magic[3];
  for (guint i = 0; i < array->shape.rank; i++)
    {
      guint32 size;
      memcpy (&size, sizes + 4 * i, 4);
      array->shape.dims[i] = GUINT32_FROM_BE (size);
    }
  if (!pare_array_check (array, 4 + 4 * array->shape.rank, error))
    return FALSE;
  g_ptr_array_add (arrays, g_steal_pointer (&array));
  return pare_arrays_begin (reader, g_steal_pointer (&arrays), error);
}

const PareFormat pare_format_idx = {
  .name = "idx",
  .probe = idx_probe,
  .open = idx_open,
  .next = pare_arrays_next,
  .close = pare_arrays_close,
};
