/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* The text of a regular file in UTF-8 of at most @largest bytes. NULL and an error, which calls it @what ("settings of
 * layers"), when it is not one. */
char *pare_read_text (const char *path, const char *what, gsize largest, GError **error);

G_END_DECLS
