/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"

G_BEGIN_DECLS

/* Replaces the file at @path by @content (consumed when floating), atomically. @fingerprint says what it belongs to. */
gboolean pare_checkpoint_save (const char *path, const char *fingerprint, GVariant *content, GError **error);
/* The content of the file at @path. An error when it is no checkpoint, is damaged, or belongs to something else than
 * @fingerprint. NULL without an error when there is no such file. */
GVariant *pare_checkpoint_load (const char *path, const char *fingerprint, const GVariantType *type, GError **error);

G_END_DECLS
