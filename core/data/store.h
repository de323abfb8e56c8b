/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include <glib-object.h>

G_BEGIN_DECLS

/**
 * PareStore:
 *
 * Keeps samples, each a few pieces of bytes, in the order in which they came, to be read any number of times: in memory
 * up to a limit, the rest in a file without a name. One thread appends; any number of threads read at the same time.
 */
typedef struct _PareStore PareStore;

/* @folder is where the file goes when it is needed; NULL is the system's folder for temporary files. */
PareStore *pare_store_new (guint64 memory_limit, const char *folder);
/* Copies the @n pieces, together the next sample. After an error the store holds what it held before. */
gboolean pare_store_append (PareStore *store, GBytes *const *pieces, guint n, GError **error);
guint64 pare_store_count (PareStore *store);
/* Bytes that are in the file, not in memory. */
guint64 pare_store_spilled (PareStore *store);
/* The pieces (GBytes) of sample @index, which is below the count. */
GPtrArray *pare_store_read (PareStore *store, guint64 index, GError **error);
void pare_store_free (PareStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareStore, pare_store_free)

G_END_DECLS
