/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* What the file @reference says, "PATH" or "PATH#SECTION", as one string for pare_overrides_parse(). NULL and an error
 * when it cannot be read or has no such section. */
char *pare_overrides_read_file (const char *reference, GError **error);

G_END_DECLS
