/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* A NAME=VALUE word that a command understands. */
typedef struct
{
  const char *name;
  const char *doc;
  gboolean required;
} PareAssignment;

/* Splits "name=value"; NULL when there is no '='. Free the name, *@value lies in @word. */
char *pare_assignment_split (const char *word, const char **value);

/* A table of name -> value from @words. Each name must be one of @known (@n of them), every required one must be there,
 * and none twice. The strings belong to the caller's @words and @known. */
GHashTable *pare_assignments_parse (char *const *words, const PareAssignment *known, guint n, GError **error);

/* Help lines for @known. */
char *pare_assignments_help (const PareAssignment *known, guint n);

G_END_DECLS
