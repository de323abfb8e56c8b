/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Samples into .npy and .npz in constant memory: the number of samples stands in the header, in front of them, and
 * is only known at the end, so the samples wait in unnamed files. */
#include "data/writer.h"
#include "data/save.h"
#include "graph/error.h"
#include "onnx/onnx.h"
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  char *name;
  PareSpec spec;
  int fd;
} Spool;

struct _PareWriter
{
  char *path;
  gboolean archive;
  gint64 samples;
  GArray *spools;
};

static void
spool_clear (Spool *spool)
{
  if (spool->fd >= 0)
    close (spool->fd);
  g_free (spool->name);
}

/* A file without a name in the folder of the target, where the room for the result has to be anyway. */
static int
open_spool (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_build_filename (folder, ".pare-samples-XXXXXX", NULL);
  int fd = g_mkstemp (name);

  if (fd < 0)
    pare_set_error_errno (error, "Cannot write", path);
  else
    g_unlink (name);
  return fd;
}

PareWriter *
pare_writer_new (const char *path, guint n, const PareSpec *specs, GError **error)
{
  g_autoptr (PareWriter) writer = g_new0 (PareWriter, 1);

  writer->path = g_strdup (path);
  writer->archive = g_str_has_suffix (path, ".npz");
  writer->spools = g_array_new (FALSE, TRUE, sizeof (Spool));
  g_array_set_clear_func (writer->spools, (GDestroyNotify)spool_clear);
  if (!writer->archive && !g_str_has_suffix (path, ".npy"))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "'%s' names no known format; let it end with .npy or .npz.",
                   path);
      return NULL;
    }
  if (!writer->archive && n != 1)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "'%s' can hold one array, and the samples have %u tensors; let the name end with .npz.", path, n);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      Spool spool = { g_strdup_printf ("arr_%u", i), specs[i], open_spool (path, error) };
      g_array_append_val (writer->spools, spool);
      if (spool.fd < 0)
        return NULL;
    }
  return g_steal_pointer (&writer);
}

void
pare_writer_free (PareWriter *writer)
{
  g_array_unref (writer->spools);
  g_free (writer->path);
  g_free (writer);
}

gboolean
pare_writer_add (PareWriter *writer, PareTensor *const *sample, guint n, GError **error)
{
  if (n != writer->spools->len)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Sample %" G_GINT64_FORMAT " for '%s' has %u tensors where those before have %u.", writer->samples,
                   writer->path, n, writer->spools->len);
      return FALSE;
    }
  for (guint i = 0; i < writer->spools->len; i++)
    {
      const Spool *spool = &g_array_index (writer->spools, Spool, i);
      if (sample[i]->type != spool->spec.type || !pare_shape_equal (&sample[i]->shape, &spool->spec.shape))
        {
          g_autofree char *before = pare_shape_to_string (&spool->spec.shape);
          g_autofree char *now = pare_shape_to_string (&sample[i]->shape);
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Sample %" G_GINT64_FORMAT " for '%s' is %s %s where those before are %s %s.", writer->samples,
                       writer->path, pare_data_type_name (sample[i]->type), now, pare_data_type_name (spool->spec.type),
                       before);
          return FALSE;
        }
      if (!pare_write_all (spool->fd, pare_tensor_data (sample[i]), pare_tensor_size (sample[i]), writer->path, error))
        return FALSE;
    }
  writer->samples++;
  return TRUE;
}

gboolean
pare_writer_finish (PareWriter *writer, GError **error)
{
  guint n = writer->spools->len;
  g_autofree PareArraySource *sources = g_new0 (PareArraySource, n);

  for (guint i = 0; i < n; i++)
    {
      const Spool *spool = &g_array_index (writer->spools, Spool, i);
      const PareShape *shape = &spool->spec.shape;
      if (shape->rank == PARE_MAX_RANK)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "The samples for '%s' have too many axes to be stacked.",
                       writer->path);
          return FALSE;
        }
      sources[i] = (PareArraySource){ spool->name, spool->spec.type, { .rank = shape->rank + 1 }, NULL, spool->fd };
      sources[i].shape.dims[0] = writer->samples;
      for (guint axis = 0; axis < shape->rank; axis++)
        sources[i].shape.dims[axis + 1] = shape->dims[axis];
    }
  return pare_array_sources_save (n, sources, writer->archive, writer->path, error);
}
