/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NumPy's .npy: one array behind a text header. Versions 1 to 3, both byte orders, row-major only. */
#include "data/format.h"
#include "data/npyheader.h"
#include <string.h>

/* Longest header that is believed; NumPy itself stops at 10,000 characters. */
#define MOST_HEADER (1 << 20)

static gboolean
npy_probe (const guint8 *head, gsize size)
{
  return size >= 8 && memcmp (head, "\x93NUMPY", 6) == 0;
}

static gboolean
bad_npy (const PareStream *stream, const char *reason, GError **error)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is no .npy array that can be read: %s.",
               pare_stream_label (stream), reason);
  return FALSE;
}

/* The header's dictionary as text, and the bytes that it took from the stream. */
static char *
read_dictionary (PareStream *stream, gsize *size, GError **error)
{
  guint8 start[12];
  gsize length, prefix;
  g_autofree guint8 *text = NULL;

  if (pare_stream_read (stream, start, 8, error) != 8 || !npy_probe (start, 8) || start[6] < 1 || start[6] > 3)
    {
      if (!error || !*error)
        bad_npy (stream, "it does not begin with a mark of version 1, 2 or 3", error);
      return NULL;
    }
  prefix = start[6] == 1 ? 2 : 4;
  if (pare_stream_read (stream, start + 8, prefix, error) != (gssize)prefix)
    {
      if (!error || !*error)
        bad_npy (stream, "it ends within its header", error);
      return NULL;
    }
  length = start[8] | start[9] << 8;
  if (prefix == 4)
    length |= (gsize)start[10] << 16 | (gsize)start[11] << 24;
  if (length > MOST_HEADER)
    {
      bad_npy (stream, "its header is absurdly long", error);
      return NULL;
    }
  if (!(text = pare_stream_read_block (stream, length, error)))
    return NULL;
  *size = 8 + prefix + length;
  return g_strndup ((char *)text, length);
}

PareArray *
pare_array_open_npy (PareStream *stream, GError **error)
{
  g_autoptr (PareArray) array = g_new0 (PareArray, 1);
  g_autoptr (GError) failure = NULL;
  g_autofree char *text = NULL;
  PareNpyHeader header;
  const char *reason;
  gsize size;

  array->stream = stream;
  text = read_dictionary (stream, &size, &failure);
  if (!text)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (!pare_npy_header_parse (text, &header, &reason))
    {
      bad_npy (stream, reason, error);
      return NULL;
    }
  if (header.fortran && header.shape.rank > 1)
    {
      bad_npy (stream, "it is in Fortran order; save it with numpy.ascontiguousarray", error);
      return NULL;
    }
  array->type = header.type;
  array->shape = header.shape;
  array->swap = header.swap;
  return pare_array_check (array, size, error) ? g_steal_pointer (&array) : NULL;
}

static gboolean
npy_open (PareReader *reader, GError **error)
{
  PareStream *stream = pare_stream_open_file (reader->path, error);
  PareArray *array = stream ? pare_array_open_npy (stream, error) : NULL;
  GPtrArray *arrays;

  if (!array)
    return FALSE;
  arrays = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_array_free);
  g_ptr_array_add (arrays, array);
  return pare_arrays_begin (reader, arrays, error);
}

const PareFormat pare_format_npy = {
  .name = "npy",
  .probe = npy_probe,
  .open = npy_open,
  .next = pare_arrays_next,
  .close = pare_arrays_close,
};

PareTensor *
pare_npy_load (const char *path, GError **error)
{
  PareStream *stream = pare_stream_open_file (path, error);
  g_autoptr (PareArray) array = stream ? pare_array_open_npy (stream, error) : NULL;

  return array ? pare_array_read (array, &array->shape, error) : NULL;
}
