/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How much memory running networks may take. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* The environment variable that sets the limit, for whoever has no command line: elements in gst-launch-1.0. */
#define PARE_MEMORY_VARIABLE "PARE_MAX_MEMORY"

/**
 * pare_memory_parse:
 * @text: a number of bytes, with K, M, G or T behind it for powers of 1024: "512M", "1.5G"
 *
 * Returns: the bytes, or 0 with PARE_ERROR_SETTINGS
 */
guint64 pare_memory_parse (const char *text, GError **error);

/**
 * pare_memory_limit:
 *
 * Returns: the bytes that one plan of a network, or one value of it, may take: what PARE_MAX_MEMORY says, else seven
 * eighths of what this machine, or the control group that the process is in, has; 0 with PARE_ERROR_SETTINGS when
 * the variable is no size
 */
guint64 pare_memory_limit (GError **error);

/**
 * pare_memory_affords:
 * @bytes: about to be allocated
 * @what: the beginning of a sentence: "Running the network on inputs of this size"
 * @advice: what makes it smaller: "use a smaller batch or input"
 *
 * Returns: whether @bytes are within the limit; else PARE_ERROR_FORMAT
 */
gboolean pare_memory_affords (guint64 bytes, const char *what, const char *advice, GError **error);

G_END_DECLS
