/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Writing a file from front to end in blocks. Private to the room. */
#pragma once
#include <glib.h>

/**
 * PareBlockWriter:
 *
 * Collects what is written and puts it out in blocks; those of a large file go to the disk at once, past the system's
 * cache, so that nothing is left to wait for when the file is synced.
 */
typedef struct _PareBlockWriter PareBlockWriter;

/* For a file of @size bytes at @fd, which is at its beginning and stays the caller's; errors call it @path. */
PareBlockWriter *pare_block_writer_new (int fd, guint64 size, const char *path);
gboolean pare_block_writer_put (PareBlockWriter *writer, gconstpointer data, gsize size, GError **error);
/* Puts out what is left; nothing is written after it. */
gboolean pare_block_writer_finish (PareBlockWriter *writer, GError **error);
void pare_block_writer_free (PareBlockWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareBlockWriter, pare_block_writer_free)
