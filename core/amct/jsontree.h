/* SPDX-License-Identifier: LGPL-2.1-or-later
 * JSON as the same tree that protobuf text gives, so that one table reads both. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* The members of the object in @text, of PareTextField; arrays are several fields of one name, lines are 0. An error
 * names
 * @path. */
GPtrArray *pare_json_tree_parse (const char *text, const char *path, GError **error);

G_END_DECLS
