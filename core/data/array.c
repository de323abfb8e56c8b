/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Arrays that come sample by sample from a stream: what .npy, .npz and IDX have in common. */
#include "data/format.h"

void
pare_array_free (PareArray *array)
{
  if (array->stream)
    pare_stream_close (array->stream);
  g_free (array);
}

gboolean
pare_array_check (const PareArray *array, gsize header, GError **error)
{
  gint64 elements = pare_shape_elements (&array->shape), size = pare_stream_size (array->stream);
  g_autofree char *shape = pare_shape_to_string (&array->shape);
  gsize bytes;

  if (elements < 0 || elements > G_MAXINT64 / 1024)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' claims the impossible shape %s.",
                   pare_stream_label (array->stream), shape);
      return FALSE;
    }
  bytes = pare_data_size (array->type, elements);
  if (size >= 0 && (gsize)size < header + bytes)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
                   "'%s' is truncated: %s %s takes %" G_GSIZE_FORMAT " bytes, of which %" G_GSIZE_FORMAT
                   " are missing.",
                   pare_stream_label (array->stream), pare_data_type_name (array->type), shape, bytes,
                   header + bytes - (gsize)size);
      return FALSE;
    }
  return TRUE;
}

void
pare_swap_bytes (gpointer data, gsize size, gsize n)
{
  guint16 *pairs = data;
  guint32 *words = data;
  guint64 *longs = data;

  for (gsize i = 0; size == 2 && i < n; i++)
    pairs[i] = GUINT16_SWAP_LE_BE (pairs[i]);
  for (gsize i = 0; size == 4 && i < n; i++)
    words[i] = GUINT32_SWAP_LE_BE (words[i]);
  for (gsize i = 0; size == 8 && i < n; i++)
    longs[i] = GUINT64_SWAP_LE_BE (longs[i]);
}

PareTensor *
pare_array_read (PareArray *array, const PareShape *shape, GError **error)
{
  gint64 elements = pare_shape_elements (shape);
  guint8 *data = pare_stream_read_block (array->stream, pare_data_size (array->type, elements), error);

  if (!data)
    return NULL;
  if (array->swap)
    pare_swap_bytes (data, pare_data_type_bits (array->type) / 8, elements);
  return pare_tensor_new_take (array->type, shape, data);
}

gboolean
pare_arrays_begin (PareReader *reader, GPtrArray *arrays, GError **error)
{
  reader->state = arrays;
  for (guint i = 0; i < arrays->len; i++)
    {
      const PareArray *array = arrays->pdata[i];
      PareSpec spec = { .type = array->type };
      if (array->shape.rank == 0)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "'%s' is a single number; its first axis has to count the samples.",
                       pare_stream_label (array->stream));
          return FALSE;
        }
      if (i > 0 && array->shape.dims[0] != reader->samples)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "'%s' has %" G_GINT64_FORMAT " samples where '%s' has %" G_GINT64_FORMAT ".",
                       pare_stream_label (array->stream), array->shape.dims[0],
                       pare_stream_label (((PareArray *)arrays->pdata[0])->stream), reader->samples);
          return FALSE;
        }
      reader->samples = array->shape.dims[0];
      spec.shape = pare_shape (array->shape.rank - 1, array->shape.dims + 1);
      /* No sample at all leaves the other sizes unchecked by their product. */
      if (pare_shape_elements (&spec.shape) < 0)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' claims an impossible shape.",
                       pare_stream_label (array->stream));
          return FALSE;
        }
      g_array_append_val (reader->specs, spec);
    }
  return TRUE;
}

gboolean
pare_arrays_next (PareReader *reader, PareTensor **sample, GError **error)
{
  GPtrArray *arrays = reader->state;

  for (guint i = 0; i < arrays->len; i++)
    if (!(sample[i] = pare_array_read (arrays->pdata[i], &g_array_index (reader->specs, PareSpec, i).shape, error)))
      return FALSE;
  return TRUE;
}

void
pare_arrays_close (PareReader *reader)
{
  g_clear_pointer ((GPtrArray **)&reader->state, g_ptr_array_unref);
}
