/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/shape.h"
#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  PareDataType type;
  PareShape shape;
  gboolean swap; /* the other byte order than this machine's */
  gboolean fortran;
} PareNpyHeader;

/* Parses the dictionary of a .npy header; on failure *@reason says what is wrong with it (static text). */
gboolean pare_npy_header_parse (const char *text, PareNpyHeader *header, const char **reason);
/* A whole version 1 header, magic included; its size is a multiple of 64. NULL for types that NumPy has not. */
GBytes *pare_npy_header_new (PareDataType type, const PareShape *shape);

G_END_DECLS
