/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Writes .npy and .npz: stored, without times or owners, so that the same arrays are the same bytes. */
#include "data/save.h"
#include "data/npyheader.h"
#include "data/reader.h"
#include "graph/error.h"
#include "onnx/onnx.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <unistd.h>

#define STEP (1 << 20)

typedef struct
{
  guint n;
  const PareArraySource *sources;
  gboolean archive;
  const char *path;
} Job;

/* Where a piece of an array goes: straight to the file, or into the member of an archive. */
typedef struct
{
  const Job *job;
  int fd;
  struct archive *archive;
} Target;

static gboolean
target_failed (const Target *target, GError **error)
{
  errno = archive_errno (target->archive) > 0 ? archive_errno (target->archive) : EIO;
  pare_set_error_errno (error, "Cannot write", target->job->path);
  return FALSE;
}

static gboolean
put (const Target *target, gconstpointer data, gsize size, GError **error)
{
  const guint8 *at = data;

  if (!target->archive)
    return pare_write_all (target->fd, data, size, target->job->path, error);
  while (size)
    {
      gssize n = archive_write_data (target->archive, at, size);
      if (n <= 0)
        return target_failed (target, error);
      at += n;
      size -= n;
    }
  return TRUE;
}

static gboolean
put_spool (const Target *target, int spool, gsize size, GError **error)
{
  g_autofree guint8 *step = g_malloc (STEP);

  for (gsize offset = 0; offset < size;)
    {
      gssize n = pread (spool, step, MIN (STEP, size - offset), offset);
      if (n <= 0)
        {
          errno = n == 0 ? EIO : errno;
          pare_set_error_errno (error, "Cannot read back the samples for", target->job->path);
          return FALSE;
        }
      if (!put (target, step, n, error))
        return FALSE;
      offset += n;
    }
  return TRUE;
}

static gboolean
put_array (const Target *target, const PareArraySource *source, GBytes *header, GError **error)
{
  gsize size = pare_data_size (source->type, pare_shape_elements (&source->shape));

  return put (target, g_bytes_get_data (header, NULL), g_bytes_get_size (header), error)
         && (source->data ? put (target, source->data, size, error) : put_spool (target, source->spool, size, error));
}

static GBytes *
header_of (const Job *job, const PareArraySource *source, GError **error)
{
  GBytes *header = pare_npy_header_new (source->type, &source->shape);

  if (!header)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "Cannot write '%s': NumPy has no type for %s.", job->path,
                 pare_data_type_name (source->type));
  return header;
}

static gboolean
put_member (const Target *target, const PareArraySource *source, GError **error)
{
  g_autoptr (GBytes) header = header_of (target->job, source, error);
  g_autofree char *name = g_strconcat (source->name, ".npy", NULL);
  struct archive_entry *entry;
  gboolean done;

  if (!header)
    return FALSE;
  entry = archive_entry_new ();
  archive_entry_set_pathname_utf8 (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, g_bytes_get_size (header)
                                     + pare_data_size (source->type, pare_shape_elements (&source->shape)));
  done = archive_write_header (target->archive, entry) == ARCHIVE_OK || target_failed (target, error);
  archive_entry_free (entry);
  return done && put_array (target, source, header, error);
}

static gboolean
write_archive (Target *target, GError **error)
{
  const Job *job = target->job;
  gboolean done;

  target->archive = archive_write_new ();
  archive_write_set_format_zip (target->archive);
  archive_write_zip_set_compression_store (target->archive);
  archive_write_set_bytes_in_last_block (target->archive, 1);
  done = archive_write_open_fd (target->archive, target->fd) == ARCHIVE_OK || target_failed (target, error);
  for (guint i = 0; done && i < job->n; i++)
    done = put_member (target, &job->sources[i], error);
  if (done && archive_write_close (target->archive) != ARCHIVE_OK)
    done = target_failed (target, error);
  archive_write_free (target->archive);
  return done;
}

static gboolean
write_job (int fd, gpointer user_data, GError **error)
{
  const Job *job = user_data;
  Target target = { .job = job, .fd = fd };
  g_autoptr (GBytes) header = NULL;

  if (job->archive)
    return write_archive (&target, error);
  header = header_of (job, &job->sources[0], error);
  return header && put_array (&target, &job->sources[0], header, error);
}

gboolean
pare_array_sources_save (guint n, const PareArraySource *sources, gboolean archive, const char *path, GError **error)
{
  Job job = { n, sources, archive, path };

  g_assert (archive || n == 1);
  return pare_replace_file (path, write_job, &job, error);
}

static PareArraySource
source_of (const char *name, const PareTensor *tensor)
{
  return (PareArraySource){ name, tensor->type, tensor->shape, tensor->bytes ? pare_tensor_data (tensor) : "", -1 };
}

/**
 * pare_npy_save:
 *
 * Writes @tensor as .npy, version 1.0, row-major.
 */
gboolean
pare_npy_save (PareTensor *tensor, const char *path, GError **error)
{
  PareArraySource source = source_of (NULL, tensor);

  return pare_array_sources_save (1, &source, FALSE, path, error);
}

gboolean
pare_npz_save (guint n, const char *const *names, PareTensor *const *tensors, const char *path, GError **error)
{
  g_autofree PareArraySource *sources = g_new (PareArraySource, MAX (n, 1));

  for (guint i = 0; i < n; i++)
    {
      if (!pare_data_type_bits (tensors[i]->type))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED, "'%s' is %s, which is not written to %s.", names[i],
                       pare_data_type_name (tensors[i]->type), path);
          return FALSE;
        }
      sources[i] = source_of (names[i], tensors[i]);
    }
  return pare_array_sources_save (n, sources, TRUE, path, error);
}
