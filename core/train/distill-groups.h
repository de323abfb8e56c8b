/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Blocks as users write them. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* First and last layer of a block, by their place among the layers. */
typedef struct
{
  guint first, last;
} PareGroup;

/* Reads "start:end,start:end", names of @layers (of PareNode), which may hold colons themselves. The groups (of
 * PareGroup) come out in the order of the network; an error says what is wrong with which. */
GArray *pare_groups_parse (const char *text, const GPtrArray *layers, GError **error);

G_END_DECLS
