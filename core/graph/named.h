/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Tables of things that users choose by name. */
#pragma once
#include "graph/error.h"

G_BEGIN_DECLS

/* The entry called @name of @table: pointers to structs whose first field is the name, ended by NULL. An error says
 * that there is no @what of that name, and names the nearest one. */
gconstpointer pare_find_named (const char *what, const char *name, const void *const *table, GError **error);

G_END_DECLS
