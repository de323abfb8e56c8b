/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Byte streams from files (plain or gzip) and from members of zip archives, behind one read function. */
#include "data/stream.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A block that is longer is read in steps that double, each only after the one before was full. */
#define FIRST_STEP (16 << 20)

struct _PareStream
{
  char *label;
  gint64 size;
  gzFile file;
  struct archive *archive;
};

static PareStream *
undecodable (PareStream *stream, GError **error)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' cannot be read: %s.", stream->label,
               stream->archive && archive_error_string (stream->archive) ? archive_error_string (stream->archive)
                                                                         : "the data is corrupt");
  pare_stream_close (stream);
  return NULL;
}

PareStream *
pare_stream_open_file (const char *path, GError **error)
{
  /* A pipe without a writer must not keep anybody waiting for what is refused anyway. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  PareStream *stream;

  if (fd < 0)
    {
      pare_set_error_errno (error, "Cannot open", path);
      return NULL;
    }
  if (fstat (fd, &status) != 0 || S_ISDIR (status.st_mode))
    {
      close (fd);
      errno = EISDIR;
      pare_set_error_errno (error, "Cannot read", path);
      return NULL;
    }
  if (!S_ISREG (status.st_mode))
    {
      close (fd);
      g_set_error (
          error, PARE_ERROR, PARE_ERROR_DECODE,
          "Cannot read '%s': it is not a regular file, and samples are read more than once: write them to one.", path);
      return NULL;
    }
  stream = g_new0 (PareStream, 1);
  stream->label = g_strdup (path);
  stream->file = gzdopen (fd, "rb");
  g_assert (stream->file);
  gzbuffer (stream->file, 1 << 17);
  stream->size = gzdirect (stream->file) ? status.st_size : -1;
  return stream;
}

PareStream *
pare_stream_open_member (const char *path, guint index, GError **error)
{
  PareStream *stream = g_new0 (PareStream, 1);
  struct archive_entry *entry = NULL;

  stream->label = g_strdup (path);
  stream->archive = archive_read_new ();
  archive_read_support_format_zip (stream->archive);
  if (archive_read_open_filename (stream->archive, path, 1 << 16) != ARCHIVE_OK)
    return undecodable (stream, error);
  for (guint i = 0; i <= index; i++)
    if (archive_read_next_header (stream->archive, &entry) < ARCHIVE_WARN)
      return undecodable (stream, error);
  g_free (stream->label);
  stream->label = g_strdup_printf ("%s:%s", path, archive_entry_pathname (entry));
  stream->size = archive_entry_size_is_set (entry) ? archive_entry_size (entry) : -1;
  return stream;
}

void
pare_stream_close (PareStream *stream)
{
  if (stream->file)
    gzclose (stream->file);
  if (stream->archive)
    archive_read_free (stream->archive);
  g_free (stream->label);
  g_free (stream);
}

const char *
pare_stream_label (const PareStream *stream)
{
  return stream->label;
}

gint64
pare_stream_size (const PareStream *stream)
{
  return stream->size;
}

/* One call of the library below: fewer bytes than asked for do not mean the end. */
static gssize
read_some (PareStream *stream, gpointer data, gsize size, GError **error)
{
  const char *reason;
  gssize n;

  if (stream->archive)
    {
      n = archive_read_data (stream->archive, data, size);
      if (n >= 0)
        return n;
      reason = archive_error_string (stream->archive);
    }
  else
    {
      int code;
      n = gzread (stream->file, data, MIN (size, 1 << 30));
      reason = gzerror (stream->file, &code);
      if (n > 0 || (n == 0 && (code == Z_OK || code == Z_STREAM_END)))
        return n;
      if (code == Z_BUF_ERROR)
        return 0; /* the compressed data is cut off: the caller tells how much is missing */
    }
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' cannot be read: %s.", stream->label,
               reason && *reason ? reason : "the data is corrupt");
  return -1;
}

gssize
pare_stream_read (PareStream *stream, gpointer data, gsize size, GError **error)
{
  gsize done = 0;

  while (done < size)
    {
      gssize n = read_some (stream, (guint8 *)data + done, size - done, error);
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      done += n;
    }
  return done;
}

guint8 *
pare_stream_read_block (PareStream *stream, gsize size, GError **error)
{
  gsize capacity = MIN (size, FIRST_STEP), done = 0;
  g_autofree guint8 *data = g_malloc (MAX (capacity, 1));

  while (TRUE)
    {
      gssize n = pare_stream_read (stream, data + done, capacity - done, error);
      if (n < 0)
        return NULL;
      done += n;
      if (done == size)
        return g_steal_pointer (&data);
      if (done < capacity)
        break;
      capacity = MIN (size, 2 * capacity);
      data = g_realloc (data, capacity);
    }
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
               "'%s' is truncated: %" G_GSIZE_FORMAT " more bytes belong where it ends.", stream->label, size - done);
  return NULL;
}
