/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/* Private to this room: an array on its way into a file. Its elements are in memory, or in a file of their own. */
typedef struct
{
  const char *name;
  PareDataType type;
  PareShape shape;
  gconstpointer data;
  int spool; /* read from its start, when @data is NULL */
} PareArraySource;

/* Writes one array as .npy, or several as .npz, in place of @path. */
gboolean
pare_array_sources_save (guint n, const PareArraySource *sources, gboolean archive, const char *path, GError **error);

G_END_DECLS
