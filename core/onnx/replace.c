/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Files that are replaced whole: written beside the target, synced, renamed. */
#include "onnx/codec.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct _PareReplacement
{
  char *path;      /* as the caller calls it */
  char *target;    /* behind symbolic links: a link keeps pointing where it did */
  char *temporary; /* NULL once it is renamed */
};

static char *
behind_links (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  char *whole = realpath (path, NULL);
  char *target;

  if (!whole)
    return g_build_filename (folder, base, NULL);
  target = g_strdup (whole);
  free (whole);
  return target;
}

/* Creates the temporary file: a hidden name that belongs to nobody else. */
static int
create_temporary (PareReplacement *replacement)
{
  g_autofree char *folder = g_path_get_dirname (replacement->target);
  g_autofree char *base = g_path_get_basename (replacement->target);
  int fd = -1;

  for (guint i = 0; i < 100 && fd < 0; i++)
    {
      g_free (replacement->temporary);
      replacement->temporary = g_strdup_printf ("%s/.%.100s.%d-%u.part", folder, base, (int)getpid (), g_random_int ());
      fd = open (replacement->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd < 0 && errno != EEXIST)
        break;
    }
  if (fd < 0)
    g_clear_pointer (&replacement->temporary, g_free);
  return fd;
}

/* A file that is there must be one that may be written, and its permissions stay. */
static gboolean
check_target (const PareReplacement *replacement, struct stat *status, GError **error)
{
  if (stat (replacement->target, status) != 0)
    {
      status->st_mode = 0;
      return TRUE;
    }
  if (!S_ISREG (status->st_mode))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_WRITE, "Cannot write '%s': it is not a regular file.",
                   replacement->path);
      return FALSE;
    }
  if (access (replacement->target, W_OK) == 0)
    return TRUE;
  pare_set_error_errno (error, "Cannot write", replacement->path);
  return FALSE;
}

/* Writes and syncs the new content. Nothing is at @path yet. */
PareReplacement *
pare_replacement_new (const char *path, PareWriteFunc write, gpointer user_data, GError **error)
{
  g_autoptr (PareReplacement) replacement = g_new0 (PareReplacement, 1);
  struct stat status;
  gboolean fine;
  int fd;

  replacement->path = g_strdup (path);
  replacement->target = behind_links (path);
  if (!check_target (replacement, &status, error))
    return NULL;
  fd = create_temporary (replacement);
  if (fd < 0)
    {
      pare_set_error_errno (error, "Cannot write", path);
      return NULL;
    }
  if (status.st_mode)
    fchmod (fd, status.st_mode & 0777);
  fine = write (fd, user_data, error);
  if (fine && fsync (fd) != 0)
    {
      pare_set_error_errno (error, "Cannot write", path);
      fine = FALSE;
    }
  if (close (fd) != 0 && fine)
    {
      pare_set_error_errno (error, "Cannot write", path);
      fine = FALSE;
    }
  return fine ? g_steal_pointer (&replacement) : NULL;
}

gboolean
pare_replacement_commit (PareReplacement *replacement, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (replacement->target);
  int fd;

  if (rename (replacement->temporary, replacement->target) != 0)
    {
      pare_set_error_errno (error, "Cannot write", replacement->path);
      return FALSE;
    }
  g_clear_pointer (&replacement->temporary, g_free);
  /* The name itself survives a power cut only when the folder is synced; a file system that cannot is no failure. */
  fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    {
      fsync (fd);
      close (fd);
    }
  return TRUE;
}

void
pare_replacement_free (PareReplacement *replacement)
{
  if (replacement->temporary)
    unlink (replacement->temporary);
  g_free (replacement->temporary);
  g_free (replacement->target);
  g_free (replacement->path);
  g_free (replacement);
}

/**
 * pare_replace_file:
 * @path: the target; behind a symbolic link, the file that it points to
 * @write: puts the new content out to a descriptor
 *
 * Replaces a file: whatever happens, it is the old one or the whole new one, and nothing else is left behind.
 */
gboolean
pare_replace_file (const char *path, PareWriteFunc write, gpointer user_data, GError **error)
{
  g_autoptr (PareReplacement) replacement = pare_replacement_new (path, write, user_data, error);

  return replacement && pare_replacement_commit (replacement, error);
}

/**
 * pare_write_all:
 * @path: what an error calls the file
 */
gboolean
pare_write_all (int fd, gconstpointer data, gsize size, const char *path, GError **error)
{
  const guint8 *at = data;

  while (size)
    {
      /* The kernel takes at most 2 GB at a time. */
      gssize written = write (fd, at, MIN (size, 1u << 30));
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        {
          pare_set_error_errno (error, "Cannot write", path);
          return FALSE;
        }
      at += written;
      size -= written;
    }
  return TRUE;
}
