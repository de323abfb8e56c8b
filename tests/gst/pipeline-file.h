/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A folder of XML files that a test of pipelines writes, and removes again. */
#pragma once
#include "../folder.h"
#include "gst/pipeline.h"

/* The first line of a description; the body begins on line 2. */
#define HEAD "<pipeline xmlns=\"urn:pare:pipeline:1\" xmlns:xi=\"http://www.w3.org/2001/XInclude\" version=\"1\">\n"

typedef struct
{
  char *path;
} Folder;

static inline Folder *
folder_new (void)
{
  Folder *folder = g_new0 (Folder, 1);

  folder->path = folder_create ();
  return folder;
}

static inline void
folder_free (Folder *folder)
{
  folder_remove (folder->path);
  g_free (folder);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Folder, folder_free)

static inline char *
folder_write (Folder *folder, const char *name, const char *text)
{
  char *path = g_build_filename (folder->path, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

/* The file job.xml with @body inside of <pipeline>. */
static inline char *
folder_write_job (Folder *folder, const char *body)
{
  g_autofree char *text = g_strconcat (HEAD, body, "\n</pipeline>\n", NULL);

  return folder_write (folder, "job.xml", text);
}
