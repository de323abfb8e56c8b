/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Protocol buffers' text format, read without a schema (Protocol Buffers, Text Format Language Specification). */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareTextField:
 * @name: of the field
 * @text: of a scalar, without quotes; NULL for a message
 * @fields: of a message, of PareTextField; NULL for a scalar
 * @line: where it stands, from 1
 *
 * A list is several fields of one name.
 */
typedef struct
{
  char *name;
  char *text;
  GPtrArray *fields;
  guint line;
} PareTextField;

PareTextField *pare_text_field_new (const char *name, guint line);
void pare_text_field_free (gpointer field);

/* The fields of the message in @text, of PareTextField. An error names @path and the line. */
GPtrArray *pare_textproto_parse (const char *text, const char *path, GError **error);

G_END_DECLS
