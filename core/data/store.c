/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Samples that are read more than once: in memory up to a limit, then in a file that has no name, so that nothing is
 * left behind however the process ends. */
#include "data/store.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* The sizes of a sample's pieces. Neighbours that look alike share one. */
typedef struct
{
  gsize total;
  guint n;
  gsize sizes[];
} Layout;

typedef struct
{
  Layout *layout;
  gpointer memory; /* the pieces one behind the other, or NULL: they are in the file */
  goffset offset;
} Sample;

struct _PareStore
{
  guint64 memory_limit;
  char *folder;

  GMutex lock; /* of what follows; samples never change once they are in */
  GArray *samples;
  guint64 in_memory;
  goffset spilled;
  int fd;
};

static void
sample_clear (gpointer data)
{
  Sample *sample = data;

  g_atomic_rc_box_release (sample->layout);
  g_clear_pointer (&sample->memory, g_atomic_rc_box_release);
}

PareStore *
pare_store_new (guint64 memory_limit, const char *folder)
{
  PareStore *store = g_new0 (PareStore, 1);

  store->memory_limit = memory_limit;
  store->folder = g_strdup (folder ? folder : g_get_tmp_dir ());
  store->samples = g_array_new (FALSE, FALSE, sizeof (Sample));
  g_array_set_clear_func (store->samples, sample_clear);
  store->fd = -1;
  g_mutex_init (&store->lock);
  return store;
}

void
pare_store_free (PareStore *store)
{
  g_array_unref (store->samples);
  if (store->fd >= 0)
    close (store->fd);
  g_mutex_clear (&store->lock);
  g_free (store->folder);
  g_free (store);
}

/* Appending: one thread */

static gboolean
open_file (PareStore *store, GError **error)
{
  g_autofree char *name = g_build_filename (store->folder, "pare-samples-XXXXXX", NULL);

  if (store->fd >= 0)
    return TRUE;
  store->fd = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600);
  if (store->fd < 0)
    {
      pare_set_error_errno (error, "The samples are more than fit into memory, and no file for them can be made in",
                            store->folder);
      return FALSE;
    }
  g_unlink (name);
  return TRUE;
}

static gboolean
write_all (PareStore *store, const char *bytes, gsize size, goffset offset, GError **error)
{
  while (size > 0)
    {
      gssize written = pwrite (store->fd, bytes, size, offset);
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        {
          pare_set_error_errno (error, "The samples are more than fit into memory, and they cannot be written to",
                                store->folder);
          return FALSE;
        }
      bytes += written;
      offset += written;
      size -= written;
    }
  return TRUE;
}

static gboolean
spill (PareStore *store, GBytes *const *pieces, guint n, Sample *sample, GError **error)
{
  goffset offset = store->spilled;

  if (!open_file (store, error))
    return FALSE;
  sample->offset = offset;
  for (guint i = 0; i < n; i++)
    {
      gsize size;
      const char *bytes = g_bytes_get_data (pieces[i], &size);
      if (!write_all (store, bytes, size, offset, error))
        return FALSE;
      offset += size;
    }
  return TRUE;
}

static void
keep (GBytes *const *pieces, guint n, Sample *sample)
{
  /* At least a byte, because the pointer also says where the sample is. */
  char *memory = g_atomic_rc_box_alloc (MAX (sample->layout->total, 1));

  sample->memory = memory;
  for (guint i = 0; i < n; i++)
    {
      gsize size;
      const char *bytes = g_bytes_get_data (pieces[i], &size);
      if (size)
        memcpy (memory, bytes, size);
      memory += size;
    }
}

static Layout *
layout_of (PareStore *store, GBytes *const *pieces, guint n)
{
  Layout *last = store->samples->len ? g_array_index (store->samples, Sample, store->samples->len - 1).layout : NULL;
  gboolean alike = last && last->n == n;
  Layout *layout;

  for (guint i = 0; alike && i < n; i++)
    alike = last->sizes[i] == g_bytes_get_size (pieces[i]);
  if (alike)
    return g_atomic_rc_box_acquire (last);
  layout = g_atomic_rc_box_alloc0 (sizeof *layout + n * sizeof layout->sizes[0]);
  layout->n = n;
  for (guint i = 0; i < n; i++)
    layout->total += layout->sizes[i] = g_bytes_get_size (pieces[i]);
  return layout;
}

gboolean
pare_store_append (PareStore *store, GBytes *const *pieces, guint n, GError **error)
{
  Sample sample = { layout_of (store, pieces, n), NULL, 0 };
  gsize size = sample.layout->total;
  /* Once the file is in use it takes all, so that what comes later is not found earlier. */
  gboolean fits = store->fd < 0 && size <= store->memory_limit - store->in_memory;

  if (fits)
    keep (pieces, n, &sample);
  else if (!spill (store, pieces, n, &sample, error))
    {
      sample_clear (&sample);
      return FALSE;
    }
  g_mutex_lock (&store->lock);
  if (fits)
    store->in_memory += size;
  else
    store->spilled += size;
  g_array_append_val (store->samples, sample);
  g_mutex_unlock (&store->lock);
  return TRUE;
}

/* Reading: any thread */

guint64
pare_store_count (PareStore *store)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&store->lock);

  return store->samples->len;
}

guint64
pare_store_spilled (PareStore *store)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&store->lock);

  return store->spilled;
}

static GBytes *
read_file (const PareStore *store, const Sample *sample, GError **error)
{
  gsize size = sample->layout->total;
  g_autofree char *bytes = g_malloc (size);

  for (gsize done = 0; done < size;)
    {
      gssize got = pread (store->fd, bytes + done, size - done, sample->offset + done);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          errno = got ? errno : EIO;
          pare_set_error_errno (error, "Cannot read back the samples that were written to", store->folder);
          return NULL;
        }
      done += got;
    }
  return g_bytes_new_take (g_steal_pointer (&bytes), size);
}

GPtrArray *
pare_store_read (PareStore *store, guint64 index, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  GPtrArray *pieces;
  gsize offset = 0;
  Sample sample;

  /* The array may move while another thread appends; what it points to does not. */
  g_mutex_lock (&store->lock);
  g_assert (index < store->samples->len);
  sample = g_array_index (store->samples, Sample, index);
  g_mutex_unlock (&store->lock);
  bytes = sample.memory ? g_bytes_new_with_free_func (sample.memory, sample.layout->total, g_atomic_rc_box_release,
                                                      g_atomic_rc_box_acquire (sample.memory))
                        : read_file (store, &sample, error);
  if (!bytes)
    return NULL;
  pieces = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (guint i = 0; i < sample.layout->n; i++)
    {
      g_ptr_array_add (pieces, g_bytes_new_from_bytes (bytes, offset, sample.layout->sizes[i]));
      offset += sample.layout->sizes[i];
    }
  return pieces;
}
