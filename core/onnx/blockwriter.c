/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Writing a file in blocks. A large one is written with O_DIRECT where the file system knows that: writing through the
 * cache is slowed down by whatever else waits to be written, and everything is waited for once more by fsync. */
#define _GNU_SOURCE
#include "onnx/blockwriter.h"
#include "onnx/codec.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Addresses, offsets and sizes of direct writes are multiples of this. */
#define SECTOR 4096
#define DIRECT_BLOCK (8 << 20)
#define CACHED_BLOCK (64 << 10)
/* Smaller files are not worth it: their readers will want them from the cache. */
#define LARGE (64 << 20)

struct _PareBlockWriter
{
  int fd;
  const char *path;
  gboolean direct;
  guint8 *block;
  gsize size, filled;
};

static gboolean
set_direct (int fd, gboolean direct)
{
#ifdef O_DIRECT
  int flags = fcntl (fd, F_GETFL);

  return flags >= 0 && fcntl (fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
#else
  return !direct;
#endif
}

PareBlockWriter *
pare_block_writer_new (int fd, guint64 size, const char *path)
{
  PareBlockWriter *writer = g_new0 (PareBlockWriter, 1);

  writer->fd = fd;
  writer->path = path;
  writer->direct = size >= LARGE && set_direct (fd, TRUE);
  writer->size = writer->direct ? DIRECT_BLOCK : CACHED_BLOCK;
  writer->block = g_aligned_alloc (1, writer->size, SECTOR);
  return writer;
}

void
pare_block_writer_free (PareBlockWriter *writer)
{
  g_aligned_free (writer->block);
  g_free (writer);
}

/* Through the cache from now on. */
static gboolean
end_direct (PareBlockWriter *writer, GError **error)
{
  if (!writer->direct || set_direct (writer->fd, FALSE))
    {
      writer->direct = FALSE;
      return TRUE;
    }
  pare_set_error_errno (error, "Cannot write", writer->path);
  return FALSE;
}

/* Writes the first @size bytes of the block, whole sectors. What a file system does not take directly (it may say so
 * late, or have taken part of a sector) goes through the cache. */
static gboolean
write_direct (PareBlockWriter *writer, gsize size, GError **error)
{
  gsize done = 0;

  while (writer->direct && done < size)
    {
      gssize written = write (writer->fd, writer->block + done, size - done);
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0 && errno != EINVAL)
        {
          pare_set_error_errno (error, "Cannot write", writer->path);
          return FALSE;
        }
      done += MAX (written, 0);
      if ((written < 0 || done % SECTOR) && !end_direct (writer, error))
        return FALSE;
    }
  return pare_write_all (writer->fd, writer->block + done, size - done, writer->path, error);
}

static gboolean
flush (PareBlockWriter *writer, GError **error)
{
  gsize size = writer->filled;

  writer->filled = 0;
  return write_direct (writer, size, error);
}

gboolean
pare_block_writer_put (PareBlockWriter *writer, gconstpointer data, gsize size, GError **error)
{
  const guint8 *at = data;

  while (size)
    {
      gsize room = writer->size - writer->filled, part = MIN (size, room);
      /* What fills a block needs no copy, but where that has to lie well. */
      if (!writer->direct && !writer->filled && size >= writer->size)
        return pare_write_all (writer->fd, at, size, writer->path, error);
      memcpy (writer->block + writer->filled, at, part);
      writer->filled += part;
      at += part;
      size -= part;
      if (writer->filled == writer->size && !flush (writer, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
pare_block_writer_finish (PareBlockWriter *writer, GError **error)
{
  gsize whole = writer->direct ? writer->filled / SECTOR * SECTOR : 0, rest = writer->filled - whole;

  writer->filled = 0;
  return write_direct (writer, whole, error) && end_direct (writer, error)
         && pare_write_all (writer->fd, writer->block + whole, rest, writer->path, error);
}
