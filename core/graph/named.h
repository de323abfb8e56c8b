/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Names that users write: of things in tables, and messages about names that do not exist. */
#pragma once
#include "graph/error.h"

G_BEGIN_DECLS

/* The entry called @name of @table: pointers to structs whose first field is the name, ended by NULL. An error says
 * that there is no @what of that name, and names the nearest one. */
gconstpointer pare_find_named (const char *what, const char *name, const void *const *table, GError **error);

/* The names of such a table, NULL-terminated; free the container. */
const char **pare_names_of (const void *const *table);

/* "There is no @what '@name'", with the nearest of @names (NULL-terminated), or else @advice ("'pare list' shows
 * them"), or where that is NULL all of @names. */
void pare_set_error_unknown (GError **error, const char *what, const char *name, const char *const *names,
                             const char *advice);

G_END_DECLS
