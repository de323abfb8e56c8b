/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NumPy's .npz: a zip archive of .npy arrays, each read through a stream of its own so that samples come side by side.
 */
#include "data/format.h"
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

/* Each array keeps the file open once. */
#define MOST_ARRAYS 64

static gboolean
npz_probe (const guint8 *head, gsize size)
{
  return size >= 4 && (memcmp (head, "PK\3\4", 4) == 0 || memcmp (head, "PK\5\6", 4) == 0);
}

static gboolean
bad_npz (const char *path, const char *reason, GError **error)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is no .npz archive that can be read: %s.", path,
               reason ? reason : "the data is corrupt");
  return FALSE;
}

/* Names of the members, in their order; a member that is no array is an error, not skipped. */
static gboolean
list_members (struct archive *archive, const char *path, GPtrArray *names, GError **error)
{
  struct archive_entry *entry;
  int status = archive_read_open_filename (archive, path, 1 << 16);

  while (status == ARCHIVE_OK && (status = archive_read_next_header (archive, &entry)) >= ARCHIVE_WARN
         && status != ARCHIVE_EOF)
    {
      const char *name = archive_entry_pathname (entry);
      if (!name || !g_utf8_validate (name, -1, NULL) || !g_str_has_suffix (name, ".npy"))
        return bad_npz (path, "it holds something else than .npy arrays", error);
      if (names->len == MOST_ARRAYS)
        return bad_npz (path, "it holds more than 64 arrays", error);
      g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".npy")));
      status = ARCHIVE_OK;
    }
  if (status != ARCHIVE_EOF)
    return bad_npz (path, archive_error_string (archive), error);
  if (names->len == 0)
    return bad_npz (path, "it is empty", error);
  return TRUE;
}

static gboolean
npz_open (PareReader *reader, GError **error)
{
  struct archive *archive = archive_read_new ();
  g_autoptr (GPtrArray) arrays = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_array_free);
  gboolean listed;

  archive_read_support_format_zip (archive);
  listed = list_members (archive, reader->path, reader->names, error);
  archive_read_free (archive);
  if (!listed)
    return FALSE;
  for (guint i = 0; i < reader->names->len; i++)
    {
      PareStream *stream = pare_stream_open_member (reader->path, i, error);
      PareArray *array = stream ? pare_array_open_npy (stream, error) : NULL;
      if (!array)
        return FALSE;
      g_ptr_array_add (arrays, array);
    }
  return pare_arrays_begin (reader, g_steal_pointer (&arrays), error);
}

const PareFormat pare_format_npz = {
  .name = "npz",
  .probe = npz_probe,
  .open = npz_open,
  .next = pare_arrays_next,
  .close = pare_arrays_close,
};
