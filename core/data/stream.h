/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include <glib.h>

G_BEGIN_DECLS

/* Bytes from start to end: of a file, plain or gzip, or of a member of an archive. */
typedef struct _PareStream PareStream;

PareStream *pare_stream_open_file (const char *path, GError **error);
/* Member @index (counted from 0) of a zip archive. */
PareStream *pare_stream_open_member (const char *path, guint index, GError **error);
void pare_stream_close (PareStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareStream, pare_stream_close)

/* File, and member where there is one, as messages name it. */
const char *pare_stream_label (const PareStream *stream);
/* Bytes from its start to its end, or -1 when only reading tells. */
gint64 pare_stream_size (const PareStream *stream);
/* Up to @size bytes; fewer only at the end. -1 on error. */
gssize pare_stream_read (PareStream *stream, gpointer data, gsize size, GError **error);
/* Exactly @size bytes. Memory grows with what really comes, so that a lying size cannot exhaust it. */
guint8 *pare_stream_read_block (PareStream *stream, gsize size, GError **error);

G_END_DECLS
