/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Samples in a file: finds the format by its content and hands out one sample after the other. */
#include "data/reader.h"
#include "data/format.h"

/* Tried in this order; the last one has no mark of its own and takes what is left. */
static const PareFormat *const formats[] = {
  &pare_format_npy, &pare_format_npz, &pare_format_nnstreamer, &pare_format_idx, &pare_format_onnx,
};

static const PareFormat *
find_format (const char *path, GError **error)
{
  g_autoptr (PareStream) stream = pare_stream_open_file (path, error);
  guint8 head[PARE_FORMAT_HEAD];
  gssize size = stream ? pare_stream_read (stream, head, sizeof head, error) : -1;

  if (size < 0)
    return NULL;
  if (size == 0)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is empty.", path);
      return NULL;
    }
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i]->probe (head, size))
      return formats[i];
  g_set_error (
      error, PARE_ERROR, PARE_ERROR_DECODE,
      "'%s' is no tensor file: .npy, .npz, IDX (also .gz), ONNX tensors (.pb) and NNStreamer data repositories "
      "(.json) can be read.",
      path);
  return NULL;
}

PareReader *
pare_reader_open (const char *path, GError **error)
{
  const PareFormat *format = find_format (path, error);
  g_autoptr (PareReader) reader = NULL;

  if (!format)
    return NULL;
  reader = g_new0 (PareReader, 1);
  reader->format = format;
  reader->path = g_strdup (path);
  reader->specs = g_array_new (FALSE, TRUE, sizeof (PareSpec));
  reader->names = g_ptr_array_new_with_free_func (g_free);
  if (!format->open (reader, error))
    return NULL;
  return g_steal_pointer (&reader);
}

void
pare_reader_free (PareReader *reader)
{
  reader->format->close (reader);
  g_ptr_array_unref (reader->names);
  g_array_unref (reader->specs);
  g_free (reader->path);
  g_free (reader);
}

gint64
pare_reader_samples (const PareReader *reader)
{
  return reader->samples;
}

guint
pare_reader_tensors (const PareReader *reader)
{
  return reader->specs->len;
}

const PareSpec *
pare_reader_spec (const PareReader *reader, guint index)
{
  g_return_val_if_fail (index < reader->specs->len, NULL);
  return &g_array_index (reader->specs, PareSpec, index);
}

const char *
pare_reader_name (const PareReader *reader, guint index)
{
  return index < reader->names->len ? reader->names->pdata[index] : NULL;
}

int
pare_reader_next (PareReader *reader, PareTensor **sample, GError **error)
{
  if (reader->position >= reader->samples)
    return 0;
  for (guint i = 0; i < reader->specs->len; i++)
    sample[i] = NULL;
  if (!reader->format->next (reader, sample, error))
    {
      for (guint i = 0; i < reader->specs->len; i++)
        g_clear_pointer (&sample[i], pare_tensor_unref);
      return -1;
    }
  reader->position++;
  return 1;
}
